"""`crnc report`: the file it writes, what it refuses, and the page in a browser."""

import shutil

import pytest
from click.testing import CliRunner

from crnlang.cli import main

TEXT = """crn 1
model decay
species X in 0..6 = 6
species Y in 0..6 = 0
turn: X -> Y @ 1
query prob(X > 2, at=[1, 2])
query dist(X, Y, at=[1, 2])
solve main with fsp { t = 0..2; save = [0, 0.5, 1, 2] }
"""
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def crnc(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the run directory `decay`, and its page."""
    path = tmp_path_factory.mktemp("report")
    (path / "decay.crn").write_text(TEXT)
    found = crnc("run", path / "decay.crn", "--out", path / "decay", "--quiet")
    assert found.exit_code == 0, found.output
    found = crnc("report", path / "decay", "--against", path / "decay")
    assert found.exit_code == 0, found.output
    assert found.output.strip() == str(path / "decay.html")
    return path


def test_a_page_that_exists_is_kept(folder):
    page = folder / "decay.html"
    before = page.read_bytes()
    found = crnc("report", folder / "decay")
    assert found.exit_code == 2
    assert "exists and is not overwritten" in found.output
    assert page.read_bytes() == before
    assert crnc("report", folder / "decay", "-o", folder / "b.html").exit_code == 0


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (["nowhere"], "no run at"),
        (["decay", "--joint", "X"], "two species"),
        (["decay", "--joint", "X,Z"], "no species `Z`"),
        (["decay", "--against", "nowhere"], "no run at"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(folder, wrong, words):
    run, *more = wrong
    more = [folder / one if one == "nowhere" else one for one in more]
    out = folder / "wrong.html"
    found = crnc("report", folder / run, *more, "-o", out)
    assert found.exit_code == 2
    assert words in " ".join(found.output.split())
    assert not out.exists()


@pytest.fixture(scope="module")
def browser():
    webdriver = pytest.importorskip("selenium.webdriver")
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("no chromium with chromedriver on this machine")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for word in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(driver)
    found = webdriver.Chrome(options=options, service=service)
    yield found
    found.quit()


def test_the_slider_moves_the_laws(folder, browser):
    browser.get((folder / "decay.html").as_uri())
    drawn = "return document.documentElement.dataset.drawn"
    assert browser.execute_script(drawn) == "yes"
    curves = (
        "return [...document.querySelectorAll('#laws-panels path, #joint-0 image')]"
        ".map(one => one.getAttribute('d') ?? one.getAttribute('href'))"
    )
    time = "return document.querySelector('[data-time]').textContent"
    last = browser.execute_script(curves)
    assert browser.execute_script(time) == "t = 2"
    assert len(last) >= 6
    move = (
        "const s = document.querySelector('[data-slider]'); s.value = arguments[0];"
        "s.dispatchEvent(new Event('input'))"
    )
    browser.execute_script(move, 1)
    assert browser.execute_script(time) == "t = 0.5"
    assert browser.execute_script(curves) != last
    browser.execute_script(move, 3)
    assert browser.execute_script(curves) == last
    browser.execute_script("document.querySelector('[data-log]').click()")
    assert browser.execute_script(curves) != last
    assert "NaN" not in browser.page_source
    assert browser.get_log("browser") == []
