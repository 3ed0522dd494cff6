"""Pages of runs: every kind of engine, text escaped, nothing fetched, small."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from stated_runs import stated

from crnlang.compiler import compile_text
from crnlang.pipeline.interface import run
from crnlang.pipeline.reporting import report_run
from crnlang.pipeline.result import Result
from crnlang.solve.outcome import STAGES

TEXT = """crn 1
model pair "Two <u>species</u> & </script><script>alert(1)</script>"
species X in 0..6 = 2  # <img src=x onerror=alert(2)>
species Y in 0..4 = 0
make: 0 -> X  @ 2
turn: X -> Y  @ propensity(if(X < 3, mm(X, 2, 1), 4))
lose: Y -> 0  @ 1
set many = X > 3
query prob(many, at=[0.5, 1, 2])
query expect(X + Y, at=2)
query dist(X, Y, at=[1, 2])
query dist(Y, given=X == 0, at=[1, 2])
query logp(X=3, at=[1, 2])
query hit(Y == 4, by=[1, 2])
query mfpt(from=Y == 0, to=Y == 4)
solve main with fsp { t = 0..2; save = [0, 0.5, 1, 2] }
"""
VOID = {"meta", "input", "br", "img", "link"}


class Reader(HTMLParser):
    """The elements of a page with their attributes, and the texts by id."""

    def __init__(self, page):
        super().__init__()
        self.found, self.open, self.texts = [], [], {}
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append((tag, dict(attrs).get("id")))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        for _, name in self.open:
            self.texts[name] = self.texts.get(name, "") + data

    @property
    def data(self):
        return json.loads(self.texts["data"])


@pytest.fixture(scope="module")
def exact():
    return run(compile_text(TEXT))


@pytest.fixture(scope="module")
def sampled(exact):
    times = [0.0, 1.0, 2.0]
    return stated(TEXT, "ssa", times, lambda t: exact.sample(t, 200))


@pytest.fixture(scope="module")
def page(exact, sampled):
    return report_run(exact, {"crnlang": "1 < 2"}, witness=sampled)


def like(result, **changes):
    """The same result with another record."""
    data = replace(result.data, **changes)
    return Result(data, result.model, result.path, result.settings, result._make_laws)


def steps(number):
    """A health record with a value that is not known, and one that is infinite."""
    spread = np.linspace(0.01, 1, number)
    health = {"t": 2 * spread, "dt": spread, "error": spread / 9, "residual": spread}
    health |= {"effective_size": np.where(spread > 0.5, np.inf, 1e4)}
    health |= {"bound": spread, "pareto_k": np.full(number, np.nan)}
    health |= {"condition": 1e3 * spread, "rejections": np.zeros(number)}
    return health | {"seconds": spread, "stage": np.arange(number) % len(STAGES) * 1.0}


def test_all_text_is_escaped(page):
    reader = Reader(page)
    assert [tag for tag, _ in reader.found if tag in ("img", "u")] == []
    assert [tag for tag, _ in reader.found].count("script") == 2
    assert reader.texts["source"] == TEXT.rstrip("\n") + "\n"
    assert "1 < 2" in reader.texts["settings"]


def test_nothing_is_fetched(page):
    reader = Reader(page)
    assert not {"link", "iframe", "img", "base"} & {tag for tag, _ in reader.found}
    addresses = [
        value
        for _, attributes in reader.found
        for key, value in attributes.items()
        if key in ("src", "href", "action", "srcset")
    ]
    assert all(address.startswith("#") for address in addresses)
    urls = {*re.findall(r"\w+://[^\s\"'<>)]*", page)}
    assert {url.split("/")[2] for url in urls} == {"www.w3.org"}  # names of XML
    assert "default-src 'none'" in page


def test_links_inside_lead_somewhere(page):
    found = [attributes for _, attributes in Reader(page).found]
    places = {one["id"] for one in found if "id" in one}
    assert {one["href"][1:] for one in found if "href" in one} <= places


def test_the_numbers_are_those_of_the_run(page, exact, sampled):
    data = Reader(page).data
    assert data["times"] == exact.times.tolist()
    law = next(law for law in data["laws"] if law["name"] == "X")
    for frame, values in enumerate(law["law"]):
        shown = exact.marginal("X")[frame, law["low"] :][: len(values)]
        np.testing.assert_allclose(values, shown, rtol=0.006, atol=1e-11)
    assert [one is None for one in law["witness"]] == [False, True, False, False]
    (joint,) = data["joints"]
    last = np.reshape(joint["law"][-1], joint["shape"])
    np.testing.assert_allclose(last, exact.joint("X", "Y", 2), rtol=0.006, atol=1e-11)
    assert data["means"]["mean"]["Y"][-1] == pytest.approx(exact.mean("Y", 2), rel=1e-3)
    curve = data["answers"][0]
    curves = curve, data["answers"][4]["other"]
    answers = (
        exact.answers["prob_many"],
        next(a for a in sampled.data.queries if a.kind == "logp"),
    )
    for found, answer in zip(curves, answers, strict=True):
        np.testing.assert_allclose(found["values"], answer.values, rtol=1e-3)
        np.testing.assert_allclose(found["errors"], answer.errors, rtol=6e-3)


def test_every_question_is_answered_in_its_own_words(page):
    text = Reader(page).texts["answers"]
    for line in TEXT.splitlines():
        if line.startswith("query"):
            assert line.removeprefix("query ") in text
    assert "Hellinger" in Reader(page).texts["comparison"]


@pytest.mark.parametrize("engine", ["tdvp", "natgrad", "adam"])
def test_the_health_of_neural_runs_is_explained(exact, engine):
    reader = Reader(report_run(like(exact, engine=engine, health=steps(1000)), {}))
    health = {one["key"]: one for one in reader.data["health"]}
    said = {a["data-health"] for _, a in reader.found if "data-health" in a}
    assert said == {*health}
    assert ("bound" in said) == (engine == "tdvp")
    assert not {"pareto_k", "rejections"} & said  # nothing is known of them
    assert max(map(len, (one["t"] for one in health.values()))) <= 400
    assert max(health["residual"]["values"]) == 1
    assert health["effective_size"]["values"][-1] is None


@pytest.mark.parametrize("engine", ["fsp", "ssa", "we", "tdvp", "natgrad", "adam"])
def test_every_engine_has_a_page(exact, engine):
    health = steps(3) if engine in ("tdvp", "natgrad", "adam") else {}
    few = np.full(len(exact.times), 30.0 if engine in ("ssa", "we") else np.inf)
    changed = like(exact, engine=engine, health=health, samples=few)
    assert Reader(report_run(changed, {})).data["engine"] == engine


def test_a_run_that_stopped_says_so(exact):
    stopped = like(exact, status="stopped", sentence="It shrank to nothing.")
    reader = Reader(report_run(stopped, {}))
    assert ("li", {"class": "stopped"}) in reader.found
    assert "It shrank to nothing." in reader.texts[None]
    unfinished = Reader(report_run(stopped, {}, status="unfinished"))
    assert ("li", {"class": "unfinished"}) in unfinished.found


def test_a_model_whose_files_are_gone_has_a_page_without_equations(exact, tmp_path):
    text = TEXT.replace("= 2  #", '~ table("gone.csv")  #')
    lost = Result(exact.data, text, "gone.crn", {}, exact._make_laws)
    page = report_run(lost, {})
    assert "<math" not in page
    origin = tmp_path / "model.crn"  # the table lies beside it
    (tmp_path / "gone.csv").write_text("0.5\n0.5\n")
    found = Result(exact.data, text, "x", {}, exact._make_laws, origin=str(origin))
    assert "<math" in report_run(found, {})
    assert "The model reads other files" in page


ROW = """crn 1
model row
lattice {shape} boundary periodic
species X in 0..3 per site = 1
species Z in 0..2 = 0
grow: 0 -> X @ 1
lose: X -> 0 @ 1
diffuse X @ 1
"""


@pytest.mark.parametrize(
    ("shape", "image"),
    [
        ("chain(5)", [1, 5]),
        ("grid(2, 3)", [2, 3]),
        ("grid(2, 2, 2)", [4, 2]),
        ("grid(12, 12)", [12, 12]),
    ],
)
def test_lattices_are_images_and_large_ones_stay_small(shape, image):
    rng, variables = np.random.default_rng(0), int(np.prod(image)) + 1
    times = np.linspace(0, 1, 101).tolist()
    text = ROW.format(shape=shape)
    result = stated(text, "ssa", times, lambda _: rng.integers(0, 3, (20, variables)))
    page = report_run(result, {})
    data = Reader(page).data
    lattice = data["lattice"]
    assert lattice["shape"] == image
    assert [kind["name"] for kind in lattice["kinds"]] == ["X"]
    sites = np.prod(image)
    assert np.shape(lattice["kinds"][0]["mean"]) == (len(data["times"]), sites)
    assert len(lattice["sites"]) == len(lattice["names"]) == sites
    last = result.data.means[-1, :sites]
    np.testing.assert_allclose(lattice["kinds"][0]["mean"][-1], last, rtol=0.006)
    (joint,) = data["joints"]
    assert len({*joint["names"]} & {*result.species}) == 2
    assert len(page) < 2e6
