"""The files that colour `.crn` in editors know the words of the grammar, no others."""

import json
import re
from pathlib import Path

import pytest

from crnlang.frontend.grammar import reserved_words
from crnlang.frontend.questions import USAGE
from crnlang.frontend.rooms import BUILT_IN_FUNCTIONS, CONSTANTS, TIME_NAMES
from crnlang.frontend.tokens import STATEMENT_WORDS
from crnlang.settings import SOLVERS

FOLDER = Path(__file__).parents[2] / "docs" / "editors"
TEXTMATE = json.loads((FOLDER / "crn.tmLanguage.json").read_text(encoding="utf-8"))
VIM = (FOLDER / "crn.vim").read_text(encoding="utf-8")
STATEMENTS = set(STATEMENT_WORDS.values())
WORDS = {
    "statement": STATEMENTS,
    "inside": set(reserved_words().values()) - STATEMENTS,
    "constant": {*TIME_NAMES, *CONSTANTS},
    "function": set(BUILT_IN_FUNCTIONS),
    "query": set(USAGE),
    "engine": set(SOLVERS),
}


def alternatives(pattern, bar="|", brackets=("(", ")")):
    """The words between the last brackets of `(a|b|c)` that hold more than one."""
    opening, closing = map(re.escape, brackets)
    inside = re.findall(rf"{opening}((?:\w+(?:{re.escape(bar)})?)+){closing}", pattern)
    return set(inside[-1].split(bar))


@pytest.mark.parametrize("kind", WORDS)
def test_textmate_knows_the_words(kind):
    place = "solve" if kind == "engine" else kind
    assert alternatives(TEXTMATE["repository"][place]["match"]) == WORDS[kind]


@pytest.mark.parametrize("kind", WORDS)
def test_vim_knows_the_words(kind):
    group = f"crn{kind.title()}"
    keywords = re.findall(rf"^syntax keyword {group} (.*)$", VIM, re.MULTILINE)
    found = {word for line in keywords for word in line.split()}
    for pattern in re.findall(rf"^syntax match {group} (.*)$", VIM, re.MULTILINE):
        found |= alternatives(pattern, r"\|", (r"\(", r"\)"))
    assert found == WORDS[kind]


def test_every_part_of_the_textmate_grammar_is_used_and_compiles():
    included = {part["include"] for part in TEXTMATE["patterns"]}
    assert included == {f"#{name}" for name in TEXTMATE["repository"]}
    for part in TEXTMATE["repository"].values():
        re.compile(part["match"])


@pytest.mark.parametrize(
    ("kind", "line", "coloured"),
    [
        ("comment", "k = 1 // why", "// why"),
        ("label", "  bind_2: 2 X <-> Y", "  bind_2:"),
        ("unit", "param k = 0.3 [1/(M*s)] in 0..1", "[1/(M*s)]"),
        ("number", "X in 0..84", "0"),
        ("number", "at 1.5e-3", "1.5e-3"),
        ("arrow", "A <-> B", "<->"),
        ("string", 'model m "a # b"', '"a # b"'),
    ],
)
def test_textmate_finds(kind, line, coloured):
    pattern = TEXTMATE["repository"][kind]["match"]
    assert re.search(pattern, line)[0] == coloured


def test_elements_and_lists_are_no_units():
    pattern = TEXTMATE["repository"]["unit"]["match"]
    for line in ("X[0, 3] + 1", "query dist(X, at=[1, 5])", "init X[0] = 1"):
        assert re.search(pattern, line) is None


def test_the_extension_names_files_that_exist():
    package = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))
    named = [package["main"], *re.findall(r'"(\./[^"]+)"', json.dumps(package))]
    assert [name for name in named if not (FOLDER / name).is_file()] == []
    assert '"lsp"' in (FOLDER / "extension.js").read_text(encoding="utf-8")
