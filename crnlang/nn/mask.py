"""Which copy numbers a prefix leaves open: caps and conservation laws, exactly.

A law sum_v c_v n_v = T is met by following its remainder R = T - sum_{earlier} c_v n_v
along the autoregressive order. Laws that share variables are followed together, as
one vector of remainders; `reach[p, R]` says whether the variables from position p on
can still bring R to zero. So no prefix is ever a dead end, and the last variable of a
law needs no network at all.
"""

import math

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

#: Largest table of remainders (entries a position) that one group of laws may need.
MAX_TABLE = 1 << 22


class LawGroup(eqx.Module):
    """Laws tied together by shared variables.

    `rows` are their coefficients along the order, `start` their totals above the least
    remainders. `reach[p]` says, of the joint remainders in one index, what positions
    `p..` can still meet; an axis of `sizes` has steps of `strides` there.
    """

    rows: Int[Array, "laws variables"]
    start: Int[Array, " laws"]
    reach: Bool[Array, "positions remainders"]
    sizes: tuple[int, ...] = eqx.field(static=True)
    strides: tuple[int, ...] = eqx.field(static=True)
    positions: tuple[int, ...] = eqx.field(static=True)


class StateMask(eqx.Module):
    """The state space along the order: caps, laws, and which positions are free."""

    caps: Int[Array, " variables"]
    groups: tuple[LawGroup, ...]
    law_rows: Int[Array, "laws variables"]
    totals: Int[Array, " laws"]
    #: Positions with a choice, in order; the others follow from a law.
    free: tuple[int, ...] = eqx.field(static=True)
    #: (position, law) of every position that a law determines.
    determined: tuple[tuple[int, int], ...] = eqx.field(static=True)
    levels: int = eqx.field(static=True)

    def allowed(
        self,
        ordered: Int[Array, " variables"],
        position: int | Int[Array, ""],
        levels: int | None = None,
    ) -> Bool[Array, " levels"]:
        """Whether copy number m is open at a position, given the counts before it.

        The first `levels` copy numbers; as many as any position has by default.
        """
        level = jnp.arange(self.levels if levels is None else levels)
        is_open = level <= self.caps[position]
        before = jnp.where(jnp.arange(len(ordered)) < position, ordered, 0)
        for group in self.groups:
            if isinstance(position, int) and position not in group.positions:
                continue
            rest = group.start - before @ group.rows.T
            rest = rest - level[:, None] * group.rows[:, position]
            sizes = jnp.asarray(group.sizes)
            is_open &= jnp.all((rest >= 0) & (rest < sizes), axis=1)
            index = jnp.clip(rest, 0, sizes - 1) @ jnp.asarray(group.strides)
            is_open &= group.reach[position + 1][index]
        return is_open

    def shut(
        self,
        logits: Float[Array, " some"],
        ordered: Int[Array, " variables"],
        position: int,
    ) -> Float[Array, " some"]:
        """The logits of copy numbers at a position, -inf where they are not open."""
        allowed = self.allowed(ordered, position, len(logits))
        return jnp.where(allowed, logits, -jnp.inf)

    def binds(self, position: int) -> bool:
        """Whether a conservation law may shut copy numbers at a position."""
        return any(position in group.positions for group in self.groups)

    def closing_value(
        self, ordered: Int[Array, " variables"], position: int, law: int
    ) -> Int[Array, ""]:
        """The copy number at a determined position, from the counts before it."""
        row = self.law_rows[law]
        rest = self.totals[law] - row[:position] @ ordered[:position]
        return rest // row[position]

    def close(
        self, ordered: Int[Array, " variables"], positions: tuple[int, ...]
    ) -> Int[Array, " variables"]:
        """The state with the counts at some determined positions set anew."""
        for position, law in self.determined:
            if position in positions:
                value = self.closing_value(ordered, position, law)
                ordered = ordered.at[position].set(value)
        return ordered


