"""The report as a browser shows it: both themes, narrow and wide, by keyboard, and to a screen reader."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_core_python.selenium import Axe
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.keys import Keys

from search.report import report_run
from tests.recorded_runs import recorded_run
from tests.test_search_report import hostile_run

_BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
_DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not _BROWSER or not _DRIVER, reason="needs Chromium and its driver (Debian: chromium, chromium-driver)"
)
_WIDTHS, _THEMES = (400, 1400), ("light", "dark")
_SMALLEST = 8.5  # pixels of text in a figure on a narrow page


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    options = Options()
    options.binary_location = _BROWSER or ""
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    found = webdriver.Chrome(options=options, service=Service(_DRIVER))
    found.set_script_timeout(300)  # axe takes a minute on a busy machine
    yield found
    found.quit()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return report_run(recorded_run(tmp_path_factory.mktemp("browser") / "found")).as_uri()


def show(browser: webdriver.Chrome, page: str, width: int = 1400, theme: str = "light") -> None:
    """Open a page in a theme and a width."""
    features = [{"name": "prefers-color-scheme", "value": theme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get("about:blank")
    browser.get(page)


def value(browser: webdriver.Chrome, script: str) -> Any:
    """The value of an expression in the page."""
    return browser.execute_script(f"return {script}")


@pytest.mark.parametrize("theme", _THEMES)
@pytest.mark.parametrize("width", _WIDTHS)
def test_the_report_is_readable_and_accessible(browser: webdriver.Chrome, page: str, width: int, theme: str) -> None:
    show(browser, page, width, theme)
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]
    assert value(browser, "document.documentElement.scrollWidth") <= width
    sizes = value(browser, "[...document.querySelectorAll('figure svg')].map(s => s.getBoundingClientRect().height)")
    assert len(sizes) == 11
    assert min(sizes) > 50
    text = "[...document.querySelectorAll('svg.fit text')]"
    scale = "Math.hypot(t.getScreenCTM().a, t.getScreenCTM().b)"
    heights = value(browser, f"{text}.map(t => {scale} * parseFloat(getComputedStyle(t).fontSize))")
    assert min(heights) >= _SMALLEST
    background, ink = (value(browser, f"getComputedStyle(document.body).{key}") for key in ("backgroundColor", "color"))
    assert (sum(_channels(background)) > sum(_channels(ink))) is (theme == "light")
    assert [(fault["id"], fault["nodes"][0]["html"]) for fault in Axe().run(browser)["violations"]] == []


def _channels(colour: str) -> list[int]:
    return [int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]


def test_a_point_of_the_front_opens_its_program_by_keyboard(browser: webdriver.Chrome, page: str) -> None:
    show(browser, page)
    points = browser.find_elements("css selector", "#front a")
    assert len(points) > 1
    points[0].send_keys(Keys.ENTER)
    assert value(browser, "location.hash") == points[0].get_dom_attribute("href")
    opened = browser.find_elements("css selector", ".programs details[open]")
    assert [f"#{part.get_attribute('id')}" for part in opened] == [value(browser, "location.hash")]
    assert value(browser, "document.activeElement.tagName") == "SUMMARY"
    assert points[0].get_attribute("aria-current") == "true"
    assert points[1].accessible_name.startswith("program of ")


def test_everything_that_can_be_chosen_is_reached_by_tab(browser: webdriver.Chrome, page: str) -> None:
    show(browser, page)
    seen = []
    for _ in range(200):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        focused = value(browser, "document.activeElement.outerHTML.slice(0, 200)")
        if focused.startswith("<body"):
            break
        seen.append(focused)
    assert len(seen) >= value(browser, "document.querySelectorAll('a, summary, button').length")
    assert seen[0].startswith('<a class="skip"')


def test_the_data_flow_can_be_enlarged_and_fitted(browser: webdriver.Chrome, page: str) -> None:
    show(browser, page, 400)
    width = "document.querySelector('svg.wide').getBoundingClientRect().width"
    natural, buttons = value(browser, width), browser.find_elements("css selector", ".zoom button")
    assert [button.text for button in buttons] == ["Larger", "Smaller", "Fit", "Reset"]
    widths = []
    for button in buttons:
        button.send_keys(Keys.ENTER)
        widths.append(value(browser, width))
    room = value(browser, "document.querySelector('.drawing:has(> svg.wide)').clientWidth")
    assert widths == pytest.approx([1.25 * natural, natural, room, natural], rel=0.01)
    assert value(browser, "document.documentElement.scrollWidth") <= 400
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]


def test_hostile_text_runs_nothing(browser: webdriver.Chrome, tmp_path: Path) -> None:
    show(browser, report_run(hostile_run(tmp_path / "hostile")).as_uri(), 400)
    assert value(browser, "window.hacked === undefined")
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]
    assert value(browser, "document.documentElement.scrollWidth") <= 400


def test_a_script_that_is_not_of_the_report_is_refused(browser: webdriver.Chrome, page: str, tmp_path: Path) -> None:
    path = tmp_path / "changed.html"
    text = Path(page.removeprefix("file://")).read_text(encoding="utf-8")
    path.write_text(text.replace("</main>", "<script>window.hacked = 1</script></main>"), encoding="utf-8")
    show(browser, path.as_uri())
    assert value(browser, "window.hacked === undefined")
    assert "Content Security Policy" in browser.get_log("browser")[0]["message"]  # type: ignore[no-untyped-call]
