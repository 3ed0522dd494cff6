"""The default ansatz: one small network for each conditional, nothing shared.

With weights of its own for every conditional, the scores of different positions are
uncorrelated under P (the later one has mean zero given its prefix), so the Fisher
matrix is exactly block-diagonal: one block a free position.
"""

import operator

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from crnlang.nn.base import AbstractAutoregressive, Blocks
from crnlang.nn.counts import FEATURES, Counts, build_counts
from crnlang.nn.mask import StateMask
from crnlang.nn.neighbours import Evaluations, list_evaluations
from crnlang.nn.output import AbstractOutput, smooth_functions

#: Prefixes looked at together where a Fisher matrix is summed.
ROWS = 1024

#: The weights of a network, in the order in which they stand in a row.
_PARTS = operator.attrgetter("inward", "shift", "outward", "bias")


class Conditional(AbstractOutput):
    """The network of one free position: heights = outward tanh(inward x + shift)."""

    inward: Float[Array, "width features"]
    shift: Float[Array, " width"]
    outward: Float[Array, "basis width"]
    bias: Float[Array, " functions"]
    smooth: Float[Array, "levels functions"]

    def heights(
        self, x: Float[Array, "*states features"]
    ) -> Float[Array, "*states basis"]:
        """What the prefix adds to the first coefficients of `bias`."""
        return self._hidden(x) @ self.outward.T

    def _hidden(
        self, x: Float[Array, "*states features"]
    ) -> Float[Array, "*states width"]:
        return jnp.tanh(x @ self.inward.T + self.shift)

    def fisher(
        self,
        x: Float[Array, "rows features"],
        law: Float[Array, "rows levels"],
        shares: Float[Array, " rows"],
    ) -> Float[Array, "weights weights"]:
        """sum_r shares_r E[O O^T] with the copy number distributed as `law[r]`.

        The score of the coefficients of `smooth` is smooth[m] - E[smooth]; all others
        follow from its first `basis` entries, so only their covariance is needed. A
        weight on the way from one number to another moves the coefficients by that
        number times a slope, so what is summed over the rows factorises.
        """
        covariance, mean = self._covariances(law)
        covariance *= shares[:, None, None]
        basis, (rows, width) = len(self.outward), (len(x), len(self.shift))
        hidden, one = self._hidden(x), jnp.ones((rows, 1), x.dtype)
        given = jnp.concatenate([x, one], axis=1)
        slope = self.outward * (1 - hidden**2)[:, None, :]
        half = covariance @ slope
        whole = jnp.swapaxes(slope, 1, 2) @ half[:, :basis]
        lower = _summed(whole, given, given)
        crossed = _summed(jnp.swapaxes(half[:, :basis], 1, 2), given, hidden)
        upper = _summed(covariance[:, :basis], hidden, hidden)
        side = _summed(half, one, given), _summed(covariance, one, hidden)
        bias = self.smooth.T @ ((shares @ law)[:, None] * self.smooth)
        bias -= mean.T @ (shares[:, None] * mean)
        found = jnp.block(
            [
                [lower, crossed, side[0].T],
                [crossed.T, upper, side[1].T],
                [side[0], side[1], bias],
            ]
        )
        # above, the shift of a hidden unit stands beside its inward weights
        place = np.arange(len(found))
        units = place[: len(lower)].reshape(width, -1)
        place[: len(lower)] = np.append(units[:, :-1], units[:, -1])
        return found[place][:, place]

    def _covariances(
        self, law: Float[Array, "rows levels"]
    ) -> tuple[Float[Array, "rows functions basis"], Float[Array, "rows functions"]]:
        """Covariance of all of `smooth` with its first functions; the means of all."""
        functions, low = self.smooth.shape[1], self.smooth[:, : self.outward.shape[0]]
        mean = law @ self.smooth
        products = (self.smooth[:, :, None] * low[:, None]).reshape(len(low), -1)
        product = (law @ products).reshape(-1, functions, low.shape[1])
        return product - mean[:, :, None] * mean[:, None, : low.shape[1]], mean

    def weights(self) -> Float[Array, " weights"]:
        """All weights in a row."""
        return jnp.concatenate([w.ravel() for w in _PARTS(self)])

    def with_weights(self, row: Float[Array, " weights"]) -> "Conditional":
        """The same network with other weights."""
        parts = _PARTS(self)
        ends = np.cumsum([w.size for w in parts])
        new = [
            cut.reshape(w.shape)
            for cut, w in zip(jnp.split(row, ends[:-1]), parts, strict=True)
        ]
        return eqx.tree_at(_PARTS, self, new)


