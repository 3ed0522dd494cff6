"""Text -> surface tree, statement by statement."""

from collections.abc import Sequence

from crnlang.diagnostics import Report, SourceText, Span
from crnlang.frontend import ast
from crnlang.frontend.build import build_statement
from crnlang.frontend.dialects import recognise_dialect
from crnlang.frontend.refusal import Refusal, explain_refusal
from crnlang.frontend.salvage import salvage
from crnlang.frontend.tokens import (
    TokenGroup,
    accepted_after,
    read_tokens,
    split_statements,
)


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
    tree, position = read_tokens(group.tokens)
    if tree is None:
        accepted = accepted_after(group.tokens[:position])
        refusal = Refusal(group.tokens, position, accepted, group.unclosed, source)
        report.add(explain_refusal(refusal))
    elif built := build_statement(tree, source, report):
        return built
    return [salvage(group.tokens, source, report)]
