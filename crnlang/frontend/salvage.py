"""Refused tokens -> what can be known of the statement all the same.

So that an error in one statement does not look like errors in others: names that it may
declare are not unknown, and what a reaction changes is known without its laws.
"""

import itertools
from collections.abc import Sequence
from dataclasses import replace

from lark import Token

from crnlang.diagnostics import Report, SourceText, Span, nearest
from crnlang.frontend import ast
from crnlang.frontend.build import build_statement
from crnlang.frontend.convention import NAMES as CONVENTIONS
from crnlang.frontend.refusal import span_of
from crnlang.frontend.shapes import Node
from crnlang.frontend.tokens import STATEMENT_WORDS, read_tokens

_ARROWS = frozenset({"ARROW", "BOTH_ARROW"})
#: Words of statements that declare names for expressions.
_DECLARING = ("param", "func", "species", "observe", "set")


def salvage(
    tokens: Sequence[Token],
    source: SourceText,
    report: Report,
    *,
    is_deep: bool = False,
) -> ast.Statement:
    """A reaction, its laws unread where these are at fault; else `ast.Unread`.

    Where it `is_deep`, the whole of it is not even tried.
    """
    span = span_of(tokens[0], source).to(span_of(tokens[-1], source))
    reaction = _reaction(tokens, span, source, report, is_deep=is_deep)
    if reaction is not None:
        return reaction
    word = _word(tokens)
    declares = word in _DECLARING or not word
    names = [str(t) for t in tokens if t.type == "NAME"] if declares else []
    return ast.Unread(word, frozenset(names), span)


def _word(tokens: Sequence[Token]) -> str:
    """The word of `ast.Unread`."""
    first, second = tokens[0], tokens[1] if len(tokens) > 1 else None
    if first.type in STATEMENT_WORDS:
        return STATEMENT_WORDS[first.type]
    if any(t.type in (*_ARROWS, "_AT", "FOREIGN_ARROW") for t in tokens):
        return "reaction"
    if first.type == "NAME" and str(tokens[-1]) in CONVENTIONS:
        return "massaction"
    is_word = second is not None and second.type in ("NAME", "NUMBER", "STRING")
    return nearest(str(first), STATEMENT_WORDS.values()) if is_word else ""


def _reaction(
    tokens: Sequence[Token],
    span: Span,
    source: SourceText,
    report: Report,
    *,
    is_deep: bool,
) -> ast.ReactionStatement | None:
    """The reaction that these tokens must have meant, if its sides can be read.

    Arrows of other languages count as ours, one way or both: as the laws require.
    """
    ours = [_our_arrow(token, ("ARROW", "BOTH_ARROW")) for token in tokens]
    if _ARROWS.isdisjoint(token.type for token in ours):
        return None
    turned = [_our_arrow(token, ("BOTH_ARROW", "ARROW")) for token in tokens]
    is_foreign = any(token.type == "FOREIGN_ARROW" for token in tokens)
    for whole in (ours, turned) if is_foreign and not is_deep else ():
        tree, _ = read_tokens(whole)
        reaction = _build(tree, source, report)
        if reaction is not None and len(reaction.laws) == len(reaction.channels()):
            return replace(reaction, span=span)
    reaction = _build(_read_sides(ours), source, report)
    if reaction is None:
        return None
    return replace(reaction, laws=_unread_laws(reaction, tokens, span), span=span)


def _our_arrow(token: Token, kinds: tuple[str, str]) -> Token:
    """The token; an arrow of another language, one way or both, as one of ours."""
    if token.type != "FOREIGN_ARROW" or not token.endswith(">"):
        return token
    return Token.new_borrow_pos(kinds[token.startswith("<")], str(token), token)


def _build(
    tree: Node | None, source: SourceText, report: Report
) -> ast.ReactionStatement | None:
    """The reaction of a tree; `None` where it is of another statement with an `@`."""
    built = () if tree is None else build_statement(tree, source, report)
    reactions = (one for one in built if isinstance(one, ast.ReactionStatement))
    return next(reactions, None)


def _read_sides(tokens: Sequence[Token]) -> Node | None:
    """The tree of what stands before the rate, with `@ 1` behind it.

    Where the `@` itself is missing, the first token that does not belong to the sides
    takes its place.
    """
    types = [token.type for token in tokens]
    has_rate = "_AT" in types
    sides = tokens[: types.index("_AT")] if has_rate else tokens
    rate = [
        Token.new_borrow_pos("_AT", "@", tokens[0]),
        Token.new_borrow_pos("NUMBER", "1", tokens[0]),
    ]
    tree, position = read_tokens([*sides, *rate])
    if tree is None and not has_rate:
        tree, _ = read_tokens([*sides[:position], *rate])
    return tree


def _unread_laws(
    reaction: ast.ReactionStatement, tokens: Sequence[Token], span: Span
) -> tuple[ast.UnreadLaw, ...]:
    """A law for each channel; what is no `propensity` can only be a constant."""
    kinds: list[bool] = []
    starts_law, depth = False, 0
    for token in tokens:
        if starts_law:
            kinds.append(token.type != "_PROPENSITY")
        depth += (token.type == "_LPAR") - (token.type == "_RPAR")
        starts_law = token.type == "_AT" or (token.type == "_COMMA" and depth == 0)
    others = itertools.repeat(all(kinds))
    channels = zip(reaction.channels(), itertools.chain(kinds, others), strict=False)
    return tuple(ast.UnreadLaw(is_constant, span) for _, is_constant in channels)
