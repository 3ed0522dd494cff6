"""The default ansatz: one small network for each conditional, nothing shared.

With weights of its own for every conditional, the scores of different positions are
uncorrelated under P (the later one has mean zero given its prefix), so the Fisher
matrix is exactly block-diagonal: one block a free position.
"""

import operator
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, Real

from crnlang.nn.base import SUMS, AbstractAutoregressive, Blocks, Numbers
from crnlang.nn.counts import FEATURES, Counts, build_counts, features_of
from crnlang.nn.inputs import Inputs, changes_of
from crnlang.nn.mask import StateMask
from crnlang.nn.neighbours import Evaluations, list_evaluations, list_singles
from crnlang.nn.output import AbstractOutput, smooth_functions

#: The weights of a network, in the order in which they stand in a row.
PARTS = operator.attrgetter("inward", "shift", "outward", "bias")


class Conditional(AbstractOutput):
    """The network of one free position: heights = outward tanh(inward x + shift)."""

    inward: Float[Numbers, "width features"]
    shift: Float[Numbers, " width"]
    outward: Float[Numbers, "basis width"]
    bias: Float[Numbers, " functions"]
    smooth: Float[Numbers, "levels functions"]

    def heights(
        self, x: Float[Numbers, "*states features"]
    ) -> Float[Array, "*states basis"]:
        """What the prefix adds to the first coefficients of `bias`."""
        return self._hidden(x) @ self.outward.T

    def inputs(
        self, x: Float[Numbers, "*states features"]
    ) -> Float[Numbers, "*states width"]:
        """What goes into the hidden units."""
        return x @ self.inward.T + self.shift

    def added(
        self,
        steps: Float[Array, "kinds singles"],
        place: Int[np.ndarray, " singles"],
    ) -> Float[Array, "singles width"]:
        """What steps of the features of single positions add to `inputs`."""
        inward = self.inward.reshape(len(self.shift), len(steps), -1)
        return jnp.einsum("ks,wks->sw", steps, inward[:, :, place])

    def logits_of(
        self, hidden: Float[Array, "rows width"]
    ) -> Float[Array, "rows levels"]:
        """The logits from the values of the hidden units, nothing masked."""
        basis = self.outward.shape[0]
        return hidden @ (self.smooth[:, :basis] @ self.outward).T + (
            self.smooth @ self.bias
        )

    def _hidden(
        self, x: Float[Numbers, "*states features"]
    ) -> Float[Array, "*states width"]:
        return jnp.tanh(self.inputs(x))

    def fisher(
        self,
        x: Float[Numbers, "rows features"],
        law: Float[Numbers, "rows levels"],
        shares: Float[Numbers, " rows"],
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
        lower = _summed_alike(whole, given)
        crossed = _summed(jnp.swapaxes(half[:, :basis], 1, 2), given, hidden)
        upper = _summed_alike(covariance[:, :basis], hidden)
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
        self, law: Float[Numbers, "rows levels"]
    ) -> tuple[
        Float[Numbers, "rows functions basis"], Float[Numbers, "rows functions"]
    ]:
        """Covariance of all of `smooth` with its first functions; the means of all."""
        functions, low = self.smooth.shape[1], self.smooth[:, : self.outward.shape[0]]
        mean = law @ self.smooth
        products = (self.smooth[:, :, None] * low[:, None]).reshape(len(low), -1)
        product = (law @ products).reshape(-1, functions, low.shape[1])
        return product - mean[:, :, None] * mean[:, None, : low.shape[1]], mean

    def weights(self) -> Float[Array, " weights"]:
        """All weights in a row."""
        return jnp.concatenate([w.ravel() for w in PARTS(self)])

    def with_weights(self, row: Float[Numbers, " weights"]) -> "Conditional":
        """The same network with other weights."""
        new, start = [], 0
        for w in PARTS(self):
            new.append(row[start : start + w.size].reshape(w.shape).astype(w.dtype))
            start += w.size
        return eqx.tree_at(PARTS, self, new)


