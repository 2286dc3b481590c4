"""The claims that Chen et al. (2023) make about Lion, measured at the scale of the tasks here.

The public names of this subpackage: `measure_claims`, and `CLAIMS`, the file of its results; `Answer`, the answers to a
claim; `draw` draws the figures, and `markdown` writes the table; `search_configs` reads the configs of the searches.
"""

from search.claims.claim import Answer
from search.claims.figures import draw
from search.claims.measure import measure_claims
from search.claims.results_file import CLAIMS
from search.claims.searches import search_configs
from search.claims.table import markdown

__all__ = ["CLAIMS", "Answer", "draw", "markdown", "measure_claims", "search_configs"]
