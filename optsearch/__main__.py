"""`python -m optsearch`: the command line."""

import sys

from search.commands.main import main

if __name__ == "__main__":
    sys.exit(main())
