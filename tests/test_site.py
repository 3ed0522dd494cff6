"""The documentation site: it builds without a warning, and links lead somewhere."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parent.parent
for module in ("material", "mkdocs", "mkdocs_jupyter", "mkdocstrings"):
    pytest.importorskip(module, reason="needs MkDocs: `pip install '.[docs]'`")


class Page(HTMLParser):
    """What a page links to, and the places in it that links can lead to."""

    def __init__(self, text):
        super().__init__()
        self.links, self.places = [], {""}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if value is not None and name in ("href", "src"):
                self.links.append(value)
            if value is not None and name in ("id", "name"):
                self.places.add(value)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the site; it is built in a process of its own, as users do."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict"]
    ran = subprocess.run(
        [*command, "--config-file", ".mkdocs.yml", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr[-4000:]
    return folder


def test_every_page_is_in_the_site(site):
    names = {path.stem for path in (ROOT / "docs").glob("*.md")}
    built = {path.stem for path in site.glob("*.html")}
    assert names | {"readme", "examples", "grammar", "notebook"} <= built


def test_no_internal_link_is_broken(site):
    pages = {
        path.resolve(): Page(path.read_text(encoding="utf-8"))
        for path in site.rglob("*.html")
        if path.name != "404.html"  # its links start at the address of the site
    }
    broken = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = path
            if parts.path:
                target = (path.parent / unquote(parts.path)).resolve()
            if target.is_dir():
                target /= "index.html"
            there = target.exists() and target.is_relative_to(site.resolve())
            place = unquote(parts.fragment)
            if there and target in pages:
                there = place in pages[target].places
            if not there:
                broken.append((path.name, link))
    assert broken == []


def test_the_interface_of_python_is_on_its_page(site):
    text = (site / "api.html").read_text(encoding="utf-8")
    for name in ("compile_file", "run", "open_run", "Result.log_prob"):
        assert re.search(rf'id="crnlang[\w.]*\.{re.escape(name)}"', text), name


def test_numbers_of_the_limits_stand_on_the_pages_that_they_come_from():
    def read(name):
        return (ROOT / "docs" / name).read_text(encoding="utf-8")

    known = "".join(map(read, ("method.md", "gallery.md")))
    known += read("settings.md").replace("2000000", "2 000 000")
    found = re.findall(
        r"(?<![\w.])\d+(?:\.\d+(?:e-?\d+)?|e-?\d+)(?![\w.])", read("limits.md")
    )
    assert len(found) > 20
    assert [number for number in found if number not in known] == []
