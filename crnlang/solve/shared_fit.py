"""A network with shared weights fitted to a law on a set of states.

Maximises sum_n Q(n) log P(n) by natural-gradient steps. The Fisher matrix is known by
its products alone: with c = log P(m | n_<p) of all positions p and copy numbers m,

    S x = sum_n Q(n) (dc/dtheta)^T [P(m | n_<p) (dc/dtheta x)],

exact over the copy numbers given the prefixes of Q, summed over the likeliest states
and a sample of the others. The damping follows the success of the steps.

Source: Martens, "Deep learning via Hessian-free optimization", ICML 2010; Marquardt,
J. Soc. Ind. Appl. Math. 11 (1963) 431 (the damping).
"""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.sparse.linalg import cg
from jaxtyping import Array, Float, Int, Integer
from scipy.special import xlogy

from crnlang.nn.base import Blocks
from crnlang.nn.shared import AbstractShared
from crnlang.solve.tables import PIECE, representatives

#: First and smallest damping, and its factors after a good and after a bad step.
FIRST, LEAST = 1e-2, 1e-8
GOOD, BAD = 0.25, 8.0
#: Lengths along each direction.
LENGTHS = (1.0, 0.3)
#: Most steps of conjugate gradients, and their relative residual.
INNER, INEXACT = 64, 1e-2
#: Most steps of the fit.
MOST_STEPS = 100
#: Stop where the divergence that is left is less than this, in nats,
CLOSE = 1e-5
#: or some steps running gain less than this share of it.
SHARE, PATIENCE = 0.02, 4

Piece = tuple[Int[Array, "rows variables"], Float[Array, " rows"]]


def fit_shared(
    starts: Sequence[AbstractShared],
    states: Integer[np.ndarray, "states variables"],
    law: Float[np.ndarray, " states"],
) -> AbstractShared:
    """The fitted network, from the likelier of some with other weights."""
    rank = np.argsort(-law, kind="stable")
    missing = -len(law) % PIECE
    mass = np.append(law[rank], np.zeros(missing))
    rows = states[np.append(rank, np.full(missing, rank[0]))][:, list(starts[0].order)]
    pieces = [
        (jnp.asarray(n, int), jnp.asarray(q))
        for n, q in zip(
            rows.reshape(-1, PIECE, rows.shape[1]),
            mass.reshape(-1, PIECE),
            strict=True,
        )
    ]
    chosen, shares = representatives(mass)
    seen = jnp.asarray(rows[chosen], int), jnp.asarray(shares)
    found = [_values(m, jnp.asarray(m.weight_blocks()[0]), pieces)[0] for m in starts]
    model, value = starts[int(np.argmax(found))], max(found)
    bound, shift, idle = float(xlogy(law, law).sum()), FIRST, 0
    for _ in range(MOST_STEPS):
        slope = sum(np.asarray(_slope(model, *piece)) for piece in pieces)
        tried = _steps(model, jnp.asarray(slope), *seen, jnp.asarray(shift))
        after = _values(model, tried, pieces)
        best = int(np.argmax(after))
        gain = after[best] - value
        shift = max(shift * (GOOD if gain > 0 and best == 0 else BAD), LEAST)
        if gain > 0:
            model, value = model.with_weight_blocks((tried[best][None],)), after[best]
        idle = 0 if gain > SHARE * (bound - value) else idle + 1
        if idle == PATIENCE or bound - value < CLOSE:
            break
    return model


def _values(
    model: AbstractShared, tried: Float[Array, "tries weights"], pieces: list[Piece]
) -> Float[np.ndarray, " tries"]:
    """The objective at several weights; -inf where it is not a number."""
    found = sum(np.asarray(_likelihoods(model, tried, *piece)) for piece in pieces)
    return np.where(np.isfinite(found), found, -np.inf)


def _likelihood(
    theta: Blocks,
    model: AbstractShared,
    ordered: Int[Array, "rows variables"],
    law: Float[Array, " rows"],
) -> Float[Array, ""]:
    """sum Q log P over some rows."""
    counts = ordered[:, np.argsort(model.order)]
    log_p = jax.vmap(model.with_weight_blocks(theta).log_prob)(counts)
    return jnp.sum(law * jnp.where(law > 0, log_p, 0.0))


@eqx.filter_jit
def _likelihoods(
    model: AbstractShared,
    tried: Float[Array, "tries weights"],
    ordered: Int[Array, "rows variables"],
    law: Float[Array, " rows"],
) -> Float[Array, " tries"]:
    return jax.lax.map(
        lambda row: _likelihood((row[None],), model, ordered, law), tried
    )


@eqx.filter_jit
def _slope(
    model: AbstractShared,
    ordered: Int[Array, "rows variables"],
    law: Float[Array, " rows"],
) -> Float[Array, " weights"]:
    return jax.grad(_likelihood)(model.weight_blocks(), model, ordered, law)[0][0]


@eqx.filter_jit
def _steps(
    model: AbstractShared,
    slope: Float[Array, " weights"],
    ordered: Int[Array, "rows variables"],
    shares: Float[Array, " rows"],
    shift: Float[Array, ""],
) -> Float[Array, "tries weights"]:
    """The weights after natural-gradient steps of several lengths."""
    theta = model.weight_blocks()[0][0]

    def conditionals(row: Float[Array, " weights"]) -> tuple[Array, ...]:
        moved = model.with_weight_blocks((row[None],))
        return jax.vmap(moved.log_conditionals)(ordered)

    log_p, push = jax.linearize(conditionals, theta)
    pull = jax.linear_transpose(push, theta)
    weights = [shares[:, None] * jnp.exp(c) for c in log_p]

    def apply(x: Float[Array, " weights"]) -> Float[Array, " weights"]:
        seen = tuple(w * c for w, c in zip(weights, push(x), strict=True))
        return pull(seen)[0] + shift * x

    direction, _ = cg(apply, slope, tol=INEXACT, maxiter=INNER)
    return theta + jnp.asarray(LENGTHS, theta.dtype)[:, None] * direction
