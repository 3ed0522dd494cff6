"""Network -> Network: constants computed, neutral elements dropped.

Parameters stay symbolic, so that a kernel can be run again with other values.
"""

from dataclasses import replace

from crnlang.ir.evaluate import evaluate_float64
from crnlang.ir.expr import Call, Expr, Function, Number, OverSites, call, number
from crnlang.ir.network import (
    DistQuery,
    LogpQuery,
    Network,
    PassageQuery,
    ProbQuery,
    Query,
    Reaction,
    Trigger,
)

#: Functions that leave one argument unchanged when the other is neutral: the neutral
#: element, and whether it may stand on the left as well.
_NEUTRAL = {
    Function.ADD: (0.0, True),
    Function.SUB: (0.0, False),
    Function.MUL: (1.0, True),
    Function.DIV: (1.0, False),
    Function.POW: (1.0, False),
}


def fold_constants(network: Network) -> Network:
    """The same network with simpler expressions of the same value everywhere."""
    return replace(
        network,
        reactions=tuple(map(_fold_reaction, network.reactions)),
        count_changes=tuple(
            replace(c, value=fold(c.value)) for c in network.count_changes
        ),
        triggers=tuple(map(_fold_trigger, network.triggers)),
        hops=tuple(replace(hop, rate=fold(hop.rate)) for hop in network.hops),
        observables=tuple(replace(o, value=fold(o.value)) for o in network.observables),
        sets=tuple(replace(s, condition=fold(s.condition)) for s in network.sets),
        queries=tuple(map(_fold_query, network.queries)),
    )


def _fold_reaction(reaction: Reaction) -> Reaction:
    rate = None if reaction.rate is None else fold(reaction.rate)
    return replace(reaction, propensity=fold(reaction.propensity), rate=rate)


def _fold_trigger(trigger: Trigger) -> Trigger:
    values = tuple(map(fold, trigger.values))
    return replace(trigger, condition=fold(trigger.condition), values=values)


def _fold_query(query: Query) -> Query:
    if isinstance(query, PassageQuery):
        start = None if query.start is None else fold(query.start)
        return replace(query, target=fold(query.target), start=start)
    given = None if query.given is None else fold(query.given)
    if isinstance(query, DistQuery | LogpQuery):
        return replace(query, given=given)
    if isinstance(query, ProbQuery):
        return replace(query, given=given, condition=fold(query.condition))
    return replace(query, given=given, value=fold(query.value))


def fold(expr: Expr) -> Expr:
    """A simpler expression of the same value, inf and nan included."""
    if isinstance(expr, OverSites):
        folded = OverSites(expr.function, fold(expr.body), expr.sites)
        return _computed(folded) if isinstance(folded.body, Number) else folded
    if not isinstance(expr, Call):
        return expr
    arguments = tuple(fold(argument) for argument in expr.arguments)
    folded = call(expr.function, *arguments)
    if all(isinstance(argument, Number) for argument in arguments):
        return _computed(folded)
    return _simplified(expr.function, arguments) or folded


def _computed(expr: Expr) -> Expr:
    return number(float(evaluate_float64(expr, (), (), 0.0)))


def _simplified(function: Function, arguments: tuple[Expr, ...]) -> Expr | None:
    """One of the arguments, where the call comes to no more than that."""
    if function is Function.IF and isinstance(arguments[0], Number):
        return arguments[1] if arguments[0].value else arguments[2]
    if function not in _NEUTRAL:
        return None
    neutral, is_two_sided = _NEUTRAL[function]
    if arguments[1] == Number(neutral):
        return arguments[0]
    if is_two_sided and arguments[0] == Number(neutral):
        return arguments[1]
    return None
