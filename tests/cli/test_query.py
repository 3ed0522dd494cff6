"""`crnc query`: a finished run answers new questions, and says what it cannot."""

import json

import pytest
from click.testing import CliRunner

from crnlang.cli import main

MODEL = """crn 1
species A, B in 0..6 ~ binomial(6, 0.5)
A -> B @ 1
B -> 0 @ 2
set many = A >= 5
query prob(many, at=1)
query expect(A + B, at=0.5)
query logp(A=1, B=2, at=1)
query dist(B, at=1)
query prob(B == 0, given=many, at=1)
solve main with tdvp { t = 0..1; save = [0.5, 1] }
solve check with ssa { t = 0..1; save = [1]; trajectories = 50 }
"""


def crnc(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A file, a neural run of it without its questions, and one of trajectories."""
    path = tmp_path_factory.mktemp("query")
    whole, bare = path / "whole.crn", path / "bare.crn"
    whole.write_text(MODEL, encoding="utf-8")
    lines = [line for line in MODEL.splitlines() if not line.startswith("query")]
    bare.write_text("\n".join(lines) + "\n", encoding="utf-8")
    for file, solve in ((whole, "main"), (bare, "main"), (bare, "check")):
        out = path / f"{file.stem}_{solve}"
        found = crnc("run", file, "--solve", solve, "--out", out, "--quiet")
        assert found.exit_code == 0, found.output
    return path


@pytest.mark.parametrize(
    "question", [line.removeprefix("query ") for line in MODEL.splitlines()[5:10]]
)
def test_the_answer_is_that_of_a_file_with_the_question(folder, question):
    found = crnc("query", folder / "bare_main", question, "--json")
    assert found.exit_code == 0, found.output
    (later,) = json.loads(found.output)["queries"].values()
    text = (folder / "bare.crn").read_text(encoding="utf-8")
    asked = folder / f"asked_{abs(hash(question))}.crn"
    asked.write_text(text + f"query {question}\n", encoding="utf-8")
    run = crnc("run", asked, "--json", "--out", asked.with_suffix(""))
    (at_once,) = json.loads(run.output.splitlines()[-1])["queries"].values()
    assert later["kind"] == at_once["kind"]
    assert later["times"] == at_once["times"]
    if later["kind"] == "dist":
        assert later["values"][0] == pytest.approx(at_once["values"][0], rel=1e-9)
    else:
        assert later["values"] == pytest.approx(at_once["values"], rel=1e-9)


def test_a_table_is_printed(folder):
    found = crnc("query", folder / "bare_main", "prob(many, at=1)")
    assert found.exit_code == 0
    assert "prob(many, at=1) " in found.output
    assert "prob_many" not in found.output
    for named in ("often = prob(many)", "prob(many, at=1); query prob(A > 1, at=1)"):
        names = crnc("query", folder / "bare_main", named).output
        assert ("often" in names) == ("often" in named)
        assert ("prob_many" in names) == ("often" not in named)


@pytest.mark.parametrize("question", ["prob(many)", "often = prob(many )", "dist(A)"])
def test_without_times_it_is_asked_at_all_that_are_saved(folder, question):
    found = crnc("query", folder / "bare_main", question, "--json")
    assert found.exit_code == 0, found.output
    (answer,) = json.loads(found.output)["queries"].values()
    assert answer["times"] == [0.5, 1.0]
    if "often" in question:
        assert "often" in found.output


def test_trajectories_answer_too(folder):
    found = crnc("query", folder / "bare_check", "prob(A < 7)", "--json")
    assert json.loads(found.output)["queries"]["prob_1"]["values"] == [1.0]


def test_the_questions_of_the_file_are_not_answered_again(folder):
    found = crnc("query", folder / "whole_main", "prob(A == 0, at=1)", "--json")
    assert len(json.loads(found.output)["queries"]) == 1


@pytest.mark.parametrize(
    ("run", "question", "code", "words"),
    [
        ("bare_main", "prob(C > 1, at=1)", 1, "unknown name `C`"),
        ("bare_main", "prob(many, at=1", 1, "error[CRN"),
        ("bare_main", "prob(many, at=0.7)", 2, "which the run did not save"),
        ("bare_main", "prob(C > 1)", 1, "unknown name `C`"),
        ("bare_main", "mfpt(from=A == 0, to=many)", 2, "`mfpt` cannot be answered"),
        ("bare_check", "hit(many, by=1)", 2, "ask it in the file"),
        ("nowhere", "prob(many, at=1)", 2, "there is no run"),
    ],
)
def test_what_cannot_be_answered_is_said(folder, run, question, code, words):
    found = crnc("query", folder / run, question)
    assert found.exit_code == code
    assert words in found.output
