"""Units: what they mean, and what a volume makes of constants."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnlang.compiler import compile_text
from crnlang.diagnostics import CrnError
from crnlang.frontend.units import AVOGADRO, UNITS, read_unit
from crnlang.ir.evaluate import evaluate_float64

NAMES = st.sampled_from(sorted(UNITS))
POWERS = st.integers(-3, 3)


@given(st.lists(st.tuples(NAMES, POWERS), min_size=1, max_size=4))
def test_a_product_of_powers_is_the_product_of_the_units(parts):
    text = " * ".join(f"{name}^{power}" for name, power in parts)
    found = read_unit(text)
    scale, time, length = 1.0, 0, 0
    for name, power in parts:
        scale *= UNITS[name].scale ** power
        time += power * UNITS[name].time
        length += power * UNITS[name].length
    assert found.scale == pytest.approx(scale, rel=1e-12)
    assert (found.time, found.length) == (time, length)


@given(NAMES, NAMES)
def test_dividing_by_a_bracket_divides_by_each(one, other):
    first, second = read_unit(f"1/({one}*{other})"), read_unit(f"1/{one}/{other}")
    assert first.scale == pytest.approx(second.scale, rel=1e-12)
    assert (first.time, first.length) == (second.time, second.length)


@given(st.text(alphabet="smLM/*^()-12 nwd", max_size=12))
def test_any_text_is_a_unit_or_none(text):
    read_unit(text)


def rates(text, massaction="falling"):
    text = f"crn 1\nmassaction {massaction}\nspecies X, Y in 0..9\n{text}"
    network = compile_text(text).network
    values = [parameter.value for parameter in network.parameters]
    found = [r.rate for r in network.reactions if r.rate is not None]
    return [float(evaluate_float64(rate, (), values, 0)) for rate in found]


def test_concentrations_become_copy_numbers():
    volume = "volume 2 [fL]\n"
    per_molar = AVOGADRO * 2e-15
    for unit, equation, factor in (
        ("M/s", "0 -> X", per_molar),
        ("nM/s", "0 -> X", 1e-9 * per_molar),
        ("1/s", "X -> 0", 1.0),
        ("1/(M*s)", "X + Y -> 0", 1 / per_molar),
        ("M^-1 s^-1", "2 X -> 0", 1 / per_molar),
        ("1/uM^2/min", "2 X + Y -> 0", 1e12 / per_molar**2),
        ("L/mol/s", "X + Y -> 0", 1 / per_molar),
        ("1/s", "X + Y -> 0", 1.0),
        ("um^3/s", "X + Y -> 0", 0.5),
        ("1/(widget*s)", "X + Y -> 0", 1.0),
    ):
        text = f"param k = 3 [{unit}]\n{equation} @ k\n"
        found = rates(volume + text)
        assert found == pytest.approx([3 * factor], rel=1e-12), unit


def test_the_same_model_in_other_units_is_the_same():
    molar = "volume 1 [fL]\nparam k = 0.6 [1/(uM*s)]\nX + Y -> 0 @ k\n"
    nano = "volume 1e-3 [pL]\nparam k = 0.0006 [1/(nM*s)]\nX + Y -> 0 @ k\n"
    assert rates(molar) == pytest.approx(rates(nano), rel=1e-12)


def test_a_defined_unit_is_what_it_is_defined_as():
    """Also on top of another, and for time, which is measured in it then."""
    volume = "unit cell = 4/2 [fL]\nvolume 3 [cell]\n"
    dose = "param doses = 2\nunit dose = doses*5 [nM]\nunit half = 0.5 [dose]\n"
    plain = "volume 6 [fL]\nparam k = 3 [1/(nM*s)]\nX + Y -> 0 @ k\n"
    named = f"{volume}{dose}param k = 15 [1/(half*s)]\nX + Y -> 0 @ k\n"
    assert rates(named) == pytest.approx(rates(plain), rel=1e-12)
    week = "unit week = 7 [d]\nparam k = 3 [1/week], l = 2 [1/week]\n"
    assert rates(f"{week}X -> 0 @ k\nY -> 0 @ l\n") == [3.0, 2.0]
    with pytest.raises(CrnError, match="CRN432"):
        rates(f"{week}param m = 1 [1/d]\nX -> 0 @ k\nY -> 0 @ m\n")


def test_a_defined_unit_is_checked():
    text = "unit item = 1 [molecule]\nparam k = 1 [1/item]\nX -> 0 @ k\n"
    with pytest.raises(CrnError, match=r"in \[1/item\], but \[1/s\] is needed"):
        rates(text)


@pytest.mark.parametrize(
    "line", ["volume v [fL]", "unit v2 = v [fL]", "lattice chain(v)"]
)
def test_numbers_of_units_stand_below_their_constants(line):
    with pytest.raises(CrnError, match="CRN223"):
        rates(f"{line}\nparam v = 2\nX -> 0 @ 1\n")


def test_a_damaged_definition_has_no_echo():
    text = "unit dose = [nM]\nunit half = 0.5 [dose]\nvolume 1 [dose]\nX -> 0 @ 1\n"
    with pytest.raises(CrnError) as caught:
        rates(text)
    assert [one.code for one in caught.value.diagnostics] == ["CRN101"]


def test_an_expression_is_taken_as_it_stands():
    text = "volume 1 [fL]\nparam k = 2 [1/(nM*s)]\nX + Y -> 0 @ 1*k\n"
    assert rates(text) == [2.0]


def test_a_volume_that_is_nothing_makes_no_finite_constant():
    text = "crn 1\nvolume 1e-320 [fL]\nparam k = 1 [1/(M*s)]\n"
    text += "species A, B, C in 0..3\nA + B -> C @ k\n"
    with pytest.raises(CrnError, match="CRN304"):
        compile_text(text)
