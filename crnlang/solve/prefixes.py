"""Prefixes that the conditionals are looked at, and how the conditionals move there.

The prefixes are those of states drawn from the network. Rarer ones stand beside them
where a proposal is given: their first counts are drawn from it (`solve.proposal`), and
what comes after from the network, so that what later counts do is not mistaken.
"""

from dataclasses import dataclass, replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, UInt

from crnlang.nn.base import SUMS, at_quantile
from crnlang.nn.conditional import ConditionalNetworks
from crnlang.settings import TdvpSettings
from crnlang.solve.batch import quantiles, sobol_points
from crnlang.solve.conditional_rates import ConditionalRates, conditional_rates
from crnlang.solve.late import late_flow
from crnlang.solve.late_channels import LateChannels, late_channels, own_steps
from crnlang.solve.mesh import readable
from crnlang.solve.outlook import later_means, look
from crnlang.solve.own_motion import OwnMotion
from crnlang.solve.pieces import over_batch, piece_size
from crnlang.solve.problem import Generator
from crnlang.solve.proposal import Change, Drawn, change_of, draw
from crnlang.solve.race import NEVER, race
from crnlang.solve.rare_boxes import RAREST, RareBoxes, rare_boxes
from crnlang.solve.tables import Rows, list_rows

#: What the rarer states weigh together, those drawn from P weighing 1.
TILT = 0.3
#: More of the batch than this are in a box that is not rare.
COMMON = 0.1
#: States inside a box from which one is chosen, drawn from a power of P: the first
#: counts of those that hold most of a rare box may be unlikely.
CANDIDATES, FLATTER = 16, 0.4
#: A law on rows and copy numbers, or how it moves, at every free position.
Tables = list[Float[np.ndarray, "_rows _levels"]]


@dataclass(frozen=True, eq=False)
class Prefixes:
    """States, and their prefixes at every free position, with weights there.

    The weights of states drawn from P add up to 1. Rarer states count where all that
    comes after the prefix is drawn from P, and are 0 elsewhere. `variances` are those
    of a sum over the batch of independent numbers of variance 1. `rare` are the boxes
    that few states are in, at every free position.
    """

    states: Int[np.ndarray, "states variables"]
    weights: Float[np.ndarray, "free states"]
    variances: Float[np.ndarray, " states"]
    rows: tuple[Rows, ...]
    rare: list[RareBoxes] | None = None

    @property
    def effective_size(self) -> float:
        """How many independent draws would be as exact; infinite where all is there."""
        noise = float(self.variances.sum())
        return 1 / noise if noise > 0 else np.inf


@dataclass(frozen=True, eq=False)
class Motion:
    """P(m | r) of every row times its mass, how it moves, and the part that is sampled.

    One array a free position. `own` is what moves a count by itself, of
    the model that was drawn from alone; `noise` is the standard
    deviation of sums over the batch of what is sampled. `behind[s, p]` is log P of the
    counts of state s from position p on, given those before.
    """

    law: Tables
    rates: Tables
    sampled: Tables
    own: list[OwnMotion]
    behind: Float[np.ndarray, "states free"]
    noise: float


