"""What is known at one position, for all copy numbers m there, of the counts after it.

From the network, without a sample of them: E[n_q | r, m] of the next free count q is
what its conditional says; further on means stand for the counts before q, which is not
exact, but what is made of it (`solve.guess`) need not be. And from the sampled counts
themselves: functions of them whose mean given r and m is known to be 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from crnlang.nn.conditional import ConditionalNetworks
from crnlang.solve.hats import bumps_of, coarse_of, knots_of
from crnlang.solve.late_channels import LateChannels
from crnlang.solve.pieces import over_batch

#: States at once.
PIECE = 256


@dataclass(frozen=True, eq=False)
class Outlook:
    """What is known of every state at one position.

    **Attributes:**

    - `counts`: the free counts up to the position; `caps` the largest ones.
    - `is_open`: the copy numbers that may stand there.
    - `weights`: what a state counts in averages over r and m; they sum to 1.
    - `ahead`: features of later means at the knots, for prefixes after some changes,
      none first; `kind` is the change of each late channel that is `across`.
    - `surprises`: functions of later counts whose mean, given those so far, is 0;
      `variances` what their squares should average to.
    """

    counts: Int[np.ndarray, "states here"]
    caps: Int[np.ndarray, " here"]
    is_open: Bool[np.ndarray, "states levels"]
    weights: Float[np.ndarray, " states"]
    ahead: Float[np.ndarray, "kinds states knots features"]
    kind: Int[np.ndarray, " across"]
    surprises: Float[np.ndarray, "states bumps hats"]
    variances: Float[np.ndarray, "states bumps hats"]

    @property
    def levels(self) -> int:
        """How many copy numbers there are."""
        return self.is_open.shape[1]


def look(
    model: ConditionalNetworks,
    states: Int[np.ndarray, "states variables"],
    laws: Sequence[Float[np.ndarray, "states _levels"]],
    place: int,
    late: LateChannels,
    weights: Float[np.ndarray, " states"],
) -> Outlook:
    """The outlook at a free position, `laws` being P(m | r) of each at every state."""
    free = np.asarray(model.mask.free)
    counts = states[:, np.asarray(model.order)[free]]
    last = int(late.later.max(initial=place)) if late.is_asked else place
    return Outlook(
        counts[:, : place + 1],
        np.asarray(model.mask.caps)[free[: place + 1]],
        laws[place] > 0,
        weights / weights.sum(),
        _features(model, states, place, last, late.shifts, laws[place].shape[1]),
        late.kind,
        *surprises(counts, laws, place, late.later),
    )


def surprises(
    counts: Int[np.ndarray, "states free"],
    laws: Sequence[Float[np.ndarray, "states _levels"]],
    place: int,
    later: Int[np.ndarray, " later"],
) -> tuple[
    Float[np.ndarray, "states bumps hats"], Float[np.ndarray, "states bumps hats"]
]:
    """Functions of the counts after a position whose mean, given those up to it, is 0.

    Of some later counts hat functions less their means given all counts before them,
    times hat functions of the count at the position, which add up to 1. And the mean
    of the square of each, given all counts before the later one.
    """
    row = np.arange(len(counts))
    own = coarse_of(laws[place].shape[1])[counts[:, place]]
    found = [np.zeros((2, len(counts), 0))]
    for other in later.tolist():
        bumps = bumps_of(laws[other].shape[1])
        means = laws[other] @ bumps
        off = bumps[counts[row, other]] - means
        found.append(np.stack([off, laws[other] @ bumps**2 - means**2]))
    values, variances = np.concatenate(found, axis=2)[..., None]
    return values * own[:, None], variances * own[:, None] ** 2


def _features(
    model: ConditionalNetworks,
    states: Int[np.ndarray, "states variables"],
    place: int,
    last: int,
    shifts: Int[np.ndarray, "kinds before"],
    levels: int,
) -> Float[np.ndarray, "kinds states knots features"]:
    """Means of later counts, and their products with the own one, of size 1."""
    knots = knots_of(levels)
    if last == place:
        return np.zeros((len(shifts), len(states), len(knots), 0))
    changes = tuple(map(tuple, shifts.tolist()))
    chosen = tuple(knots.tolist())
    found = _later_means(model, jnp.asarray(states), place, last, chosen, changes)
    means = np.moveaxis(np.asarray(found, float), 1, 0)
    means = means / np.maximum(means.mean(axis=(0, 1, 2)), 1e-9)
    products = means * (knots / levels)[:, None]
    return np.concatenate([means, products], axis=3)


@eqx.filter_jit
def _later_means(
    model: ConditionalNetworks,
    states: Int[Array, "states variables"],
    place: int,
    last: int,
    knots: tuple[int, ...],
    changes: tuple[tuple[int, ...], ...],
) -> Float[Array, "states kinds knots later"]:
    """About E[n_q | r + change, m] for the free q after a place, up to a last one."""
    free = np.asarray(model.mask.free)
    shifts = np.zeros((len(changes), len(model.order)), int)
    shifts[:, free[:place]] = changes

    def along(
        shift: Int[Array, " variables"], counts: Int[Array, " variables"]
    ) -> Float[Array, "knots later"]:
        ordered = jnp.maximum(counts[np.asarray(model.order)] + shift, 0)
        fibre = jnp.repeat(ordered[None], len(knots), axis=0)
        fibre = fibre.at[:, free[place]].set(jnp.asarray(knots))
        return jax.vmap(lambda row: _means_after(model, row, place, last))(fibre)

    def of_state(counts: Int[Array, " variables"]) -> Float[Array, "kinds knots later"]:
        return jax.vmap(along, (0, None))(jnp.asarray(shifts), counts)

    return over_batch(of_state, states, PIECE)


def _means_after(
    model: ConditionalNetworks,
    ordered: Int[Array, " variables"],
    place: int,
    last: int,
) -> Float[Array, " later"]:
    """The means of the free counts after one, each given those of all before it."""
    mask, free = model.mask, model.mask.free
    seen = ordered[np.asarray(free[: place + 1])].astype(model.dtype)
    for later in range(place + 1, last + 1):
        network, position = model.networks[later], free[later]
        logits = network.logits(network.heights(model.counts(seen).ravel()))
        if mask.binds(position):
            between = tuple(range(free[later - 1] + 1, position))
            ordered = mask.close(ordered, between)
            shut = mask.shut(logits, ordered, position)
            logits = jnp.where(jnp.any(shut > -jnp.inf), shut, logits)
        levels = jnp.arange(len(logits), dtype=logits.dtype)
        mean = jax.nn.softmax(logits) @ levels
        seen = jnp.append(seen, mean)
        ordered = ordered.at[position].set(jnp.rint(mean).astype(ordered.dtype))
    return seen[place + 1 :]
