"""`python -m optsearch`: the command line."""

import sys

from search.commands.start import main

if __name__ == "__main__":
    sys.exit(main())
