"""Reaction statements -> channels: arrows split, mass action written out, named.

Names of channels: a reaction without a label is called `r` and its place among the
reactions of the file (`r3`). `<->` makes two channels, `name` and `name_rev`; the
steps of a chain are `name_1`, `name_2` and so on.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from crnlang.diagnostics import Report, Span
from crnlang.frontend import ast
from crnlang.frontend.errors import DeclaredTwice, RepeatedCatalyst
from crnlang.frontend.expressions import try_lower
from crnlang.frontend.factors import mass_action_factors
from crnlang.frontend.lattice_errors import WhichSite
from crnlang.frontend.measures import rate_factor
from crnlang.frontend.scope import Reading, Refused, Scope
from crnlang.ir.expr import (
    Count,
    Expr,
    Function,
    ParameterRef,
    call,
    move_slots,
    number,
    product,
    slots_of,
    walk,
)
from crnlang.ir.network import Reaction

#: A factor between units that is so near to 1 is 1.
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class _Channel:
    """One direction of one arrow."""

    name: str
    reactants: ast.Side
    products: ast.Side
    law: ast.Law
    span: Span


def lower_reactions(
    program: ast.Program, scope: Scope, report: Report
) -> tuple[Reaction, ...]:
    """Every channel of the file, in order; what is wrong is reported.

    A channel whose law has an error keeps what it changes; its place is marked.
    """
    found: list[Reaction] = []
    seen: dict[str, Span] = {}
    place = 0
    for statement in program.statements:
        if isinstance(statement, ast.Unread):
            place += statement.word == "reaction"
        elif isinstance(statement, ast.ReactionStatement):
            place += 1
            found += _lower_statement(statement, place, seen, scope, report)
    return tuple(found)


def _lower_statement(
    statement: ast.ReactionStatement,
    place: int,
    seen: dict[str, Span],
    scope: Scope,
    report: Report,
) -> list[Reaction]:
    """The channels of one statement; none where its coefficients have an error."""
    statement = _without_repeated_catalysts(statement, report)
    channels = list(_channels(statement, place))
    laws = [_at_home(c, _lower_law(c, scope, report), scope, report) for c in channels]
    _check_names(statement, channels, seen, report)
    if None in laws:
        report.distrust(statement.span)
    if not all(term.coefficient for side in statement.sides for term in side.terms):
        report.leave_out("reactions")
        return []
    return [
        _lower_channel(channel, law or _UNKNOWN, scope)
        for channel, law in zip(channels, laws, strict=True)
    ]


def _without_repeated_catalysts(
    statement: ast.ReactionStatement, report: Report
) -> ast.ReactionStatement:
    """The statement; where `via` repeats a species, that is reported and taken out."""
    used = {term.species.text for side in statement.sides for term in side.terms}
    kept: list[ast.Name] = []
    for name in statement.catalysts:
        if name.text in used:
            report.add(RepeatedCatalyst(name.span, name.text))
        else:
            kept.append(name)
        used.add(name.text)
    return replace(statement, catalysts=tuple(kept))


def _channels(statement: ast.ReactionStatement, place: int) -> Iterator[_Channel]:
    label = statement.label.text if statement.label else f"r{place}"
    laws = iter(statement.laws)
    is_chain = len(statement.arrows) > 1
    step = 0
    for left, right, is_back in statement.channels():
        step += not is_back
        name = f"{label}_{step}" if is_chain else label
        yield _Channel(
            f"{name}_rev" if is_back else name,
            _with_catalysts(left, statement.catalysts),
            _with_catalysts(right, statement.catalysts),
            next(laws, ast.UnreadLaw(is_constant=False, span=statement.span)),
            statement.span,
        )


def _with_catalysts(side: ast.Side, catalysts: tuple[ast.Name, ...]) -> ast.Side:
    terms = tuple(ast.Term(1, name, name.span) for name in catalysts)
    return ast.Side(side.terms + terms, side.span)


def _check_names(
    statement: ast.ReactionStatement,
    channels: list[_Channel],
    seen: dict[str, Span],
    report: Report,
) -> None:
    """Report a channel with the name of another; a doubled label was reported."""
    place = statement.label.span if statement.label else statement.span
    is_told = statement.label is not None and not report.is_sound(place)
    for channel in channels:
        if channel.name in seen and not is_told:
            report.add(DeclaredTwice(place, channel.name, seen[channel.name]))
        seen.setdefault(channel.name, place)


@dataclass(frozen=True, slots=True)
class _Law:
    """The constant behind `@`, if there is one, and the whole propensity."""

    rate: Expr | None
    propensity: Expr


#: For a law with an error, so that a channel keeps what it changes.
_UNKNOWN = _Law(None, number(0))


def _lower_law(channel: _Channel, scope: Scope, report: Report) -> _Law | None:
    """The law of a channel; `None` where it has an error."""
    match channel.law:
        case ast.ConstantLaw(constant):
            rate = try_lower(constant, scope, report, Reading.OWN_SITE)
            factors = _try_factors(channel.reactants, scope, report)
            if rate is None or factors is None:
                return None
            order = sum(term.coefficient for term in channel.reactants.terms)
            factor = rate_factor(constant, order, scope, report)
            if abs(factor - 1) > ROUNDING:
                rate = call(Function.MUL, rate, number(factor))
            return _Law(rate, product([rate, *factors]))
        case ast.PropensityLaw(written):
            propensity = try_lower(written, scope, report, Reading.OWN_SITE)
            return None if propensity is None else _Law(None, propensity)
        case ast.UnreadLaw():
            return None


def _at_home(
    channel: _Channel, law: _Law | None, scope: Scope, report: Report
) -> _Law | None:
    """The law; `None` where it reads a site although the reaction happens at none."""
    terms = [*channel.reactants.terms, *channel.products.terms]
    if law is None or any(scope.is_per_site(term.species.text) for term in terms):
        return law
    if (read := _first_at_sites(law.propensity, scope)) is not None:
        name = next(name for name, value in scope.values.items() if value == read)
        fix = "this reaction happens once: no species on its sides is per site"
        report.add(WhichSite(channel.law.span, name, fix))
        return None
    return law


def _first_at_sites(expr: Expr, scope: Scope) -> Expr | None:
    """The first species or parameter per site that an expression reads."""
    for node in walk(expr):
        if isinstance(node, Count) and node.slot in scope.ground.per_site:
            return node
        if isinstance(node, ParameterRef):
            value = scope.constants[node.index]
            if isinstance(value, np.ndarray):
                return node
    return None


def _try_factors(side: ast.Side, scope: Scope, report: Report) -> list[Expr] | None:
    """The factors of mass action; `None` where the side has an error."""
    try:
        return mass_action_factors(side, scope)
    except Refused as refused:
        refused.tell(report)
        return None


def _lower_channel(channel: _Channel, law: _Law, scope: Scope) -> Reaction:
    """The channel with its propensity written out."""
    reactants = _multiplicities(channel.reactants, scope)
    products = _multiplicities(channel.products, scope)
    catalysts_read = sorted(slots_of(law.propensity))
    variables = tuple(dict.fromkeys([*reactants, *products, *catalysts_read]))
    slots = {variable: slot for slot, variable in enumerate(variables)}
    return Reaction(
        name=channel.name,
        variables=variables,
        orders=tuple(reactants.get(v, 0) for v in variables),
        net_change=tuple(products.get(v, 0) - reactants.get(v, 0) for v in variables),
        propensity=move_slots(law.propensity, slots),
        rate=law.rate,
        span=channel.span,
    )


def _multiplicities(side: ast.Side, scope: Scope) -> dict[int, int]:
    """Copies of each species on a side."""
    counts: dict[int, int] = {}
    for term in side.terms:
        index = scope.species[term.species.text]
        counts[index] = counts.get(index, 0) + term.coefficient
    return counts
