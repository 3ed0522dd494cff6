"""Caps from trajectories: against known laws, and written into files."""

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import geom, poisson

from crnlang.cli import main
from crnlang.compiler import compile_text
from crnlang.diagnostics import CrnError
from crnlang.pipeline.caps import RISK, Caps, CapsError, Proposal, cap_for, propose_caps
from crnlang.pipeline.uncapped import (
    compile_uncapped,
    declarations,
    with_declarations,
)

FILE = """crn 1  # caps are missing
model nocaps
species M, P = 0   # messenger, protein
species G in 0..1 = 1; species D in 0..2*2
M -> 0 @ 1
P -> 0 @ 1
G -> G + M @ 6
M -> M + P @ 1
2 P <-> D @ propensity(0.001*P*(P - 1)), 1
G <-> 0 @ 0.3, 0.3
solve main with ssa { t = 0..2 }
"""


@given(st.floats(0.05, 300), st.integers(0, 2**32 - 1))
def test_caps_of_poisson_laws_are_high_enough_and_not_far_above(mean, seed):
    """Against the quantile: at most a share RISK is above, with room for 1000 draws."""
    peaks = np.random.default_rng(seed).poisson(mean, 1000)
    cap = cap_for(peaks, RISK)
    assert poisson.sf(cap, mean) <= 10 * RISK
    assert cap <= poisson.isf(RISK, mean) + 13 * np.sqrt(mean) + 13


@given(st.floats(0.01, 0.9), st.integers(0, 2**32 - 1))
def test_caps_of_bursts_are_those_of_the_geometric_tail(p, seed):
    """The tail is exponential from the start, the hardest case for the rule."""
    peaks = np.random.default_rng(seed).geometric(p, 1000) - 1
    cap = cap_for(peaks, RISK)
    assert geom.sf(cap + 1, p) <= 30 * RISK
    assert cap <= 2.5 * geom.isf(RISK, p) + 12


@given(st.integers(0, 50))
@settings(max_examples=5)
def test_counts_that_are_all_alike_leave_some_room(count):
    assert count < cap_for(np.full(1000, count), RISK) <= count + 20


OPEN = """crn 1
model open
species X in 0..{cap} = 0
species E in 0..1 = 1
species R in 0..500 = 3
species A, B in 0..4 = 2
species C in 0..90 = 5
make: 0 -> X @ 20
lose: X -> 0 @ 1
on: 0 <-> E @ 1, 1
rare: 0 <-> R @ 1, 1
turn: A <-> B @ 1, 1
gone: C -> 0 @ 1
query prob(R > 400, at=1)
"""


@pytest.fixture(scope="module")
def found():
    """Compiled once: what is proposed for a network of every kind of species."""
    lowered = compile_text(OPEN.format(cap=25)).lowered
    caps = propose_caps(lowered, 6.0, 400, 0)
    return caps, {one.species: one for one in caps.proposals}


def test_the_law_at_the_end_fits_under_the_cap(found):
    """At t = 6 the law of X is Poisson of mean 20 (1 - exp(-6)); it peaks before."""
    caps, by_name = found
    x = by_name["X"]
    assert poisson.sf(x.proposed, 20) < RISK
    assert 40 < x.proposed < 90
    assert (x.present, x.why) == (25, "")
    assert 25 < x.largest < x.proposed
    assert caps.touched > 0.5
    assert caps.tried == 0
    assert caps.reached == caps.until == 6.0


def test_what_must_not_move_stays(found):
    _, by_name = found
    assert (by_name["E"].proposed, by_name["E"].why) == (1, "it is a switch")
    assert by_name["R"].proposed == 500
    assert by_name["R"].why == "a question asks for states of it"
    assert by_name["A"].proposed == by_name["B"].proposed == 4
    assert by_name["A"].why == "a conservation law limits it"
    assert (by_name["C"].proposed, by_name["C"].why) == (5, "")


