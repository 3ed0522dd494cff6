"""Among very many names, those that are a letter off are still suggested."""

import pytest

from crnlang.diagnostics import MOST_COMPARED, nearest, suggest

MANY = [f"gene_{i}abc" for i in range(10 * MOST_COMPARED)]
NAME = "gene_170abc"
EDITS = {
    *(f"{NAME[:i]}{NAME[i + 1 :]}" for i in range(len(NAME))),
    *(f"{NAME[:i]}z{NAME[i:]}" for i in range(len(NAME) + 1)),
    *(f"{NAME[:i]}z{NAME[i + 1 :]}" for i in range(len(NAME))),
} - set(MANY)


@pytest.mark.parametrize("name", sorted(EDITS))
def test_a_letter_off(name):
    assert suggest(name, MANY).startswith("did you mean `gene_")


def test_only_a_clear_one_is_meant():
    assert nearest("gene_170abd", MANY) == NAME
    assert nearest("gene_z70abc", ["gene_170abc", "gene_270abc", *MANY[:9]]) == ""
    assert nearest("gene_1700ab", MANY) == "gene_1700abc"


def test_nothing_is_near():
    assert suggest("protein", MANY) == nearest("protein", MANY) == ""
    assert suggest("GENE_170ABC", MANY) == f"did you mean `{NAME}`?"
