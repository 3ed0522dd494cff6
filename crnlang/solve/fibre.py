"""Propensities for all copy numbers at one position, everything else as it is."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from crnlang.nn.conditional import ConditionalNetworks
from crnlang.solve.late_channels import known_from
from crnlang.solve.problem import Generator

#: a_k of every channel at a state and a time.
Propensities = Callable[
    [Int[Array, " variables"], Float[Array, ""]], Float[Array, " channels"]
]


def along_fibre(
    model: ConditionalNetworks,
    generator: Generator,
    ordered: Int[Array, " variables"],
    number: int,
    t: Float[Array, ""],
    direct: Int[np.ndarray, " direct"],
) -> tuple[Float[Array, "levels direct"], Float[Array, "levels direct"]]:
    """a_k(n - s_k) and a_k(n) of some channels, for all counts at a free position.

    They read only counts that are known there. `ordered` is the state along the order.
    The first is perhaps not a number where n - s_k lies outside the box, the second is
    0 where the firing would leave the box of the counts that are known.

    Propensities that read nothing of what varies are evaluated once.
    """
    mask, order = model.mask, np.asarray(model.order)
    position, place = mask.free[number], np.argsort(order)
    known = np.flatnonzero(known_from(model) <= number)
    closed = known[known > position].tolist()
    varying = np.array([position, *closed])
    levels = np.arange(model.networks[number].smooth.shape[0])
    fibre = jax.vmap(mask.close, (0, None))(
        jnp.repeat(ordered[None], len(levels), axis=0).at[:, position].set(levels),
        tuple(closed),
    )
    moves = generator.net_changes[:, order][direct]
    fixed = np.setdiff1d(known, varying)
    moved = ordered[fixed] + moves[:, fixed]
    inside = jnp.all(is_in_box(moved, generator, order[fixed]), axis=1)
    moved = fibre[:, None, varying] + moves[:, varying]
    inside &= jnp.all(is_in_box(moved, generator, order[varying]), axis=2)
    reads = generator.reads[direct][:, order[varying]].any(axis=1)
    along, alike = generator.chosen(direct[reads]), generator.chosen(direct[~reads])
    back = np.argsort(np.append(np.flatnonzero(reads), np.flatnonzero(~reads)))

    def put_together(of_along: Propensities, of_alike: Propensities) -> Array:
        varies = jax.vmap(of_along, (0, None))(fibre[:, place], t)
        same = of_alike(ordered[place], t)
        same = jnp.broadcast_to(same, (len(levels), len(same)))
        return jnp.concatenate([varies, same], axis=1)[:, back]

    before = put_together(along.propensities_before, alike.propensities_before)
    after = put_together(along.propensities, alike.propensities)
    return before, jnp.where(inside, after, 0.0)


def is_in_box(
    states: Int[Array, "*some variables"],
    generator: Generator,
    order: Int[np.ndarray, " variables"],
) -> Bool[Array, "*some variables"]:
    """Whether each count lies between 0 and its cap."""
    return (states >= 0) & (states <= jnp.asarray(generator.caps)[order])