@pytest.mark.slow
def test_growth_without_end_is_refused():
    text = "crn 1\nspecies X in 0..50 = 1\nX -> 2 X @ 1\n"
    with pytest.raises(CapsError, match="counts of X go on growing"):
        propose_caps(compile_text(text).lowered, 1000.0, 100, 0)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "nocaps.crn"
    path.write_text(FILE)
    return path


def test_missing_caps_are_stood_in_for(file):
    uncapped = compile_uncapped(file)
    assert uncapped.missing == {"M", "P"}
    assert uncapped.lowered.space.names == ("M", "P", "G", "D")
    assert uncapped.lowered.space.caps[2:].tolist() == [1, 4]


def test_other_mistakes_are_told_as_ever(file):
    file.write_text(FILE.replace("M -> 0", "N -> 0"))
    with pytest.raises(CrnError, match="unknown species `N`"):
        compile_uncapped(file)


def test_new_caps_stand_where_the_old_ones_stood(file):
    program = compile_uncapped(file).program
    caps = {"M": 30, "P": 70, "G": 1, "D": 9}
    assert [lines for _, lines in declarations(program, caps)] == [
        ["species M in 0..30 = 0", "species P in 0..70 = 0"],
        ["species G in 0..1 = 1"],
        ["species D in 0..9"],
    ]
    text = with_declarations(program, caps)
    assert text.count("# messenger, protein") == 1
    compilation = compile_text(text)
    assert compilation.lowered.space.caps.tolist() == [30, 70, 1, 9]
    alike = with_declarations(program, {**caps, "P": 30})
    assert "species M, P in 0..30 = 0   #" in alike


@pytest.fixture
def proposed(monkeypatch):
    """The command with given proposals instead of trajectories."""

    def use(tried=0.0, **caps):
        proposals = tuple(Proposal(name, 4, 3, cap, "") for name, cap in caps.items())
        given = Caps(proposals, 1000, 0.25, tried, 2.0, 2.0)
        monkeypatch.setattr("crnlang.pipeline.caps.propose_caps", lambda *_: given)

    return use


def crnc(*arguments):
    return CliRunner().invoke(main, ["bounds", *map(str, arguments)])


def test_the_command_prints_lines_to_paste_and_writes_a_new_file(file, proposed):
    proposed(M=30, P=70, G=1, D=9)
    new = file.with_name("new.crn")
    result = crnc(file, "--write", new)
    assert result.exit_code == 0, result.output
    assert "  species P in 0..70 = 0\n" in result.output
    assert "none of 1,000 other trajectories felt one" in result.output
    assert "caps of the file" not in result.output  # it has none to feel
    assert compile_text(new.read_text()).lowered.space.caps.tolist() == [30, 70, 1, 9]
    again = crnc(file, "--write", new)
    assert again.exit_code == 2
    assert "is not overwritten" in again.output
    assert file.read_text() == FILE


def test_caps_that_are_felt_in_the_trial_end_with_3(file, proposed):
    proposed(M=30, P=70, G=1, D=9, tried=0.01)
    result = crnc(file)
    assert result.exit_code == 3
    assert "10 of 1,000 other trajectories felt one" in result.output


def test_species_of_modules_are_changed_where_they_are_declared(tmp_path, proposed):
    text = "crn 1\nmodule m(S) {\n  species T in 0..2\n  S -> T @ 1\n}\n"
    file = tmp_path / "modules.crn"
    file.write_text(text + "species A in 0..2 = 2\nuse m(A) as one\n")
    proposed(A=5, one_T=7)
    result = crnc(file)
    assert result.exit_code == 0, result.output
    assert "  species A in 0..5 = 2\n" in result.output
    assert "change them there: one_T in 0..7" in result.output


def test_a_block_that_is_not_there_is_wrong_usage(file, proposed):
    proposed(M=30, P=70, G=1, D=9)
    assert crnc(file, "--solve", "other").exit_code == 2
