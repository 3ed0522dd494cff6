"""Text -> surface tree, statement by statement."""

import re
from collections.abc import Sequence

from crnlang.diagnostics import Report, SourceText, Span
from crnlang.frontend import ast
from crnlang.frontend.build import build_statement
from crnlang.frontend.depth import MAX_DEPTH, too_deep
from crnlang.frontend.dialects import recognise_dialect
from crnlang.frontend.module_errors import BadModule
from crnlang.frontend.refusal import Refusal, explain_refusal, span_of
from crnlang.frontend.salvage import salvage
from crnlang.frontend.shapes import accepted_after
from crnlang.frontend.syntax_errors import TooDeep, TooLong, UnexpectedToken
from crnlang.frontend.tokens import (
    MAX_TOKENS,
    TokenGroup,
    read_tokens,
    split_statements,
)

#: After so many errors the rest of a file is not read.
MOST_ERRORS = 1000


def parse_program(source: SourceText, report: Report) -> ast.Program:
    """The surface tree of a file.

    A statement that cannot be read is reported, and what can be known of it is kept.
    The next one is read regardless, but for those of a file in another language, those
    behind one that is too long, and those behind `MOST_ERRORS` errors.
    """
    if (foreign := recognise_dialect(source)) is not None:
        report.add(foreign)
        whole = Span(source, 0, len(source.text))
        return ast.Program((ast.Unread("", frozenset(), whole),), source)
    statements: list[ast.Statement] = []
    head: ast.ModuleStatement | None = None
    for group in split_statements(source.text):
        if len(group.tokens) > MAX_TOKENS or report.count > MOST_ERRORS:
            statements.append(_rest(group, source, report))
            break
        read = _read(group, source, report)
        head = _check_braces(read[0], head, report)
        statements += read
    return ast.Program(tuple(statements), source)


def _rest(group: TokenGroup, source: SourceText, report: Report) -> ast.Unread:
    """This statement and all below it, which are not read."""
    if len(group.tokens) > MAX_TOKENS:
        report.add(TooLong(span_of(group.tokens[MAX_TOKENS], source), MAX_TOKENS))
    rest = Span(source, group.tokens[0].start_pos or 0, len(source.text))
    return ast.Unread("", frozenset(re.findall(r"[A-Za-z_]\w*", rest.text)), rest)


def _check_braces(
    statement: ast.Statement, head: ast.ModuleStatement | None, report: Report
) -> ast.ModuleStatement | None:
    """The head of the module that is open behind a statement; `head` is before it."""
    match statement, head:
        case ast.ModuleStatement(), None:
            return statement
        case ast.ModuleStatement(name=name), _:
            fix = f"close `{head.name.text}` with `}}` above it"
            reason = f"the module `{name.text}` stands inside another"
            report.add(BadModule(statement.span, reason, fix))
            return statement
        case ast.ModuleEnd(span), None:
            report.add(UnexpectedToken(span, "`}`", "a statement"))
            return None
        case ast.ModuleEnd(), _:
            return None
        case _:
            return head


def _read(
    group: TokenGroup, source: SourceText, report: Report
) -> Sequence[ast.Statement]:
    """One statement, or several for a `param` list."""
    if (token := too_deep(group.tokens)) is not None:
        report.add(TooDeep(span_of(token, source), MAX_DEPTH))
        return [salvage(group.tokens, source, report, is_deep=True)]
    tree, position = read_tokens(group.tokens)
    if tree is None:
        accepted = accepted_after(
            tuple([token.type for token in group.tokens[:position]])
        )
        refusal = Refusal(group.tokens, position, accepted, group.unclosed, source)
        report.add(explain_refusal(refusal))
    elif built := build_statement(tree, source, report):
        return built
    return [salvage(group.tokens, source, report)]