class Drawer:
    """Draws prefixes again and again under changing models with the same programs."""

    def __init__(
        self,
        generator: Generator,
        settings: TdvpSettings,
        boxes: Bool[np.ndarray, "boxes variables levels"] | None = None,
    ) -> None:
        self.generator = generator
        self.boxes = boxes
        self.samples = settings.samples
        self.tilted = 0
        if settings.proposal != "model":
            self.tilted = round(settings.proposal_share * settings.samples)
        self.change = change_of(settings.proposal, settings.alpha, settings.window)
        self.points = None
        if settings.sampling == "sobol":
            variables = generator.net_changes.shape[1]
            self.points = sobol_points(settings.samples, variables, settings.seed)

    def draw(self, model: ConditionalNetworks, key: PRNGKeyArray) -> Prefixes:
        """States and their prefixes."""
        found = _draw(model, key, self.points, self.samples)
        states, weights, missed = (np.asarray(part) for part in found)
        order = np.argsort(-weights, kind="stable")
        states, weights, missed = states[order], weights[order], missed[order]
        variances = weights**2 * missed
        free = np.asarray(model.mask.free)
        weights = np.tile(weights, (len(free), 1))
        rare = None
        if self.tilted and len(free) > 1:
            rare = self._rare_boxes(states)
            more, extra = self._draw_rarer(model, jax.random.fold_in(key, 1), rare)
            states = np.concatenate([states, more])
            weights = np.concatenate([weights, extra], axis=1)
            variances = np.append(variances, extra.max(axis=0) ** 2)
        ordered = states[:, list(model.order)]
        rows = tuple(
            list_rows(model, place, ordered, own) for place, own in enumerate(weights)
        )
        if rare is None:
            return Prefixes(states, weights, variances, rows)
        boxes = rare[:, list(model.order)]
        inside = rare_boxes(boxes, ordered, model.mask.free, rows)
        return Prefixes(states, weights, variances, rows, inside)

    def _rare_boxes(
        self, states: Int[np.ndarray, "states variables"]
    ) -> Bool[np.ndarray, "rare variables levels"] | None:
        """The boxes that few states are in."""
        if self.boxes is None:
            return None
        variables = np.arange(states.shape[1])
        share = self.boxes[:, variables, states].all(axis=2).mean(axis=1)
        return self.boxes[share < COMMON]

    def _draw_rarer(
        self,
        model: ConditionalNetworks,
        key: PRNGKeyArray,
        rare: Bool[np.ndarray, "rare variables levels"] | None,
    ) -> tuple[Int[np.ndarray, "tilted variables"], Float[np.ndarray, "free tilted"]]:
        """States that begin with rare counts, and their weights at every position.

        The first counts are from the proposal, up to any free position; so after that
        one what comes is drawn from P. Every rare box, and one that holds all, has its
        share of the states, half of which are drawn as if all counts were to be inside.
        """
        free, size = np.asarray(model.mask.free), self.tilted
        one, other = jax.random.split(key)
        first = jnp.asarray(free)[jax.random.randint(one, (size,), 1, len(free))]
        tries = 1 if rare is None else 1 + CANDIDATES
        shape = (size, tries, len(model.order))
        drawn = jax.random.uniform(other, shape, SUMS)
        uniforms, inside, powers = drawn[:, 0], None, np.ones(size)
        if rare is not None:
            boxes = np.concatenate([rare, np.ones((1, *rare.shape[1:]), bool)])
            turn, box = np.divmod(np.arange(size), len(boxes))
            inside = jnp.asarray(boxes[box])
            excludes = ~np.all(boxes, axis=(1, 2))
            ends = np.flatnonzero((turn % 2 == 0) & excludes[box])
            if len(ends):
                begun = _ending_inside(model, drawn[ends], self.change, inside[ends])
                begins = np.arange(len(model.order)) < first[ends, None]
                begun = jnp.where(begins, begun, uniforms[ends])
                uniforms = uniforms.at[ends].set(begun)
                powers[ends] = FLATTER
        given = uniforms, first, inside, jnp.asarray(powers, SUMS)
        found = _draw_tilted(model, given, self.change)
        states, shares = (np.asarray(part) for part in found)
        is_used = (np.asarray(first) <= free[:, None]) & (shares > RAREST)
        return states, np.where(is_used, TILT / size, 0.0)

    def motion(
        self,
        model: ConditionalNetworks,
        prefixes: Prefixes,
        t: float,
        drawn: Motion | None = None,
    ) -> Motion:
        """How every conditional moves at time t.

        `drawn`: the motion of the model that the prefixes were drawn from, if that is
        another one; what stands for all that may follow a prefix is weighed anew.
        """
        found, lates, means = rates_of(model, self.generator, prefixes.states, t)
        ordered = prefixes.states[:, list(model.order)]
        states = np.arange(len(ordered))
        counts = [ordered[:, position] for position in model.mask.free]
        laws = [np.asarray(here.law, float) for here in found]
        here = np.reshape(
            [law[states, count] for law, count in zip(laws, counts, strict=True)],
            (len(laws), len(states)),
        )
        # a state that weighs nothing may have no probability at all
        weighs = (prefixes.weights > 0).any(axis=0)
        logs = np.log(np.where(weighs, here, 1.0))
        behind = np.cumsum(logs[::-1], axis=0)[::-1].T
        anew = np.exp(behind - drawn.behind) if drawn else np.ones_like(behind)
        motion = Motion([], [], [], [], behind, 0.0)
        noise = 0.0
        weights = np.where(prefixes.weights > 0, prefixes.weights * anew.T, 0.0)
        # the propensity after any counts so far matters, likely or not
        places = range(len(laws))
        onward = [weights[min(place + 1, len(laws) - 1)] for place in places]
        outlooks = look(model, prefixes.states, laws, lates, onward, means)
        for place, rows in enumerate(prefixes.rows):
            here = jax.tree.map(lambda part: np.asarray(part, float), found[place])
            share = prefixes.weights[place][:, None]
            after = np.where(share[:, 0] > 0, anew[:, place], 0.0)
            late = lates[place]
            steps = own_steps(model, self.generator, place, late)
            outlook = outlooks[place]
            flow = late_flow(here, late, steps, outlook)
            motion.law.append(rows.gather(share * laws[place]))
            motion.rates.append(rows.gather(share * (here.rates + flow.rates)))
            extra = here.sampled * after
            delta = -extra[:, None] * laws[place]
            delta[states, counts[place]] += extra
            delta += after[:, None] * flow.sampled
            motion.sampled.append(rows.gather(share * delta))
            size = extra**2 + after**2 * flow.size
            own = prefixes.variances * (share[:, 0] > 0)
            noise = max(noise, float(np.sqrt(own @ size)))
            if drawn is None:
                own = here.own + flow.own
                motion.own.append(_own_motion(rows, own[rows.first], steps))
        return replace(motion, noise=noise)


