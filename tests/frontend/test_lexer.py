"""The tokens are those of Lark's own lexer, and so is the tree."""

from pathlib import Path
from random import Random

import pytest
from benchmarks.fuzz import mutate

from crnlang.frontend.grammar import load_parser
from crnlang.frontend.lexer import lex

ROOT = Path(__file__).parents[2]
FILES = sorted([*(ROOT / "examples").glob("*.crn"), *ROOT.glob("tests/*/*.crn")])


def facts(tokens):
    return [(one.type, str(one), one.start_pos, one.end_pos) for one in tokens]


def assert_same(text):
    assert facts(lex(text)) == facts(load_parser().lex(text))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_files(path):
    assert_same(path.read_bytes().decode("utf-8", "replace")[:20_000])


@pytest.mark.parametrize("seed", range(50))
def test_mutated_files(seed):
    assert_same(mutate(Random(seed)).decode("utf-8", "replace"))


@pytest.mark.parametrize(
    "text", ["", "crn", "crns", "2E1A 0..84 2.", "a<-b<->c", "k[0] k [0]", "\r\n;\x00é"]
)
def test_words_numbers_and_signs(text):
    assert_same(text)
