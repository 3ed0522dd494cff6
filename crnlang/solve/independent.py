"""After the opening: copy numbers that are still all but independent.

From a sharp start many copy numbers spread out long before they know of each other. The
network would need many small steps there. So each count X is followed by a master
equation of its own, in which propensities are averages over the others,

    dP_X/dt = T_X P_X,    T_X(m -> m + s) = sum_k E[a_k(n) | n_X = m],

the sum over channels that change X by s, all counts being independent in E[].

What this leaves out is known at any time: with L the local generator of the product law
and L_X that of each count, the product moves wrong by D = L - sum_X L_X, of mean 0. Had
it moved so since the start, its Hellinger distance from the exact law would be

    t sqrt(E[D^2]) / (2 sqrt(2)),

as correlations and variances grow alike from a sharp start, so that their ratio, and
D t, change little. The largest of a few times counts in the bound of the run in full.

As the law goes on spreading out it forgets most of it: of a covariance that grows with
the time, what is missing up to t is a share `t / later` afterwards. That holds in every
direction only if none is nearly conserved. So of the noise

    N = sum_k E[a_k] s_k s_k^T

the correlation matrix must be far from singular.

Source: the mean-field, or independent-pair, closure on laws: e.g. Gardiner, Handbook of
Stochastic Methods, chapter 8, where counts of neighbouring cells are so decoupled.
"""

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from scipy.linalg import expm

from crnlang.nn.base import SUMS, AbstractAutoregressive
from crnlang.settings import TdvpSettings
from crnlang.solve.batch import quantiles, sobol_points
from crnlang.solve.mesh import readable
from crnlang.solve.pieces import over_batch, piece_size
from crnlang.solve.problem import Generator

#: States that propensities are averaged over, and that the distance is measured on.
MEANS, SAMPLES = 256, 1024
#: Propensities that are looked at at once, and in the averages of all counts, at most;
#: fewer states than these are no average.
ROOM, WORK, FEWEST = 1 << 24, 1 << 30, 16
#: What the floor of a network makes of probabilities that are 0.
TINY = 1e-12
#: Error of time in one step, in total variation of one count, and most steps.
DRIFT, MOST = 1e-4, 1000
#: The law may have gone as far wrong as this, as a Hellinger distance.
FARTHEST = 0.3
#: Smallest eigenvalue of the correlation matrix of the noise.
LEAST = 0.5
#: The distance is measured at these shares of the time.
SHARES = (1 / 64, 1 / 8, 1.0)
#: Of what the law has gone wrong such a share of the tolerance may be left later.
LEFT = 0.1
#: Shorter times are tried, by this factor; it is not worth while if it does not come so
#: many times as far as the law is known anyway.
SHORTER, FURTHER = 3.0, 3.0

Laws = tuple[Float[np.ndarray, " _levels"], ...]


@dataclass(frozen=True, eq=False)
class Independent:
    """A product law at time t, and about how far it is from the exact one."""

    t: float
    model: AbstractAutoregressive
    distance: float


def follow_independent(
    model: AbstractAutoregressive,
    generator: Generator,
    t: float,
    reached: float,
    stop: float,
    settings: TdvpSettings,
) -> Independent | None:
    """The law at some time after `reached`; None where a product law will not do.

    `model` is the law at `t`, a product if that is the start; up to `reached` the law
    is known anyway; `stop` is the first time after it at which it is asked for.
    """
    mask, until = model.mask, settings.independent * stop
    if t > 0 or len(mask.free) < len(model.order) or not np.isfinite(stop):
        return None
    is_cheap = _affordable(generator, model.mask.levels) >= FEWEST
    if until <= FURTHER * reached or not is_cheap:
        return None
    seed, start = settings.seed, _laws(model)
    rates = _mean_rates(generator, start, 0.0, seed)
    if not _is_apart(generator, start, rates):
        return None
    while until > FURTHER * reached:
        t, laws, distances = 0.0, start, []
        for share in SHARES:
            found = _propagated(generator, laws, t, share * until, seed)
            if found is None:
                return None
            t, laws = share * until, found
            rates = _mean_rates(generator, laws, t, seed)
            distances.append(_distance(model, generator, laws, rates, t, seed))
        is_forgotten = distances[-1] * until <= LEFT * settings.tolerance * stop
        is_near = max(distances) <= FARTHEST and _is_apart(generator, laws, rates)
        if is_near and is_forgotten:
            return Independent(until, model.with_product_law(laws), max(distances))
        until /= SHORTER
    return None


def _is_apart(
    generator: Generator,
    laws: Laws,
    rates: Float[np.ndarray, "variables levels channels"],
) -> bool:
    """Whether the noise of no combination of counts is much smaller than of each."""
    moves = generator.net_changes.astype(float)
    often = laws[0] @ rates[0, : len(laws[0])]
    noise = (moves.T * often) @ moves
    noise = noise[np.ix_(np.diag(noise) > 0, np.diag(noise) > 0)]
    size = np.sqrt(np.diag(noise))
    return (
        float(np.linalg.eigvalsh(noise / np.outer(size, size)).min(initial=1)) >= LEAST
    )


def _laws(model: AbstractAutoregressive) -> Laws:
    """The law of every count, their product being the law of the model."""
    none = jnp.zeros(len(model.order), int)
    caps = np.asarray(model.mask.caps)
    found: dict[int, Float[np.ndarray, " _levels"]] = {}
    for position, variable in enumerate(model.order):
        logits = np.asarray(model.masked_logits(none, position), float)
        law = np.exp(logits - logits.max())[: caps[position] + 1]
        found[variable] = np.where(law > TINY, law, 0.0) / law[law > TINY].sum()
    return tuple(found[variable] for variable in range(len(found)))