def build_mask(
    caps: Int[np.ndarray, " variables"],
    laws: Int[np.ndarray, "laws variables"],
    totals: Int[np.ndarray, " laws"],
) -> StateMask:
    """The mask of a state space whose variables are listed in autoregressive order.

    Raises:
        ValueError: a group of laws needs a table of more than `MAX_TABLE` remainders.
    """
    last = {int(np.flatnonzero(row)[-1]): i for i, row in enumerate(laws)}
    return StateMask(
        caps=jnp.asarray(caps),
        groups=tuple(_build_group(caps, laws[g], totals[g]) for g in _groups_of(laws)),
        law_rows=jnp.asarray(laws),
        totals=jnp.asarray(totals),
        free=tuple(p for p in range(len(caps)) if p not in last),
        determined=tuple(sorted(last.items())),
        levels=int(caps.max()) + 1,
    )


def _groups_of(laws: Int[np.ndarray, "laws variables"]) -> list[list[int]]:
    """Laws connected by shared variables, as lists of law numbers."""
    groups: list[tuple[set[int], list[int]]] = []
    for number, row in enumerate(laws):
        support = set(np.flatnonzero(row).tolist())
        members = [number]
        apart = []
        for other, numbers in groups:
            if other & support:
                support |= other
                members = numbers + members
            else:
                apart.append((other, numbers))
        groups = [*apart, (support, members)]
    return [numbers for _, numbers in groups]


def _range_of_remainders(
    caps: Int[np.ndarray, " variables"],
    laws: Int[np.ndarray, "group variables"],
    totals: Int[np.ndarray, " group"],
) -> tuple[Int[np.ndarray, " group"], Int[np.ndarray, " group"]]:
    """The least and largest remainders from which the rest can still reach zero."""
    least, most = np.minimum(laws, 0) * caps, np.maximum(laws, 0) * caps
    nothing = np.zeros((len(laws), 1), dtype=np.int64)
    taken_least = np.hstack([nothing, np.cumsum(least, axis=1)])
    taken_most = np.hstack([nothing, np.cumsum(most, axis=1)])
    # what the positions from p on can take
    left_least = taken_least[:, -1:] - taken_least
    left_most = taken_most[:, -1:] - taken_most
    low = np.maximum(totals[:, None] - taken_most, left_least)
    high = np.minimum(totals[:, None] - taken_least, left_most)
    lowest = np.minimum(low.min(axis=1), np.minimum(totals, 0))
    return lowest, np.maximum(high.max(axis=1), np.maximum(totals, 0))


def _build_group(
    caps: Int[np.ndarray, " variables"],
    laws: Int[np.ndarray, "group variables"],
    totals: Int[np.ndarray, " group"],
) -> LawGroup:
    """Flatten the remainders of some laws and mark, backwards, what can be met."""
    lowest, highest = _range_of_remainders(caps, laws, totals)
    sizes: list[int] = (highest - lowest + 1).tolist()
    size = math.prod(sizes)
    if size > MAX_TABLE:
        raise ValueError(
            f"conservation laws with {size:.3g} joint remainders are too many to mask"
        )
    variables = len(caps)
    reach = np.zeros((variables + 1, *sizes), dtype=bool)
    reach[(variables, *-lowest)] = True
    for position in range(variables - 1, -1, -1):
        table, law = reach[position + 1].copy(), laws[:, position]
        # 0 to `taken - 1` copies are taken into account; that many more double them
        taken, most = 1, int(caps[position]) + 1 if law.any() else 1
        while taken < most:
            more = min(taken, most - taken)
            table |= _moved(table, (law * more).tolist())
            taken += more
        reach[position] = table
    return LawGroup(
        rows=jnp.asarray(laws),
        start=jnp.asarray(totals - lowest),
        reach=jnp.asarray(reach.reshape(variables + 1, -1)),
        sizes=tuple(sizes),
        strides=tuple(math.prod(sizes[i + 1 :]) for i in range(len(sizes))),
        positions=tuple(int(p) for p in np.flatnonzero(np.any(laws, axis=0))),
    )


def _moved(
    table: Bool[np.ndarray, "*remainders"], steps: list[int]
) -> Bool[np.ndarray, "*remainders"]:
    """The table with all entries moved along its axes; what leaves it is lost."""
    found = np.zeros_like(table)
    pairs = list(zip(steps, table.shape, strict=True))
    source = tuple(_kept(-step, size) for step, size in pairs)
    found[tuple(_kept(step, size) for step, size in pairs)] = table[source]
    return found


def _kept(shift: int, size: int) -> slice:
    """Where the entries of an axis arrive that stay on it when all move up."""
    return slice(min(max(shift, 0), size), max(size + min(shift, 0), 0))