class ConditionalNetworks(AbstractAutoregressive):
    """One small network a free position; see `Conditional`."""

    networks: tuple[Conditional, ...]
    counts: Counts
    mask: StateMask
    order: tuple[int, ...] = eqx.field(static=True)

    def log_prob(self, counts: Int[Array, " variables"]) -> Float[Array, ""]:
        """log P of a state that lies in the state space."""
        ordered = counts[np.asarray(self.order)]
        total = jnp.zeros((), self.counts.scale.dtype)
        for number, position in enumerate(self.mask.free):
            network = self.networks[number]
            heights = network.heights(self._features(ordered, number))
            chosen = network.logit_at(heights, ordered[position])
            total += chosen - self._log_norm(number, ordered, heights)
        return total

    def log_ratios(
        self,
        counts: Int[Array, " variables"],
        changes: Int[np.ndarray, "channels variables"],
        inside: Bool[Array, " channels"],
    ) -> Float[Array, " channels"]:
        """log P(n + change) - log P(n); see the base class.

        A conditional is evaluated once for each distinct change of its prefix; the
        conditionals before the first changed position cost nothing, and at that
        position only the logit changes.
        """
        ordered = counts[np.asarray(self.order)]
        total = jnp.zeros(inside.shape, self.counts.scale.dtype)
        moves = changes[:, list(self.order)]
        for number, position in enumerate(self.mask.free):
            here = list_evaluations(moves, position)
            if len(here.channels):
                change = self._log_changes(number, position, ordered, here, inside)
                total += change @ here.placement.astype(change.dtype)
        return jnp.where(inside, total, 0.0)

    def _log_changes(
        self,
        number: int,
        position: int,
        ordered: Int[Array, " variables"],
        here: Evaluations,
        inside: Bool[Array, " channels"],
    ) -> Float[Array, " here"]:
        """What one conditional adds to the log ratios of the channels it feels."""
        network = self.networks[number]
        is_needed = jnp.any(here.users & inside, axis=1)
        states = ordered + jnp.where(is_needed[:, None], here.shifts, 0)
        x = jax.vmap(self._features, (0, None))(states, number)
        heights = network.heights(x)
        log_norm = jax.vmap(self._log_norm, (None, 0, 0))(number, states, heights)
        level = jnp.clip(ordered[position] + here.steps, 0, network.smooth.shape[0] - 1)
        there = network.logit_at(heights[here.evaluation], level)
        base = network.logit_at(heights[0], ordered[position])
        return there - log_norm[here.evaluation] - (base - log_norm[0])

    def with_product_law(
        self, laws: tuple[Float[np.ndarray, " _levels"], ...]
    ) -> "ConditionalNetworks":
        """The product of `laws`, exactly, down to the floor."""
        networks = []
        for network, position in zip(self.networks, self.mask.free, strict=True):
            bias = network.bias_of(laws[self.order[position]])
            flat = jnp.zeros_like(network.outward), bias
            networks.append(eqx.tree_at(lambda c: (c.outward, c.bias), network, flat))
        return eqx.tree_at(lambda m: m.networks, self, tuple(networks))

    def weight_blocks(self) -> Blocks:
        """One block a free position."""
        return tuple(network.weights()[None] for network in self.networks)

    def with_weight_blocks(self, blocks: Blocks) -> "ConditionalNetworks":
        """The same network with other weights."""
        networks = tuple(
            network.with_weights(block[0])
            for network, block in zip(self.networks, blocks, strict=True)
        )
        return eqx.tree_at(lambda m: m.networks, self, networks)

    @property
    def block_positions(self) -> tuple[int, ...]:
        """The position whose conditional each block of weights belongs to."""
        return self.mask.free

    def block_fisher(
        self,
        block: int,
        prefixes: Int[Array, "rows variables"],
        shares: Float[Array, " rows"],
    ) -> Float[Array, "weights weights"]:
        """sum_r shares_r E[O O^T | prefix r] over the weights O of one block.

        Prefixes are counts along the order, beyond `ROWS` of them a multiple; the
        expectation over the copy number at the block's position is exact.
        """

        def part(rows: Int[Array, "some variables"], w: Float[Array, " some"]) -> Array:
            x = jax.vmap(self._features, (0, None))(rows, block)
            position = self.mask.free[block]
            logits = jax.vmap(self.masked_logits, (0, None))(rows, position)
            return self.networks[block].fisher(x, jax.nn.softmax(logits), w)

        if len(prefixes) <= ROWS:
            return part(prefixes, shares)
        pieces = (
            prefixes.reshape(-1, ROWS, prefixes.shape[1]),
            shares.reshape(-1, ROWS),
        )
        size = self.networks[block].weights().shape[0]
        start = jnp.zeros((size, size), shares.dtype)
        return jax.lax.scan(lambda s, p: (s + part(*p), None), start, pieces)[0]

    def _features(
        self, ordered: Int[Array, " variables"], number: int
    ) -> Float[Array, " features"]:
        """Features of the free positions before one."""
        before = np.asarray(self.mask.free[:number], int)
        return self.counts(ordered[before]).ravel()

    def masked_logits(
        self, ordered: Int[Array, " variables"], position: int
    ) -> Float[Array, " levels"]:
        """The logits of the network at a free position."""
        number = self.mask.free.index(position)
        network = self.networks[number]
        logits = network.logits(network.heights(self._features(ordered, number)))
        allowed = self.mask.allowed(ordered, position)[: len(logits)]
        return jnp.where(allowed, logits, -jnp.inf)

    def _log_norm(
        self,
        number: int,
        ordered: Int[Array, " variables"],
        heights: Float[Array, " basis"],
    ) -> Float[Array, ""]:
        """log of the sum of exp(logit) over the copy numbers that are open."""
        logits = self.networks[number].logits(heights)
        allowed = self.mask.allowed(ordered, self.mask.free[number])[: len(logits)]
        return jax.nn.logsumexp(jnp.where(allowed, logits, -jnp.inf))


