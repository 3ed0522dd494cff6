"""Explicit adaptive steps: the third-order pair of Bogacki and Shampine.

Source: Bogacki and Shampine, Appl. Math. Lett. 2 (1989) 321. The same samples serve
every stage, re-weighted. Steps stay near 1 / a_total for ever: use it to check the
implicit method, or where nothing is stiff.
"""

from jaxtyping import Array, Float

from crnlang.nn.base import AbstractAutoregressive, Blocks
from crnlang.solve.batch import Batch, Draws
from crnlang.solve.estimate import Estimate, add, open_batch, scaled, weigh
from crnlang.solve.problem import Generator
from crnlang.solve.trial import Missed, Trial, distance, look_back, shorten, velocity

#: Nodes, weights of the result, and weights of result minus embedded result.
NODES = (0.5, 0.75)
RESULT = (2 / 9, 1 / 3, 4 / 9)
DIFFERENCE = (2 / 9 - 7 / 24, 1 / 3 - 1 / 4, 4 / 9 - 1 / 3, -1 / 8)


def bogacki_step(
    model: AbstractAutoregressive,
    generator: Generator,
    draws: Draws,
    t: Float[Array, ""],
    dt: Float[Array, ""],
    last: Blocks,
    *,
    tolerance: float,
    diag_shift: float,
    krylov: int,
    solver: str = "cholesky",
) -> tuple[Trial, Batch, Estimate]:
    """Take one step, shortening it until its error is below the tolerance."""
    batch, log_p, now = open_batch(model, generator, draws, t, is_stored=solver != "cg")
    theta = model.weight_blocks()

    def speed(change: Blocks, at: Float[Array, ""]) -> Blocks:
        moved = model.with_weight_blocks(add(theta, change))
        return velocity(
            moved, generator, batch, log_p, at, last, diag_shift, krylov, solver
        )

    first = speed(scaled(theta, 0.0), t)

    def attempt(dt: Float[Array, ""]) -> tuple[Blocks, Array, Missed]:
        stages = [first]
        for node in NODES:
            stages.append(speed(scaled(stages[-1], node * dt), t + node * dt))
        change = scaled(weigh(stages, RESULT), dt)
        stages.append(speed(change, t + dt))
        lower = add(change, scaled(weigh(stages, DIFFERENCE), dt), -1.0)
        error = distance(model, batch, log_p, change, lower)
        return change, error, look_back(now, scaled(first, dt), dt)

    return shorten(attempt, theta, dt, tolerance), batch, now
