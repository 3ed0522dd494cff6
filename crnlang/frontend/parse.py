"""Source text -> surface tree: one statement after the other, every syntax error."""

from lark import Token, Tree
from lark.exceptions import UnexpectedToken as LarkUnexpectedToken

from crnlang.diagnostics import Report, SourceText
from crnlang.frontend import ast
from crnlang.frontend.build import build_statement
from crnlang.frontend.refusal import Refusal, explain_refusal
from crnlang.frontend.tokens import TokenGroup, begin_statement, split_statements


def parse_program(source: SourceText, report: Report) -> ast.Program:
    """The surface tree of a file.

    A statement that cannot be read is reported and left out; the next one is read
    regardless.
    """
    statements: list[ast.Statement] = []
    for group in split_statements(source.text):
        tree = _parse_group(group, source, report)
        if tree is not None:
            statements.extend(build_statement(tree, source, report))
    return ast.Program(tuple(statements), source)


def _parse_group(
    group: TokenGroup, source: SourceText, report: Report
) -> Tree[Token] | None:
    """The parse tree of one statement, or `None` with the reason in the report."""
    state = begin_statement()
    position = 0
    try:
        for token in group.tokens:
            state.feed_token(token)
            position += 1
        return state.feed_eof(group.tokens[-1])
    except LarkUnexpectedToken:
        accepted = _accepted_after(group.tokens[:position])
        refusal = Refusal(group.tokens, position, accepted, group.unclosed, source)
        report.add(explain_refusal(refusal))
        return None


def _accepted_after(tokens: tuple[Token, ...]) -> frozenset[str]:
    """Terminals that may follow these tokens.

    Fed afresh: a parser that has refused a token may already have reduced on it, and
    Lark's own `expected` names terminals that only other contexts take.
    """
    state = begin_statement()
    for token in tokens:
        state.feed_token(token)
    return frozenset(state.accepts())