def _propagated(
    generator: Generator, laws: Laws, t: float, until: float, seed: int
) -> Laws | None:
    """Every law by steps of the exponential midpoint rule; None if that takes long."""
    moves, dt = generator.net_changes, (until - t) / 4
    for _ in range(MOST):
        rates = _mean_rates(generator, laws, t, seed)
        dt = min(dt, until - t)
        while True:
            half = _step(moves, laws, rates, dt / 2)
            middle = _mean_rates(generator, half, t + dt / 2, seed)
            moved = _step(moves, laws, middle, dt)
            euler = _step(moves, laws, rates, dt)
            pairs = zip(moved, euler, strict=True)
            drift = max(float(np.abs(one - other).sum()) / 2 for one, other in pairs)
            if drift <= DRIFT:
                break
            dt /= 2
        if not all(np.isfinite(law).all() for law in moved):
            return None
        t, laws = t + dt, moved
        if t >= until * (1 - 1e-12):
            return laws
        dt *= 2
    return None


def _step(
    moves: Int[np.ndarray, "channels variables"],
    laws: Laws,
    rates: Float[np.ndarray, "variables levels channels"],
    dt: float,
) -> Laws:
    """Every law after dt with constant rates."""
    found = []
    for variable, law in enumerate(laws):
        own = _own_generator(moves[:, variable], rates[variable, : len(law)])
        after = np.maximum(expm(own * dt) @ law, 0.0)
        found.append(after / after.sum())
    return tuple(found)


def _own_generator(
    steps: Int[np.ndarray, " channels"], rates: Float[np.ndarray, "levels channels"]
) -> Float[np.ndarray, "levels levels"]:
    """T of one count."""
    levels = np.arange(len(rates))
    found = np.zeros((len(rates), len(rates)))
    for channel in np.flatnonzero(steps):
        to = levels + steps[channel]
        inside = (to >= 0) & (to < len(rates))
        goes = rates[inside, channel]
        found[to[inside], levels[inside]] += goes
        found[levels[inside], levels[inside]] -= goes
    return found


def _mean_rates(
    generator: Generator, laws: Laws, t: float, seed: int
) -> Float[np.ndarray, "variables levels channels"]:
    """E[a_k | n_X = m] of every channel, for all X and m."""
    levels = max(map(len, laws))
    states = _drawn(laws, _affordable(generator, levels), seed)
    found = _means(generator, jnp.asarray(states), jnp.asarray(t, SUMS), levels)
    return np.asarray(found)


def _affordable(generator: Generator, levels: int) -> int:
    """How many states an average may be over."""
    channels, variables = generator.net_changes.shape
    once = levels * max(channels, 1)
    return min(ROOM // once, WORK // (once * variables), MEANS)


@eqx.filter_jit
def _means(
    generator: Generator,
    states: Int[Array, "states variables"],
    t: Float[Array, ""],
    levels: int,
) -> Float[Array, "variables levels channels"]:
    caps = jnp.asarray(generator.caps)

    def at(
        variable: Int[Array, ""], level: Int[Array, ""]
    ) -> Float[Array, " channels"]:
        moved = states.at[:, variable].set(jnp.minimum(level, caps[variable]))
        return jnp.mean(jax.vmap(generator.outflux, (0, None))(moved, t), axis=0)

    def of_variable(variable: Int[Array, ""]) -> Float[Array, "levels channels"]:
        return jax.vmap(lambda level: at(variable, level))(jnp.arange(levels))

    return jax.lax.map(of_variable, jnp.arange(states.shape[1]))


def _drawn(laws: Laws, size: int, seed: int) -> Int[np.ndarray, "size variables"]:
    """Independent counts."""
    points = sobol_points(size, len(laws), seed)
    spread = np.asarray(quantiles(jax.random.key(seed), points, np.dtype(float)))
    columns = [
        np.minimum(np.searchsorted(np.cumsum(law), column), len(law) - 1)
        for law, column in zip(laws, spread.T, strict=True)
    ]
    return np.stack(columns, axis=1)


def _distance(
    model: AbstractAutoregressive,
    generator: Generator,
    laws: Laws,
    rates: Float[np.ndarray, "variables levels channels"],
    t: float,
    seed: int,
) -> float:
    """About how far the product of the laws is from the exact law: see above."""
    states, ahead = _drawn(laws, SAMPLES, seed + 1), model.with_product_law(laws)
    local = _local(ahead, generator, jnp.asarray(states), jnp.asarray(t, SUMS))
    wrong = np.array(local, float)
    for variable, law in enumerate(laws):
        steps, here = generator.net_changes[:, variable], states[:, variable]
        own = _own_generator(steps, rates[variable, : len(law)])
        wrong -= (own @ law)[here] / law[here]
    return t * float(np.sqrt(np.mean(wrong**2) / 8))


@eqx.filter_jit
def _local(
    model: AbstractAutoregressive,
    generator: Generator,
    states: Int[Array, "states variables"],
    t: Float[Array, ""],
) -> Float[Array, " states"]:
    """The local generator of every state."""
    local = eqx.Partial(_local_at, model, generator, t)
    return readable(over_batch(local, states, piece_size(model, generator)))


def _local_at(
    model: AbstractAutoregressive,
    generator: Generator,
    t: Float[Array, ""],
    counts: Int[Array, " variables"],
) -> Float[Array, ""]:
    return generator(model.log_ratios, counts, t)
