"""Reaction statements -> channels: arrows split, mass action written out, named.

Names of channels: a reaction without a label is called `r` and its place among the
reactions of the file (`r3`). `<->` makes two channels, `name` and `name_rev`; the
steps of a chain are `name_1`, `name_2` and so on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from crnlang.diagnostics import Report, Span
from crnlang.frontend import ast
from crnlang.frontend.errors import DeclaredTwice, RepeatedCatalyst
from crnlang.frontend.expressions import (
    Refused,
    Scope,
    lower_expression,
    mass_action_factors,
)
from crnlang.ir.expr import Expr, move_slots, product, slots_of
from crnlang.ir.network import Reaction


@dataclass(frozen=True, slots=True)
class _Channel:
    """One direction of one arrow."""

    name: str
    reactants: ast.Side
    products: ast.Side
    law: ast.Law
    span: Span


def lower_reactions(
    statements: Sequence[ast.ReactionStatement], scope: Scope, report: Report
) -> tuple[Reaction, ...]:
    """Every channel of the file, in order; what is wrong is reported and left out."""
    reactions: list[Reaction] = []
    seen: dict[str, Span] = {}
    for number, statement in enumerate(statements, start=1):
        if _has_repeated_catalyst(statement, report):
            continue
        for channel in _channels(statement, number):
            if channel.name in seen:
                first = seen[channel.name]
                report.add(DeclaredTwice(channel.span, channel.name, first))
            seen.setdefault(channel.name, channel.span)
            try:
                reactions.append(_lower_channel(channel, scope))
            except Refused as refused:
                report.add(refused.diagnostic)
    return tuple(reactions)


def _has_repeated_catalyst(statement: ast.ReactionStatement, report: Report) -> bool:
    used = {term.species.text for side in statement.sides for term in side.terms}
    is_repeated = False
    for name in statement.catalysts:
        if name.text in used:
            report.add(RepeatedCatalyst(name.span, name.text))
            is_repeated = True
        used.add(name.text)
    return is_repeated


def _channels(statement: ast.ReactionStatement, number: int) -> Iterator[_Channel]:
    label = statement.label.text if statement.label else f"r{number}"
    laws = iter(statement.laws)
    is_chain = len(statement.arrows) > 1
    sides = [_with_catalysts(side, statement.catalysts) for side in statement.sides]
    for step, arrow in enumerate(statement.arrows):
        name = f"{label}_{step + 1}" if is_chain else label
        left, right = sides[step], sides[step + 1]
        yield _Channel(name, left, right, next(laws), statement.span)
        if arrow.is_reversible:
            yield _Channel(f"{name}_rev", right, left, next(laws), statement.span)


def _with_catalysts(side: ast.Side, catalysts: tuple[ast.Name, ...]) -> ast.Side:
    terms = tuple(ast.Term(1, name, name.span) for name in catalysts)
    return ast.Side(side.terms + terms, side.span)


def _lower_channel(channel: _Channel, scope: Scope) -> Reaction:
    """The channel with its propensity written out.

    Raises:
        Refused: see `lower_expression` and `mass_action_factors`.
    """
    if isinstance(channel.law, ast.ConstantLaw):
        rate: Expr | None = lower_expression(channel.law.constant, scope)
        propensity = product([rate, *mass_action_factors(channel.reactants, scope)])
    else:
        rate = None
        propensity = lower_expression(channel.law.propensity, scope)
    reactants = _multiplicities(channel.reactants, scope)
    products = _multiplicities(channel.products, scope)
    catalysts_read = sorted(slots_of(propensity))
    variables = tuple(dict.fromkeys([*reactants, *products, *catalysts_read]))
    slots = [0] * len(scope.species)
    for slot, variable in enumerate(variables):
        slots[variable] = slot
    return Reaction(
        name=channel.name,
        variables=variables,
        orders=tuple(reactants.get(v, 0) for v in variables),
        net_change=tuple(products.get(v, 0) - reactants.get(v, 0) for v in variables),
        propensity=move_slots(propensity, slots),
        rate=rate,
        span=channel.span,
    )


def _multiplicities(side: ast.Side, scope: Scope) -> dict[int, int]:
    """Copies of each species on a side."""
    counts: dict[int, int] = {}
    for term in side.terms:
        index = scope.species[term.species.text]
        counts[index] = counts.get(index, 0) + term.coefficient
    return counts
