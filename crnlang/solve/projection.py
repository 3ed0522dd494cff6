"""The network nearest to a law given on a set of states: maximum likelihood.

Minimises -sum_n Q(n) log P(n) over the set. Where no weights are shared, the sum splits
into one problem for every block, its conditional against the table of Q over prefixes
and copy numbers; see `solve.conditional_fit`. Else see `solve.shared_fit`.
"""

from typing import TypeVar

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Float, Integer

from crnlang.nn.base import AbstractAutoregressive
from crnlang.nn.conditional import ConditionalNetworks
from crnlang.nn.padding import padded
from crnlang.nn.shared import AbstractShared
from crnlang.solve.conditional_fit import Objective, Weights, fit_each
from crnlang.solve.pieces import log_probs
from crnlang.solve.shared_fit import fit_shared
from crnlang.solve.tables import likelihood_bound, tabulate

Model = TypeVar("Model", bound=AbstractAutoregressive)

#: Dampings of the Fisher matrix: little is best near the optimum, much where the law
#: asks for states that the network has given up.
SHIFTS = (1e-8, 1e-5, 1e-3, 1e-1)
#: Most steps of one conditional.
MOST_STEPS = 200
#: Stop where the divergence that is left is less than this, in nats,
CLOSE = 1e-6
#: or two steps running gain less than this share of it.
SHARE = 0.02


def fit_law(
    model: AbstractAutoregressive,
    states: Integer[np.ndarray, "states variables"],
    law: Float[np.ndarray, " states"],
) -> tuple[AbstractAutoregressive, float]:
    """The fitted network and its Hellinger distance from the law, on the set.

    Each conditional starts from `model`, or from the marginal of its variable where
    that is nearer; with shared weights, all or none. `law` sums to 1.
    """
    marginals = tuple(np.bincount(counts, weights=law) for counts in states.T)
    if isinstance(model, AbstractShared):
        given = cast(model, np.dtype(float))
        starts = given, given.with_product_law(marginals)
        fitted = cast(fit_shared(starts, states, law), model.dtype)
    else:
        assert isinstance(model, ConditionalNetworks)
        starts = model, model.with_product_law(marginals)
        fitted = _fit_conditionals(starts, states, law)
    return fitted, _distance(fitted, states, law)


def _fit_conditionals(
    starts: tuple[ConditionalNetworks, ConditionalNetworks],
    states: Integer[np.ndarray, "states variables"],
    law: Float[np.ndarray, " states"],
) -> ConditionalNetworks:
    """Every conditional fitted, from the likelier of two networks."""
    model = starts[0]
    ordered = states[:, list(model.order)]

    def fit(model: ConditionalNetworks, place: int) -> Weights:
        table, _ = tabulate(model, place, ordered, law, law)
        objectives = [
            Objective(padded(start, place), table, SHIFTS) for start in starts
        ]
        return _fit(objectives[0], [objective.start for objective in objectives])

    return fit_each(model, fit)


def cast(model: Model, dtype: np.dtype) -> Model:
    """The same network in another precision."""
    return jax.tree.map(
        lambda leaf: leaf.astype(dtype) if eqx.is_inexact_array(leaf) else leaf, model
    )


def _fit(objective: Objective, starts: list[Weights]) -> Weights:
    """The weights of one conditional, from the likeliest of the starts."""
    found = objective.values(np.stack(starts))
    best = int(np.argmax(found))
    likelihood, weights = float(found[best]), starts[best]
    bound = likelihood_bound(objective.table.law)
    idle = 0
    for _ in range(MOST_STEPS):
        moved, after = objective.improve(weights)
        gain = after - likelihood
        if gain > 0:
            weights, likelihood = moved, after
        idle = 0 if gain > SHARE * (bound - likelihood) else idle + 1
        if idle == 2 or bound - likelihood < CLOSE:
            break
    return weights


def _distance(
    model: AbstractAutoregressive,
    states: Integer[np.ndarray, "states variables"],
    law: Float[np.ndarray, " states"],
) -> float:
    """Hellinger distance on the set."""
    overlap = np.sqrt(law * np.exp(log_probs(model, states))).sum()
    return float(np.sqrt(max(1.0 - overlap, 0.0)))
