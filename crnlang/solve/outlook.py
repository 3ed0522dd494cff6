"""What is known at one position, for all copy numbers m there, of the counts after it.

From the network, without a sample of them: E[n_q | r, m] of the next free count q is
what its conditional says; further on it is summed over the counts before q, by cubic
splines between some of them. Where prefixes are too many for that means stand for the
counts before q, which is not exact, but what is made of it (`solve.guess`) need not be.
And from the sampled counts themselves: functions of them whose mean given r and m is
known to be 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from crnlang.nn.conditional import ConditionalNetworks
from crnlang.solve.distinct import distinct_rows
from crnlang.solve.hats import KNOTS, bumps_of, coarse_of, curves_of, knots_of
from crnlang.solve.late_channels import LateChannels
from crnlang.solve.mesh import readable
from crnlang.solve.pieces import over_batch

#: Prefixes at once, where no sum over later counts is taken.
PIECE = 256
#: Networks are asked so often at most, by all states together, to sum over counts.
MOST_ASKED = 1_000_000


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
    lates: Sequence[LateChannels],
    weights: Sequence[Float[np.ndarray, " states"]],
    means: Sequence[Float[np.ndarray, "_kinds states _knots _later"]],
) -> list[Outlook]:
    """The outlook at every free position, `laws` being P(m | r) of each and state.

    `means` are the `later_means` of every position.
    """
    free = np.asarray(model.mask.free)
    counts = states[:, np.asarray(model.order)[free]]
    caps = np.asarray(model.mask.caps)[free]
    found = []
    for place, late in enumerate(lates):
        features = _features(means[place], laws[place].shape[1])
        found.append(
            Outlook(
                counts[:, : place + 1],
                caps[: place + 1],
                laws[place] > 0,
                weights[place] / weights[place].sum(),
                features,
                late.kind,
                *surprises(counts, laws, place, late.later, means),
            )
        )
    return found


def surprises(
    counts: Int[np.ndarray, "states free"],
    laws: Sequence[Float[np.ndarray, "states _levels"]],
    place: int,
    later: Int[np.ndarray, " later"],
    means: Sequence[Float[np.ndarray, "_kinds states _knots _later"]],
) -> tuple[
    Float[np.ndarray, "states bumps hats"], Float[np.ndarray, "states bumps hats"]
]:
    """Functions of the counts after a position whose mean, given those up to it, is 0.

    Of some later counts functions less their means given all counts before them, times
    hat functions of the count at the position, which add up to 1. First hat functions,
    then what the count says of the mean of each that comes after it (`later_means`), so
    that all together they say what makes a later count differ from its mean. And the
    mean of the square of each, given all counts before the later one.
    """
    row, last = np.arange(len(counts)), later.max(initial=place)
    own = coarse_of(laws[place].shape[1])[counts[:, place]]
    found = [np.zeros((2, len(counts), 0))]

    def add(other: int, values: Float[np.ndarray, "*some levels bumps"]) -> None:
        law = laws[other][:, None]
        average = (law @ values)[:, 0]
        at = np.broadcast_to(values, (len(row), *values.shape[-2:]))
        off = at[row, counts[row, other]] - average
        found.append(np.stack([off, (law @ values**2)[:, 0] - average**2]))

    for other in later.tolist():
        add(other, bumps_of(laws[other].shape[1]))
    for other in later.tolist():
        said = means[other][0, :, :, : max(last - other, 0)]
        add(other, curves_of(laws[other].shape[1]) @ said)
    values, variances = np.concatenate(found, axis=2)[..., None]
    return values * own[:, None], variances * own[:, None] ** 2


def _features(
    means: Float[np.ndarray, "kinds states knots later"], levels: int
) -> Float[np.ndarray, "kinds states knots features"]:
    """Means of later counts, and their products with the own one, of size 1."""
    means = means / np.maximum(means.mean(axis=(0, 1, 2)), 1e-9)
    products = means * (knots_of(levels) / levels)[:, None]
    return np.concatenate([means, products], axis=3)


def later_means(
    model: ConditionalNetworks,
    states: Int[np.ndarray, "states variables"],
    place: int,
    late: LateChannels,
) -> Float[np.ndarray, "kinds states knots later"]:
    """About E[n_q | r + change, m] of the later counts q, m being one of the knots.

    The changes are those of the late channels; nothing of q if they ask for nothing.
    """
    knots, shifts = knots_of(model.networks[place].smooth.shape[0]), late.shifts
    last = int(late.later.max(initial=place)) if late.is_asked else place
    if last == place:
        return np.zeros((len(shifts), len(states), len(knots), 0))
    prefixes = states[:, list(model.order[: model.mask.free[place]])]
    first, row = distinct_rows(prefixes)
    # programs of few sizes
    first = np.resize(first, 1 << (len(first) - 1).bit_length())
    asked, summed = len(first) * len(shifts) * len(knots) * (last - place), 0
    while summed < last - place - 1 and asked * KNOTS <= MOST_ASKED:
        asked, summed = asked * KNOTS, summed + 1
    changes = tuple(map(tuple, shifts.tolist()))
    some = jnp.asarray(states[first])
    chosen = tuple(knots.tolist())
    found = _later_means(model, some, place, last, chosen, changes, summed)
    return np.moveaxis(np.asarray(found, float)[row], 1, 0)


@eqx.filter_jit
def _later_means(
    model: ConditionalNetworks,
    states: Int[Array, "states variables"],
    place: int,
    last: int,
    knots: tuple[int, ...],
    changes: tuple[tuple[int, ...], ...],
    summed: int,
) -> Float[Array, "states kinds knots later"]:
    """E[n_q | r + change, m] for the free q after a place, up to a last one.

    The sums over the first `summed` of them are taken, and means stand for others.
    """
    free = np.asarray(model.mask.free)
    shifts = np.zeros((len(changes), len(model.order)), int)
    shifts[:, free[:place]] = changes

    def of_state(
        model: ConditionalNetworks, counts: Int[Array, " variables"]
    ) -> Float[Array, "kinds knots later"]:
        def along(shift: Int[Array, " variables"]) -> Float[Array, "knots later"]:
            ordered = jnp.maximum(counts[np.asarray(model.order)] + shift, 0)
            fibre = jnp.repeat(ordered[None], len(knots), axis=0)
            fibre = fibre.at[:, free[place]].set(jnp.asarray(knots))
            seen = fibre[:, free[: place + 1]].astype(model.dtype)
            after = partial(_means_after, model, last=last, summed=summed)
            return jax.vmap(after)(fibre, seen)

        return jax.vmap(along)(jnp.asarray(shifts))

    size = max(PIECE // KNOTS**summed, 1)
    return readable(over_batch(eqx.Partial(of_state, model), states, size))


def _means_after(
    model: ConditionalNetworks,
    ordered: Int[Array, " variables"],
    seen: Float[Array, " before"],
    last: int,
    summed: int,
) -> Float[Array, " later"]:
    """The means of the next free counts, up to a last one.

    `seen` are the free counts so far, which need not be whole numbers; `ordered` are
    the same rounded, and what follows from them.
    """
    mask, free, later = model.mask, model.mask.free, len(seen)
    network, position = model.networks[later], free[later]
    logits = network.logits(network.heights(model.features(seen, later)))
    if mask.binds(position):
        between = tuple(range(free[later - 1] + 1, position))
        ordered = mask.close(ordered, between)
        shut = mask.shut(logits, ordered, position)
        logits = jnp.where(jnp.any(shut > -jnp.inf), shut, logits)
    law, levels = jax.nn.softmax(logits), len(logits)
    mean = law @ jnp.arange(levels, dtype=law.dtype)
    if later == last:
        return mean[None]

    def onward(count: Float[Array, ""], summed: int) -> Float[Array, " later"]:
        whole = jnp.rint(count).astype(ordered.dtype)
        now = ordered.at[position].set(whole)
        return _means_after(model, now, jnp.append(seen, count), last, summed)

    if not summed:
        return jnp.append(mean, onward(mean, 0))
    knots = jnp.asarray(knots_of(levels), law.dtype)
    after = jax.vmap(lambda count: onward(count, summed - 1))(knots)
    return jnp.append(mean, law @ jnp.asarray(curves_of(levels), law.dtype) @ after)
