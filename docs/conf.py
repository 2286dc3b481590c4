"""Settings of Sphinx, which builds the site from docs/*.md and the docstrings: `make docs`.

The source folder is the root of the project, so that links between pages, README and results are the same in a checkout
and on the site.
"""

from importlib.metadata import version as installed

import click
from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

project = "optsearch"
author = "The optsearch authors"
copyright = author  # noqa: A001 - the name that Sphinx reads
version = release = installed("optsearch")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_click",
    "sphinx_copybutton",
]
root_doc = "docs/index"
include_patterns = ["docs/*.md", "README.md", "CONTRIBUTING.md", "results/README.md"]
exclude_patterns = [".*", "build", "*.egg-info"]

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
highlight_language = "none"  # of blocks without a language: commands, output
default_role = "code"  # single backticks in docstrings are code

toc_object_entries_show_parents = "hide"
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
python_use_unqualified_type_names = True
napoleon_numpy_docstring = False

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_theme = "furo"
html_title = "optsearch"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_extra_path = ["static/index.html"]  # leads from the root of the site to its first page
html_copy_source = False
html_theme_options = {"top_of_page_buttons": [], "footer_icons": []}


def show_example_as_code(app: Sphinx, ctx: click.Context, lines: list[str]) -> None:
    """Turn the last lines of a command's help, `Example:` and a command, into a block of code."""
    if lines:
        lines[:] = [".. code-block:: shell", "", *(f"   {line.lstrip('| ')}" for line in lines if "optsearch" in line)]


def setup(app: Sphinx) -> None:
    """Register what the pages need beyond the extensions."""
    app.connect("sphinx-click-process-epilog", show_example_as_code)
    app.add_lexer("mermaid", TextLexer)  # drawing these diagrams takes a script of three megabytes
