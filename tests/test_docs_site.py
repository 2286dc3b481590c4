"""The site of the docs: it builds without a warning, needs no network, and shows every command, key and public name."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

import optsearch
from search.commands.main import cli
from tests import config_page, language_page

ROOT = Path(__file__).resolve().parent.parent
_LOADED = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src", "object": "data"}
_NOT_LOADED = ("canonical", "next", "prev", "author", "search", "index")  # values of `rel`: links to follow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "-c", "docs"]
    places = ["-d", str(folder / "cache"), ".", str(folder / "html")]
    done = subprocess.run([*command, *places], check=False, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / "html"


class Assets(HTMLParser):
    """Collects the addresses that a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in _LOADED and values.get("rel") not in _NOT_LOADED:
            self.found.append(values.get(_LOADED[tag]) or "")


def test_pages_load_local_files_only(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 25
    for page in pages:
        assets = Assets()
        assets.feed(page.read_text(encoding="utf-8"))
        addresses = [address.partition("?")[0].partition("#")[0] for address in assets.found]
        missing = [name for name in addresses if name and not (page.parent / name).exists() and name[:5] != "data:"]
        assert missing == [], page.name  # an address with a scheme is no file
    for sheet in site.rglob("*.css"):
        loads = re.findall(r"(?:@import|url\()\s*[\"']?((?:https?:)?//[^\"')]+)", sheet.read_text(encoding="utf-8"))
        assert loads == [], sheet.name


def test_every_page_is_in_the_navigation(site: Path) -> None:
    start = (site / "docs" / "index.html").read_text(encoding="utf-8")
    sidebar = start[start.index("sidebar-tree") : start.index("</aside>")]
    linked = {(site / "docs" / link).resolve() for link in re.findall(r'href="([^"#]+\.html)', sidebar)}
    pages = {*(ROOT / "docs").glob("*.md"), *(ROOT / name for name in ("README.md", "results/README.md"))}
    expected = {site / page.relative_to(ROOT).with_suffix(".html") for page in pages if page.stem != "index"}
    assert expected - linked == set()


def test_every_command_and_option_is_shown(site: Path) -> None:
    page = (site / "docs" / "commands.html").read_text(encoding="utf-8")
    for name, command in cli.commands.items():
        assert f'id="optsearch-{name}"' in page
        for parameter in command.params:
            option = parameter.opts[0]
            assert option[:2] != "--" or f'id="cmdoption-optsearch-{name}-{option[2:]}"' in page, f"{name} {option}"


def test_every_public_name_is_shown(site: Path) -> None:
    page = (site / "docs" / "api.html").read_text(encoding="utf-8")
    aliases = {"open_run", "Config"}  # `open` under another name; the keys of a config have a page
    shown = {name for name in optsearch.__all__ if f'id="optsearch.{name}"' in page}
    assert set(optsearch.__all__) - shown == aliases


def test_the_page_of_config_keys_is_up_to_date() -> None:
    assert config_page.PAGE.read_text(encoding="utf-8") == config_page.page(), "run `python -m tests.config_page`"


def test_the_table_of_functions_is_up_to_date() -> None:
    assert language_page.PAGE.read_text(encoding="utf-8") == language_page.page(), "run `python -m tests.language_page`"
    assert language_page.table().count("\n") == 1 + 44


def test_every_config_key_has_a_description() -> None:
    assert [key for key, text in config_page.descriptions().items() if not text] == []