def _summed(
    between: Float[Array, "rows some others"],
    left: Float[Array, "rows lefts"],
    right: Float[Array, "rows rights"],
) -> Float[Array, "some_lefts others_rights"]:
    """sum_r between_r (x) left_r right_r^T."""
    pairs = (left[:, :, None] * right[:, None, :]).reshape(len(left), -1)
    found = between.reshape(len(between), -1).T @ pairs
    shape = *between.shape[1:], left.shape[1], right.shape[1]
    some, others, lefts, rights = shape
    found = found.reshape(shape).transpose(0, 2, 1, 3)
    return found.reshape(some * lefts, others * rights)


def build_conditional(
    mask: StateMask,
    order: Int[np.ndarray, " variables"],
    *,
    width: int,
    basis: int,
    key: PRNGKeyArray,
) -> ConditionalNetworks:
    """A network whose law is uniform where nothing is masked.

    `width` and `basis`: hidden units and smooth output functions of each conditional.
    """
    caps = np.asarray(mask.caps)[list(mask.free)]
    return ConditionalNetworks(
        networks=tuple(
            _build_network(
                int(cap), number, width, basis, jax.random.fold_in(key, number)
            )
            for number, cap in enumerate(caps)
        ),
        counts=build_counts(caps),
        mask=mask,
        order=tuple(int(variable) for variable in order),
    )


def _build_network(
    cap: int, earlier: int, width: int, basis: int, key: PRNGKeyArray
) -> Conditional:
    """The network of a position with `earlier` free positions before it."""
    smooth = smooth_functions(cap, basis)
    features = FEATURES * earlier
    key_in, key_shift = jax.random.split(key)
    inward = jax.random.normal(key_in, (width, features)) / np.sqrt(max(features, 1))
    return Conditional(
        inward=inward,
        shift=0.5 * jax.random.normal(key_shift, (width,)),
        outward=jnp.zeros((min(basis, smooth.shape[1]), width)),
        bias=jnp.zeros(smooth.shape[1]),
        smooth=jnp.asarray(smooth),
    )