class ConditionalNetworks(AbstractAutoregressive):
    """One small network a free position; see `Conditional`.

    `inputs` is what each sees of the free positions before it.
    """

    networks: tuple[Conditional, ...]
    counts: Counts
    mask: StateMask
    order: tuple[int, ...] = eqx.field(static=True)
    inputs: tuple[Inputs, ...] = eqx.field(static=True)

    def log_prob(self, counts: Int[Array, " variables"]) -> Float[Array, ""]:
        """log P of a state that lies in the state space."""
        ordered = counts[np.asarray(self.order)]
        total = jnp.zeros((), SUMS)
        for number, position in enumerate(self.mask.free):
            network = self.networks[number]
            heights = network.heights(self._seen(ordered, number))
            chosen = network.logit_at(heights, ordered[position])
            own = chosen - self._log_norm(number, ordered, heights)
            total += own.astype(SUMS)
        return total

    def log_ratios(
        self,
        counts: Int[Array, " variables"],
        changes: Int[np.ndarray, "channels variables"],
        inside: Bool[Array, " channels"],
    ) -> Float[Array, " channels"]:
        """log P(n + change) - log P(n); see the base class.

        A conditional is evaluated once for each distinct change of what it sees; those
        that see none cost nothing, and at the first changed position only the logit
        changes; see `Vicinity`.
        """
        total = jnp.zeros(inside.shape, SUMS)
        vicinity = Vicinity(self, counts, changes)
        for number, position in enumerate(self.mask.free):
            seen = vicinity.at(number, inside)
            here = seen.evaluations
            if len(here.channels):
                own, most = vicinity.ordered[position], seen.logits.shape[1] - 1
                level = jnp.clip(own + here.steps, 0, most)
                there = seen.logits[here.evaluation, level]
                change = there - seen.log_norm[here.evaluation]
                change -= seen.logits[0, own] - seen.log_norm[0]
                total = total.at[here.channels].add(change.astype(SUMS))
        return jnp.where(inside, total, 0.0)

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
        return tuple(network.weights().astype(SUMS)[None] for network in self.networks)

    def with_weight_blocks(self, blocks: Blocks) -> "ConditionalNetworks":
        """The same network with other weights."""
        networks = tuple(
            network.with_weights(block[0])
            for network, block in zip(self.networks, blocks, strict=True)
        )
        return eqx.tree_at(lambda m: m.networks, self, networks)

    def features(
        self, before: Real[Array, " before"], number: int
    ) -> Float[Array, " features"]:
        """What a free position sees of the counts (or means) at those before."""
        return features_of(*self.counts.sums(self.inputs[number], before)).ravel()

    def _seen(
        self, ordered: Int[Array, " variables"], number: int
    ) -> Float[Array, " features"]:
        return self.features(ordered[np.asarray(self.mask.free[:number], int)], number)

    def masked_logits(
        self, ordered: Int[Array, " variables"], position: int
    ) -> Float[Array, " levels"]:
        """The logits of the network at a free position."""
        number = self.mask.free.index(position)
        network = self.networks[number]
        logits = network.logits(network.heights(self._seen(ordered, number)))
        return self.mask.shut(logits, ordered, position)

    def _log_norm(
        self,
        number: int,
        ordered: Int[Array, " variables"],
        heights: Float[Array, " basis"],
    ) -> Float[Array, ""]:
        """log of the sum of exp(logit) over the copy numbers that are open."""
        logits = self.networks[number].logits(heights)
        position = self.mask.free[number]
        return jax.nn.logsumexp(self.mask.shut(logits, ordered, position))


@dataclass(frozen=True, eq=False)
class Seen:
    """One conditional at the prefix of a state and at those of its neighbours.

    `masked` are the logits with -inf where a copy number is not open.
    """

    evaluations: Evaluations
    logits: Float[Array, "evaluations levels"]
    masked: Float[Array, "evaluations levels"]
    log_norm: Float[Array, " evaluations"]


