"""Figures as SVG elements of the page: with the colours of its theme, links, names, and unique identifiers.

Matplotlib draws with fixed colours in style attributes. Here each distinct style becomes a class of a style sheet, and
each colour of the palette a variable of CSS, so that one drawing serves the light and the dark theme, and the page can
forbid style attributes. Identifiers get a prefix, since the figures share one document.
"""

import re
import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, NamedTuple
from xml.etree import ElementTree

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.figure import Figure

from primitives import visible

_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_REFERENCE = re.compile(r"(url\()?#(?=[\w.-])")

# Colours of the drawn figures, and the variables of the style sheet that replace them. Each value must be distinct.
PALETTE = {
    "paper": "#fefefe",
    "ink": "#010203",
    "muted": "#605f5e",
    "grid": "#dedfe0",
    "found": "#0a58ca",
    "adamw": "#b3541e",
    "lion": "#6f42c1",
    "good": "#1b7f4d",
    "poor": "#c0392b",
    "one": "#2f6fb1",
    "two": "#c8862b",
    "three": "#a33e5c",
    "four": "#7a7a7b",
    "five": "#4b9c8e",
    "six": "#7d6bb0",
    "seven": "#98b04c",
    "eight": "#cf9fbf",
    "input": "#cfe3f7",
    "statement": "#f2f2f2",
    "output": "#d8f0d3",
    "line": "#888888",
    "black": "#000000",
}
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "optsearch",
    "text.parse_math": False,  # names may hold any characters
    "font.size": 9.5,
    "text.color": PALETTE["ink"],
    "axes.labelcolor": PALETTE["ink"],
    "axes.edgecolor": PALETTE["muted"],
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "none",
    "grid.color": PALETTE["grid"],
    "grid.linewidth": 0.8,
    "xtick.color": PALETTE["muted"],
    "ytick.color": PALETTE["muted"],
    "xtick.labelcolor": PALETTE["ink"],
    "ytick.labelcolor": PALETTE["ink"],
    "legend.frameon": False,
    "legend.fontsize": 8.5,
}
_VARIABLES = {value: f"var(--{name})" for name, value in PALETTE.items()}
_COLOUR = re.compile("|".join(_VARIABLES))
_FONT = re.compile(r"font-family: [^;]*;?\s*")  # figures have the font of the page


class Link(NamedTuple):
    """Link of a point of a figure.

    Attributes:
        target: identifier of an element of the page.
        label: text of the link.
    """

    target: str
    label: str


@dataclass
class StyleSheet:
    """Classes for the styles that figures use, by the text of the style."""

    classes: dict[str, str] = field(default_factory=dict)

    def name(self, style: str) -> str:
        """The class of a style."""
        return self.classes.setdefault(style, f"f{len(self.classes)}")

    def css(self) -> str:
        """The rules."""
        return "\n".join(f".{name} {{ {style} }}" for style, name in self.classes.items())


def drawing_style() -> AbstractContextManager[None]:
    """Context in which figures must be drawn."""
    return mpl.rc_context(_STYLE)


def inline_svg(
    figure: Figure, name: str, label: str, sheet: StyleSheet, *, links: Sequence[Link] = (), wide: bool = False
) -> Markup:
    """A figure as an element `svg`.

    Args:
        figure: drawn with the colours of `PALETTE`, in the context `drawing_style`.
        name: unique in the page; prefix of its identifiers.
        label: description of the figure, for screen readers.
        sheet: receives the styles.
        links: labels of the links in the figure, by target.
        wide: keep the natural width, in place of that of the column.
    """
    content = BytesIO()
    with drawing_style(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # the browser has a font for what Matplotlib's lacks
        figure.savefig(content, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    root = ElementTree.fromstring(content.getvalue())
    for tag in ("metadata", "defs"):
        for element in [child for child in root if child.tag == f"{{{_SVG}}}{tag}" and _dispensable(child)]:
            root.remove(element)
    labels = {link.target: visible(link.label) for link in links}
    for element in root.iter():
        element.tail = None
        _adapt(element, name, sheet, labels)
    _describe(root, name, label, wide)
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", _XLINK)
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _dispensable(element: ElementTree.Element) -> bool:
    """Whether an element holds metadata, or the style `*{stroke-linejoin: …}`, which would hold for the whole page."""
    return element.tag.endswith("metadata") or all(child.tag == f"{{{_SVG}}}style" for child in element)


def _adapt(element: ElementTree.Element, name: str, sheet: StyleSheet, labels: dict[str, str]) -> None:
    style = element.attrib.pop("style", "")
    for key in ("fill", "stroke"):
        if element.get(key, "").startswith("#"):
            style = f"{style}; {key}: {element.attrib.pop(key)}".lstrip("; ")
    if style:
        coloured = _COLOUR.sub(lambda found: _VARIABLES[found[0]], _FONT.sub("", style))
        element.set("class", sheet.name(coloured))
    if element.tag == f"{{{_SVG}}}a":
        target = element.attrib.pop(f"{{{_XLINK}}}href").removeprefix("#")
        element.attrib.pop("target", None)  # Matplotlib's links open a window
        element.set("href", f"#{target}")
        element.set("aria-label", labels[target])
        title = ElementTree.Element(f"{{{_SVG}}}title")
        title.text = labels[target]
        element.insert(0, title)
        return
    if "id" in element.attrib:
        element.set("id", f"{name}-{element.attrib['id']}")
    for key in ("clip-path", f"{{{_XLINK}}}href"):
        if key in element.attrib:
            element.set(key, _REFERENCE.sub(lambda found: f"{found[0]}{name}-", element.attrib[key]))


def _describe(root: ElementTree.Element, name: str, label: str, wide: bool) -> None:
    holds_links = root.find(f".//{{{_SVG}}}a") is not None
    root.set("role", "group" if holds_links else "img")  # an image has no parts that can be reached
    root.set("aria-label", visible(label))
    root.set("id", name)
    root.set("class", "wide" if wide else "fit")
    if not wide:
        root.attrib.pop("width")
        root.attrib.pop("height")
