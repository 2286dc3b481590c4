"""Settings of Sphinx, which builds the site from docs/*.md and the docstrings: `make docs`.

The source folder is the root of the project, so that links between pages, README and results are the same in a checkout
and on the site.
"""

import re
from importlib.metadata import version as installed

import click
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
        code = [f"   {line.lstrip('| ')}" for line in lines if "optsearch" in line]
        lines[:] = [".. rubric:: Example", "", ".. code-block:: none", "", *code]


def adapt_to_the_site(app: Sphinx, page: str, source: list[str]) -> None:
    """Replace link texts such as `funnel.md` by titles, and diagrams, which need a script of megabytes, by tables."""
    text = re.sub(r"\[[\w/]+\.md\](?=\([^)]+\))", "[]", source[0])
    source[0] = re.sub(r"```mermaid\n(.*?)```", lambda block: arrows(block[1]), text, flags=re.DOTALL)


def arrows(diagram: str) -> str:
    """The arrows of a Mermaid diagram as a table with one row for each folder."""
    names = dict(re.findall(r"(\w+)\[\"(.*?)\"\]", diagram))
    edges = [(names[start], names[end]) for start, end in re.findall(r"(\w+) --> (\w+)", diagram)]
    targets = {name: [f"`{end}`" for start, end in edges if start == name] for name in names.values()}
    return "\n".join(
        ["| folder | imports |", "|---|---|", *(f"| `{n}` | {', '.join(t)} |" for n, t in targets.items())]
    )


def setup(app: Sphinx) -> None:
    """Register the changes of pages."""
    app.connect("sphinx-click-process-epilog", show_example_as_code)
    app.connect("source-read", adapt_to_the_site)