class Vicinity:
    """A state n and its neighbours n + change, as the conditionals see them.

    A conditional is evaluated once for each distinct change of what it sees. Its first
    layer is not evaluated anew: what changes of single inputs add is added up.
    """

    def __init__(
        self,
        model: ConditionalNetworks,
        counts: Int[Array, " variables"],
        changes: Int[np.ndarray, "channels variables"],
    ) -> None:
        self.model = model
        self.ordered = counts[np.asarray(model.order)]
        self.moves = changes[:, list(model.order)]
        self.before = self.ordered[np.asarray(model.mask.free)]

    def at(
        self,
        number: int,
        is_wanted: Bool[Array, " channels"],
        others: Bool[np.ndarray, " channels"] | None = None,
    ) -> Seen:
        """The conditional of a free position.

        What is said of neighbours that are not wanted holds for the state itself.
        `others` are channels that are listed although the position feels nothing of
        them, if they change something before it.
        """
        network, mask = self.model.networks[number], self.model.mask
        position, inputs = mask.free[number], self.model.inputs[number]
        seen = changes_of(inputs, self.moves[:, list(mask.free)])
        singles = list_singles(seen)
        here = list_evaluations(
            self.moves,
            position,
            seen,
            singles,
            is_bound=mask.binds(position),
            others=np.zeros(len(seen), bool) if others is None else others,
        )
        sums, scale = self.model.counts.sums(inputs, self.before)
        features, place = features_of(sums, scale), singles.place
        after = features_of(jnp.maximum(sums[place] + singles.step, 0), scale[place])
        added = network.added(after - features[:, place], place)
        start = jnp.asarray(network.inputs(features.ravel()))
        added = jnp.concatenate([added, jnp.zeros_like(start)[None]])
        columns = here.parts.T
        shifts = added[columns[0]]
        for column in columns[1:]:
            shifts += added[column]
        is_needed = jnp.any(here.users & is_wanted, axis=1)[:, None]
        logits = network.logits_of(jnp.tanh(start + jnp.where(is_needed, shifts, 0.0)))
        masked = logits
        if mask.binds(position):
            states = self.ordered + jnp.where(is_needed, here.shifts, 0)
            masked = jax.vmap(mask.shut, (0, 0, None))(logits, states, position)
        return Seen(here, logits, masked, jax.nn.logsumexp(masked, axis=1))


def _summed(
    between: Float[Numbers, "rows some others"],
    left: Float[Numbers, "rows lefts"],
    right: Float[Numbers, "rows rights"],
) -> Float[Array, "some_lefts others_rights"]:
    """sum_r between_r (x) left_r right_r^T."""
    pairs = (left[:, :, None] * right[:, None, :]).reshape(len(left), -1)
    found = jnp.matmul(between.reshape(len(between), -1).T, pairs)
    shape = *between.shape[1:], left.shape[1], right.shape[1]
    some, others, lefts, rights = shape
    found = found.reshape(shape).transpose(0, 2, 1, 3)
    return found.reshape(some * lefts, others * rights)


def _summed_alike(
    between: Float[Numbers, "rows some some"], given: Float[Numbers, "rows lefts"]
) -> Float[Array, "some_lefts some_lefts"]:
    """sum_r between_r (x) given_r given_r^T by a quarter of the products.

    As between_r is symmetric, what belongs to (a, i) and (b, j) is that of (b, i) and
    (a, j): only pairs in order are summed.
    """
    some, lefts = between.shape[1], given.shape[1]
    first, second = np.triu_indices(some)
    left, right = np.triu_indices(lefts)
    pairs = given[:, left] * given[:, right]
    found = jnp.matmul(between[:, first, second].T, pairs)
    found = found[_pair_numbers(some)][:, :, _pair_numbers(lefts)]
    return found.transpose(0, 2, 1, 3).reshape(some * lefts, some * lefts)


def _pair_numbers(size: int) -> Int[np.ndarray, "size size"]:
    """The place of each pair, in either order, among those of `numpy.triu_indices`."""
    numbers = np.zeros((size, size), int)
    upper = np.triu_indices(size)
    numbers[upper] = numbers.T[upper] = np.arange(len(upper[0]))
    return numbers


def build_conditional(
    mask: StateMask,
    order: Int[np.ndarray, " variables"],
    inputs: tuple[Inputs, ...],
    *,
    width: int,
    basis: int,
    key: PRNGKeyArray,
) -> ConditionalNetworks:
    """A network whose law is uniform where nothing is masked.

    `inputs`: what each conditional sees; `width` and `basis`: its hidden units and its
    smooth output functions.
    """
    caps = np.asarray(mask.caps)[list(mask.free)]
    size = width, FEATURES * max(len(caps) - 1, 0) + 1
    normal = np.asarray(jax.random.normal(key, (len(caps), *size)))
    return ConditionalNetworks(
        networks=tuple(
            _build_network(int(cap), len(inputs[number]), basis, normal[number])
            for number, cap in enumerate(caps)
        ),
        counts=build_counts(caps),
        mask=mask,
        order=tuple(int(variable) for variable in order),
        inputs=inputs,
    )


def _build_network(
    cap: int, inputs: int, basis: int, normal: Float[np.ndarray, "width numbers"]
) -> Conditional:
    """The network of a position that sees so many inputs."""
    smooth = smooth_functions(cap, basis)
    features = FEATURES * inputs
    return Conditional(
        inward=normal[:, :features] / np.sqrt(max(features, 1)),
        shift=0.5 * normal[:, -1],
        outward=np.zeros((min(basis, smooth.shape[1]), len(normal))),
        bias=np.zeros(smooth.shape[1]),
        smooth=smooth,
    )
