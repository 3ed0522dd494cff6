"""Text -> surface tree, statement by statement."""

from collections.abc import Sequence

from lark import Token

from crnlang.diagnostics import Report, SourceText, Span
from crnlang.frontend import ast
from crnlang.frontend.build import build_statement
from crnlang.frontend.dialects import recognise_dialect
from crnlang.frontend.refusal import Refusal, explain_refusal, span_of
from crnlang.frontend.salvage import salvage
from crnlang.frontend.syntax_errors import TooDeep
from crnlang.frontend.tokens import (
    BRACKETS,
    TokenGroup,
    accepted_after,
    read_tokens,
    split_statements,
)

#: Deepest brackets that are read at all; of expressions, `build` accepts fewer levels.
MAX_BRACKETS = 10_000


def parse_program(source: SourceText, report: Report) -> ast.Program:
    """The surface tree of a file.

    A statement that cannot be read is reported, and what can be known of it is kept.
    The next one is read regardless. A file in another language is one statement that
    cannot be read.
    """
    if (foreign := recognise_dialect(source)) is not None:
        report.add(foreign)
        whole = Span(source, 0, len(source.text))
        return ast.Program((ast.Unread("", frozenset(), whole),), source)
    statements: list[ast.Statement] = []
    for group in split_statements(source.text):
        statements += _read(group, source, report)
    return ast.Program(tuple(statements), source)


def _read(
    group: TokenGroup, source: SourceText, report: Report
) -> Sequence[ast.Statement]:
    """One statement, or several for a `param` list."""
    if (bracket := _too_deep(group)) is not None:
        report.add(TooDeep(span_of(bracket, source), MAX_BRACKETS))
        names = frozenset(str(t) for t in group.tokens if t.type == "NAME")
        return [ast.Unread("", names, Span(source, *_ends(group)))]
    tree, position = read_tokens(group.tokens)
    if tree is None:
        accepted = accepted_after(group.tokens[:position])
        refusal = Refusal(group.tokens, position, accepted, group.unclosed, source)
        report.add(explain_refusal(refusal))
    elif built := build_statement(tree, source, report):
        return built
    return [salvage(group.tokens, source, report)]


def _too_deep(group: TokenGroup) -> Token | None:
    """The first bracket that opens one level too many."""
    depth = 0
    for token in group.tokens:
        depth += (token.type in BRACKETS) - (token.type in BRACKETS.values())
        if depth > MAX_BRACKETS:
            return token
    return None


def _ends(group: TokenGroup) -> tuple[int, int]:
    return group.tokens[0].start_pos or 0, group.tokens[-1].end_pos or 0
