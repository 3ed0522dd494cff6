"""What may be written at a place: words of the grammar, names, engines, settings."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from crnlang.compiler import Analysis
from crnlang.diagnostics import SourceText
from crnlang.editor.options import (
    Option,
    describe_engine,
    describe_setting,
    settings_of,
)
from crnlang.editor.places import local_names, words_of
from crnlang.editor.words import (
    CHOICES,
    FUNCTIONS,
    INSIDE,
    LATTICE_OPTIONS,
    NUMBERS,
    QUERIES,
    QUERY_PARTS,
    STATEMENTS,
)
from crnlang.frontend import ast
from crnlang.frontend.grammar import reserved_words
from crnlang.frontend.questions import PARTS
from crnlang.frontend.rooms import KINDS
from crnlang.frontend.shapes import accepted_after
from crnlang.frontend.tokens import (
    STATEMENT_WORDS,
    TokenGroup,
    read_tokens,
    split_statements,
)
from crnlang.frontend.units import UNITS, describe_unit
from crnlang.settings import SOLVERS


@dataclass(frozen=True, slots=True)
class Candidate:
    """One completion; `kind` is `keyword value setting unit` or that of a name."""

    label: str
    kind: str
    detail: str


#: Kinds of names that expressions may use, by the first terminal of the statement.
_USABLE = {
    "_OBSERVE": tuple(KINDS),
    "_SET": tuple(KINDS),
    "_QUERY": tuple(KINDS),
    "_EVENT": ("parameter", "species"),
    "_INIT": ("species", "parameter"),
}
#: What a unit stands behind, inside of its brackets.
_BEFORE_A_UNIT = {"_LSQB", "_LPAR", "STAR", "SLASH"}
_EXPRESSION = {"NAME", "NUMBER", "_LPAR", "MINUS"}


def find_completions(analysis: Analysis, offset: int) -> list[Candidate]:
    """What may stand at an offset; the letters just before it are not looked at."""
    text = analysis.program.source.text
    end = offset
    while end and (text[end - 1].isalnum() or text[end - 1] == "_"):
        end -= 1
    if _is_comment_or_string(text, end):
        return []
    found = _candidates(analysis, _unfinished(analysis, end), end)
    return list({one.label: one for one in found}.values())


def _is_comment_or_string(text: str, end: int) -> bool:
    """Whether a sign of no meaning would vanish here, or follow an open quote."""
    line = text[text.rfind("\n", 0, end) + 1 : end] + "?"
    found = words_of(SourceText("", line), 0, len(line))
    is_open = any(word.text == '"' for word in found)
    return is_open or not found or found[-1].text != "?"


def _unfinished(analysis: Analysis, end: int) -> TokenGroup:
    """The statement that goes on at `end`; without tokens where a new one begins."""
    text = analysis.program.source.text
    begun = [s.span.start for s in analysis.program.statements if s.span.start < end]
    start = text.rfind("\n", 0, max(begun, default=0)) + 1
    groups = list(split_statements(text[start:end]))
    if not groups:
        return TokenGroup((), None)
    last = groups[-1].tokens[-1]
    rest = text[start + (last.end_pos or 0) : end]
    is_over = groups[-1].unclosed is None and ("\n" in rest or ";" in rest)
    is_module = last.type in ("_LBRACE", "_RBRACE") and groups[-1].unclosed is None
    return TokenGroup((), None) if is_over or is_module else groups[-1]


def _candidates(analysis: Analysis, group: TokenGroup, end: int) -> Iterator[Candidate]:
    kinds = [token.type for token in group.tokens]
    texts = [str(token) for token in group.tokens]
    if kinds[:1] == ["_SOLVE"] and len(kinds) > 2:
        yield from _solve(kinds, texts, analysis.program.source.text[:end])
        return
    if _is_in_unit(kinds):
        if kinds[-1] in _BEFORE_A_UNIT:
            yield from _units(analysis, end)
        return
    chosen = list(_choices(analysis, kinds, texts))
    yield from chosen
    if kinds and chosen and kinds[0] != "_QUERY":
        return
    position = read_tokens(group.tokens)[1] if kinds else 0
    accepted = frozenset(_EXPRESSION)
    if position == len(kinds):
        accepted = accepted_after(tuple([token.type for token in group.tokens]))
        for terminal, word in reserved_words().items():
            if terminal in accepted:
                usage = STATEMENTS.get(word, ("", INSIDE.get(word, "")))
                yield Candidate(word, "keyword", usage[1])
    if "NAME" in accepted and _takes_names(kinds):
        for kind, name in local_names(analysis, end):
            yield Candidate(name.text, kind, KINDS.get(kind, kind))
        yield from _arguments(kinds, texts)
        is_expression = bool(kinds) and accepted >= _EXPRESSION
        yield from _names(analysis, kinds, is_expression=is_expression)


def _is_in_unit(kinds: list[str]) -> bool:
    """Whether the last bracket is open and holds a unit, not the index of a site."""
    if kinds[:1] not in (["_PARAM"], ["_UNIT"], ["_VOLUME"]):
        return False
    brackets = [i for i, kind in enumerate(kinds) if kind in ("_LSQB", "_RSQB")]
    if not brackets or kinds[brackets[-1]] == "_RSQB":
        return False
    return kinds[brackets[-1] - 1] != "INDEXED"


def _units(analysis: Analysis, end: int) -> Iterator[Candidate]:
    """The units of the language, and those that the file defines above."""
    for name, unit in UNITS.items():
        yield Candidate(name, "unit", describe_unit(unit))
    for one in analysis.program.statements:
        if isinstance(one, ast.UnitDefinition) and one.span.end < end:
            yield Candidate(one.name.text, "unit", one.span.text)


def _arguments(kinds: list[str], texts: list[str]) -> Iterator[Candidate]:
    """The arguments of the function, or indices of the parameter, being declared."""
    if kinds and kinds[0] in ("_FUNC", "_PARAM"):
        head = kinds.index("_ASSIGN")
        for kind, text in zip(kinds[2:head], texts[2:head], strict=True):
            if kind == "NAME":
                yield Candidate(text, "argument", "argument")


def _takes_names(kinds: list[str]) -> bool:
    """Not where the statement gives a new name, or none of an expression."""
    if kinds and kinds[0] in ("_QUERY", "_USE") and "_LPAR" not in kinds:
        return False
    gives = ("_PARAM", "_FUNC", "_SPECIES", "_OBSERVE", "_SET", "_MODEL", "_MODULE")
    return (
        not kinds or kinds[0] not in gives or not {"_ASSIGN", "_IN"}.isdisjoint(kinds)
    )


def _choices(
    analysis: Analysis, kinds: list[str], texts: list[str]
) -> Iterator[Candidate]:
    """Words that mean something at this place only."""
    first, last = (kinds[0], kinds[-1]) if kinds else ("", "")
    for place, choices in CHOICES.items():
        if place == (last,) or place == (f"{last}:{texts[-1:] and texts[-1]}",):
            yield from _values(choices)
    is_done = last == "_RPAR" or (last == "NAME" and texts[-1] not in LATTICE_OPTIONS)
    if first == "_LATTICE" and is_done and "_LPAR" in kinds:
        yield from _values(LATTICE_OPTIONS)
    if first == "_LATTICE" and "boundary" in texts and last in ("_LPAR", "_COMMA"):
        yield from _values(CHOICES[("NAME:boundary",)])
    if first == "_QUERY" and "_LPAR" not in kinds and last in ("_QUERY", "_ASSIGN"):
        yield from _values({name: what for name, (_, what) in QUERIES.items()})
    if first == "_QUERY" and "_LPAR" in kinds and last in ("_LPAR", "_COMMA"):
        parts = PARTS.get(texts[kinds.index("_LPAR") - 1], ())
        yield from _values({part: QUERY_PARTS[part] for part in parts})
    if first == "_DIFFUSE" and last == "NAME":
        yield Candidate("coefficient", "value", "a diffusion coefficient follows")
    if (first, last) in (("_USE", "_RPAR"), ("_IMPORT", "STRING")):
        yield Candidate("as", "value", "the name it has in this file follows")
    if kinds == ["_USE"]:
        for one in analysis.program.statements:
            if isinstance(one, ast.ModuleStatement):
                yield Candidate(one.name.text, "module", one.span.text)
            elif isinstance(one, ast.ImportStatement):
                yield Candidate(one.alias.text, "module", one.span.text)


def _values(choices: Mapping[str, str]) -> Iterator[Candidate]:
    for word, what in choices.items():
        yield Candidate(word, "value", what)


def _solve(kinds: list[str], texts: list[str], before: str) -> Iterator[Candidate]:
    """Engines, their settings that are not given yet, the values of one."""
    if kinds[-1] == "_WITH":
        for engine in SOLVERS:
            yield Candidate(engine, "value", describe_engine(engine))
        return
    if "_LBRACE" not in kinds:
        if kinds[-1] == "NAME" and "_WITH" not in kinds:
            yield Candidate("with", "keyword", INSIDE["with"])
        return
    options = settings_of(texts[kinds.index("_LBRACE") - 1])
    if kinds[-1] == "_ASSIGN":
        yield from _setting_values(options.get(texts[-2]))
    elif before.rstrip(" \t").endswith(("{", ";", "\n")):
        given = {
            t for t, kind in zip(texts, kinds[1:], strict=False) if kind == "_ASSIGN"
        }
        for name, option in options.items():
            if name not in given:
                yield Candidate(name, "setting", describe_setting(name, option))


def _setting_values(option: Option | None) -> Iterator[Candidate]:
    for choice in option.metadata["choices"] if option else ():
        yield Candidate(choice, "value", option.metadata["help"] if option else "")


def _names(
    analysis: Analysis, kinds: list[str], *, is_expression: bool
) -> Iterator[Candidate]:
    """Declared names of the kinds that fit here; in expressions also built-in ones."""
    is_reaction = not kinds or kinds[0] not in STATEMENT_WORDS
    usable: Iterable[str] = ("parameter", "function")
    if is_reaction and "_PROPENSITY" in kinds:
        usable = tuple(KINDS)
    elif (is_reaction or kinds[0] == "_DIFFUSE") and "_AT" not in kinds:
        usable, is_expression = ("species",), False
    elif kinds and kinds[0] == "_USE":
        usable = ("parameter", "species")
    elif kinds:
        usable = _USABLE.get(kinds[0], usable)
    for name, declared in analysis.names.table.items():
        if declared.kind in usable:
            yield Candidate(name, declared.kind, KINDS[declared.kind])
    if is_expression:
        for name, (usage, what) in FUNCTIONS.items():
            yield Candidate(name, "function", f"{usage}: {what}")
        yield from _values(NUMBERS)