def _own_motion(
    rows: Rows,
    own: Float[np.ndarray, "distinct steps _levels"],
    steps: Int[np.ndarray, " steps"],
) -> OwnMotion:
    """T on all rows and copy numbers, from the rates of each step of a count."""
    rates = np.zeros((len(steps), *rows.is_open.shape))
    rates[:, : len(own), : own.shape[2]] = np.moveaxis(own, 1, 0)
    return OwnMotion(steps, rates, np.zeros(len(rows.mass)))


@eqx.filter_jit
def _ending_inside(
    model: ConditionalNetworks,
    uniforms: Float[Array, "states tries variables"],
    change: Change,
    inside: Bool[Array, "states variables levels"],
) -> Float[Array, "states variables"]:
    """The numbers that draw states about as P given that all their counts are inside.

    Of every state all tries but the first draw such counts one after the other; one of
    them is chosen by P over its chance of being drawn, with a number of the first.
    """

    def one(
        uniforms: Float[Array, "tries variables"],
        inside: Bool[Array, "variables levels"],
    ) -> Float[Array, " variables"]:
        every, tried = len(model.order), uniforms[1:]
        found = jax.vmap(
            lambda u: draw(model, u, change, every, inside, power=FLATTER)
        )(tried)
        shares = jax.nn.softmax(found.log_p - found.log_q)
        return tried[at_quantile(shares, uniforms[0, 0])]

    return jax.vmap(one)(uniforms, inside)


@eqx.filter_jit
def _draw_tilted(
    model: ConditionalNetworks,
    given: tuple[
        Float[Array, "states variables"],
        Int[Array, " states"],
        Bool[Array, "states variables levels"] | None,
        Float[Array, " states"],
    ],
    change: Change,
) -> tuple[Int[Array, "states variables"], Float[Array, " states"]]:
    """States whose first positions are drawn from changed conditionals.

    `given`: quantiles; how many positions are changed; the boxes, and the powers of P
    that are drawn from there. With the logarithm of how much of the law each state
    stands for: see `Drawn`.
    """
    found = over_batch(eqx.Partial(_draw_one, model, change), given)
    return readable((found.counts, found.log_share))


def _draw_one(
    model: ConditionalNetworks,
    change: Change,
    given: tuple[
        Float[Array, " variables"],
        Int[Array, ""],
        Bool[Array, "variables levels"] | None,
        Float[Array, ""],
    ],
) -> Drawn:
    """A state at given quantiles, some positions drawn from changed conditionals."""
    uniforms, changed, inside, power = given
    return draw(model, uniforms, change, changed, inside, power)


@eqx.filter_jit
def _draw(
    model: ConditionalNetworks,
    key: PRNGKeyArray,
    points: UInt[Array, "states variables"] | None,
    samples: int,
) -> tuple[
    Int[Array, "states variables"], Float[Array, " states"], Float[Array, " states"]
]:
    """States, their weights, and the chance of each to have been missed."""
    if points is not None:
        states = over_batch(model.sample, quantiles(key, points, SUMS))
        even = jnp.ones(samples, SUMS)
        return readable(states), even / samples, even
    drawn = race(model, samples, key)
    law = jnp.exp(over_batch(model.log_prob, drawn.counts))
    seen = -jnp.expm1(-jnp.minimum(drawn.limit * law, 700.0))
    is_all = drawn.limit >= NEVER
    seen = jnp.where(is_all, 1.0, seen)
    weights = jnp.where(drawn.arrived & (law > 0), law / seen, 0.0)
    return readable((drawn.counts, weights / jnp.sum(weights), 1.0 - seen))


def rates_of(
    model: ConditionalNetworks,
    generator: Generator,
    states: Int[np.ndarray, "states variables"],
    t: float,
) -> tuple[
    tuple[ConditionalRates, ...],
    list[LateChannels],
    list[Float[np.ndarray, "_kinds states _knots _later"]],
]:
    """The rates of every conditional at the prefixes of many states.

    With the late channels of every free position, and the means of later counts.
    """
    places = range(len(model.mask.free))
    lates = [late_channels(model, generator, place) for place in places]
    means = [later_means(model, states, *at) for at in enumerate(lates)]
    of_state = tuple(jnp.asarray(np.moveaxis(mean, 1, 0)) for mean in means)
    time = jnp.asarray(t, SUMS)
    found = _rates(model, generator, jnp.asarray(states), of_state, time)
    return found, lates, means


@eqx.filter_jit
def _rates(
    model: ConditionalNetworks,
    generator: Generator,
    states: Int[Array, "states variables"],
    means: tuple[Float[Array, "states _kinds _knots _later"], ...],
    t: Float[Array, ""],
) -> tuple[ConditionalRates, ...]:
    """The rates of every conditional at the prefixes of many states."""
    rates = eqx.Partial(_rates_at, model, generator, t)
    return readable(over_batch(rates, (states, means), piece_size(model, generator)))


def _rates_at(
    model: ConditionalNetworks,
    generator: Generator,
    t: Float[Array, ""],
    state: tuple[Int[Array, " variables"], tuple[Float[Array, "..."], ...]],
) -> tuple[ConditionalRates, ...]:
    """The same at one state."""
    counts, means = state
    return conditional_rates(model, generator, counts, t, means)
