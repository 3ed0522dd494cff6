"""MathML of networks: well formed, complete, names in one piece."""

from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given, settings

from crnlang.report.latex import channel_rows, network_symbols, pool_rows
from crnlang.report.mathml import to_mathml
from crnlang.testing import lowered_networks

SPACE = "{http://www.w3.org/1998/Math/MathML}"


def words_of(formula):
    """The texts of the leaves, in order."""
    return [part.text for part in fromstring(to_mathml(formula)).iter() if part.text]


@given(lowered_networks())
@settings(max_examples=15)
def test_random_networks_are_well_formed_and_nothing_of_latex_is_left(lowered):
    rows = channel_rows(lowered.network)
    formulas = [part for row in rows for part in (row.before, row.after, row.law)]
    formulas += [row.replace("&", "") for row in pool_rows(lowered)]
    formulas += [one for group in network_symbols(lowered.network) for one in group]
    for formula in formulas:
        text = "".join(words_of(formula))
        assert text
        assert not {*text} & {*"\\$&"}


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        (r"\mathrm{Px}", ["Px"]),
        (r"\mathrm{G}_{\mathrm{on}}", ["G", "on"]),
        (r"\mathit{kcat} \, \mathrm{X}_{2}", ["kcat", "X", "2"]),
        (r"\mathtt{a\_b\_c}", ["a_b_c"]),
        (r"\frac{\alpha}{2}", ["α", "2"]),
        (r"\mathrm{X} < 3", ["X", "<", "3"]),
    ],
)
def test_names_stay_words(formula, words):
    assert words_of(formula) == words


def test_single_letters_of_species_are_upright_and_those_of_constants_are_not():
    species, constant = (
        fromstring(to_mathml(one)).find(f".//{SPACE}mi")
        for one in (r"\mathrm{X}", r"\mathit{k}")
    )
    assert species.attrib == {"mathvariant": "normal"}
    assert "mathvariant" not in constant.attrib
