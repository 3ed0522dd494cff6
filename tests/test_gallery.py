"""The gallery: every example has its picture there, and is as near as the page says."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from crnlang.cli import main

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted(path.stem for path in (ROOT / "examples").glob("*.crn"))
PAGE = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
PICTURES = ROOT / "docs" / "gallery"
#: Example, states, distances of the marginals for the seeds, and of the joint law.
ROW = re.compile(
    r"^\| `(\w+)` \|[^|]+\|[^|]+\|[^|]+\| ([\d., ]+) \([^|]+\| ([\d., ]*)\|",
    re.MULTILINE,
)
#: A picture is this wide, in pixels, and has so many colours.
WIDTH, COLOURS = 800, 64


def crnc(*arguments):
    found = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert found.exit_code == 0, found.output
    return found


def largest(numbers):
    """The largest of some numbers with commas between; more for another machine."""
    return 1.5 * max(map(float, numbers.split(","))) + 0.0005


def test_every_example_is_on_the_page_with_its_picture():
    assert {row[0] for row in ROW.findall(PAGE)} <= set(EXAMPLES)
    shown = re.findall(r"!\[`(\w+)`[^\]]*\]\(gallery/(\w+)\.png\)", PAGE)
    assert [name for name, _ in shown] == [file for _, file in shown]
    assert sorted(name for name, _ in shown) == EXAMPLES
    assert sorted(path.stem for path in PICTURES.glob("*.png")) == EXAMPLES
    assert all(path.stat().st_size < 80_000 for path in PICTURES.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("name", EXAMPLES)
def test_the_picture_is_that_of_the_check(name, tmp_path, request):
    """`pytest --update-golden` draws it anew."""
    image = pytest.importorskip("PIL.Image")
    pytest.importorskip("matplotlib")
    model, run = ROOT / "examples" / f"{name}.crn", tmp_path / "check"
    crnc("run", model, "--solve", "check", "--out", run, "--quiet")
    crnc("plot", run, "-o", tmp_path / "a.png")
    with image.open(tmp_path / "a.png") as drawn:
        height = round(drawn.height * WIDTH / drawn.width)
        small = drawn.convert("RGB").resize((WIDTH, height)).quantize(COLOURS)
    place = PICTURES / f"{name}.png"
    if request.config.getoption("--update-golden"):
        place.parent.mkdir(exist_ok=True)
        small.save(place, optimize=True)
    with image.open(place) as kept:
        assert abs(kept.height - height) <= 8
        assert kept.width == WIDTH


@pytest.mark.slow
@pytest.mark.parametrize(("name", "marginals", "joint"), ROW.findall(PAGE))
def test_the_network_is_as_near_as_the_page_says(name, marginals, joint, tmp_path):
    model = ROOT / "examples" / f"{name}.crn"
    for block in ("main", "check"):
        crnc("run", model, "--solve", block, "--out", tmp_path / block, "--quiet")
    said = crnc("compare", tmp_path / "main", tmp_path / "check", "--json").stdout
    found = json.loads(said)
    distances = [max(one) for one in found["marginals"].values() if len(one)]
    assert max(distances) <= largest(marginals)
    if joint.strip():
        assert max(map(max, found["joints"].values())) <= largest(joint)
