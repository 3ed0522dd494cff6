"""The whole master equation of the Schloegl model on 2 x 2 sites, 85^4 states.

    python tests/benchmarks/square.py law --save 0.1 0.25 0.5 1
    python tests/benchmarks/square.py rates RUN --at 0.1

`law` follows it from 50 molecules on every site by uniformisation (180 000 products a
unit of time: minutes on an accelerator, days on two cores) and prints the probability
that the first one, two, three and all sites hold at most 15. `rates` takes the network
that a run (of examples/schlogl_square.crn) saved at a time, gives its law on
all states to the master equation, and prints how the probability of at most 15
molecules on a site moves where those before it hold at most 15 too: in truth, and by
the rows of a batch. Rates over that probability, seeds 0 to 3.
"""

import argparse
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.stats import poisson

from crnlang.codegen.kernel import build_kernel
from crnlang.compiler import compile_file
from crnlang.nn.conditional import ConditionalNetworks
from crnlang.passes.boxes import boxes_asked_for
from crnlang.passes.order import follow_path
from crnlang.pipeline.weights import load_model, neural_settings
from crnlang.results.run_directory import read_files
from crnlang.settings import TdvpSettings
from crnlang.solve.conditional_fit import law_of
from crnlang.solve.prefixes import Drawer
from crnlang.solve.tables import list_rows

LEVELS, SITES = 85, 4
LOW = slice(0, 16)
GROW, SHRINK, FEED, DRAIN, HOP = 2.676, 0.040, 108.102, 37.881, 8.2207
COUNTS = np.arange(LEVELS, dtype=float)
UP = np.where(COUNTS < LEVELS - 1, GROW * COUNTS * (COUNTS - 1) + FEED, 0.0)
DOWN = SHRINK * COUNTS * (COUNTS - 1) * (COUNTS - 2) + DRAIN * COUNTS
ROOM = np.where(COUNTS < LEVELS - 1, 1.0, 0.0)
NEIGHBOURS = [(0, 1), (2, 3), (0, 2), (1, 3), (1, 0), (3, 2), (2, 0), (3, 1)]
FASTEST = float(SITES * ((UP + DOWN).max() + 2 * HOP * (LEVELS - 1)))
#: Longest step, in products.
LONGEST = 4500

Law = Float[Array, "levels levels levels levels"]


def moved(flow: Law, changes: dict[int, int]) -> Law:
    """The flow at the states that it leads to."""
    change = [changes.get(site, 0) for site in range(SITES)]
    pads = [(max(step, 0), max(-step, 0)) for step in change]
    kept = tuple(slice(max(-step, 0), LEVELS - max(step, 0)) for step in change)
    return jnp.pad(flow[kept], pads)


def along(values: Float[np.ndarray, " levels"], site: int) -> Array:
    """A function of the count of one site."""
    return jnp.expand_dims(jnp.asarray(values), [s for s in range(SITES) if s != site])


@jax.jit
def generator(law: Law) -> Law:
    """W P."""
    whole = jnp.zeros_like(law)
    for site in range(SITES):
        for rate, step in ((UP, 1), (DOWN, -1)):
            flow = along(rate, site) * law
            whole += moved(flow, {site: step}) - flow
    for here, there in NEIGHBOURS:
        flow = along(HOP * COUNTS, here) * along(ROOM, there) * law
        whole += moved(flow, {here: -1, there: 1}) - flow
    return whole


@jax.jit
def powers(law: Law, shares: Float[Array, " terms"]) -> Law:
    """The sum of shares of powers of 1 + W / `FASTEST`."""

    def add(term: int, state: tuple[Law, Law]) -> tuple[Law, Law]:
        power, total = state
        return power + generator(power) / FASTEST, total + shares[term] * power

    start = law, jnp.zeros_like(law)
    return jax.lax.fori_loop(0, len(shares), add, start)[1]


def after(law: Law, time: float) -> Law:
    """The law a time later."""
    parts = int(np.ceil(time * FASTEST / LONGEST))
    mean = time * FASTEST / parts
    terms = np.arange(int(mean + 9 * mean**0.5 + 30))
    for _ in range(parts):
        law = powers(law, jnp.asarray(poisson.pmf(terms, mean)))
    return law


def lows(law: Law) -> list[float]:
    """The probability that the first one, two, three and all sites are low."""
    return [float(law[(LOW,) * sites].sum()) for sites in range(1, SITES + 1)]


def follow(save: list[float]) -> None:
    """Print what the exact law says of low sites."""
    law, now = jnp.zeros((LEVELS,) * SITES).at[50, 50, 50, 50].set(1.0), 0.0
    for stop in save:
        clock = time.perf_counter()
        law, now = after(law, stop - now), stop
        shown = " ".join(f"{value:.4e}" for value in lows(law))
        print(f"t = {now:g}: {shown} ({time.perf_counter() - clock:.0f} s)", flush=True)


def conditionals(model: ConditionalNetworks) -> list[Float[np.ndarray, "..."]]:
    """P(m | r) of every place, for all r."""
    tables = []
    for place in range(SITES):
        prefixes = np.zeros((LEVELS**place, SITES), int)
        if place:
            prefixes[:, :place] = np.indices((LEVELS,) * place).reshape(place, -1).T
        rows = list_rows(model, place, prefixes, np.ones(len(prefixes)))
        table = law_of(model, place, rows)[rows.row, :LEVELS]
        tables.append(table.reshape((LEVELS,) * (place + 1)))
    return tables


def compare(run: Path, at: float, seeds: range) -> None:
    """Print the rates of rows beside those of the whole master equation."""
    settings = neural_settings(read_files(run).settings)
    assert isinstance(settings, TdvpSettings)
    model = load_model(run, settings.save.index(at))
    assert isinstance(model, ConditionalNetworks)
    lowered = follow_path(compile_file(run / "model.crn").lowered, settings.order)
    boxes = boxes_asked_for(lowered, settings.save)
    drawer = Drawer(build_kernel(lowered), settings, boxes)
    law = jnp.ones(())
    for table in conditionals(model):
        law = law[..., None] * table
    laws, moves = [np.asarray(law)], [np.asarray(generator(law))]
    for _ in range(SITES - 1):
        laws.insert(0, laws[0].sum(axis=-1))
        moves.insert(0, moves[0].sum(axis=-1))
    print("sites before | rows, P(low), its rate over it: exact, by rows")
    for seed in seeds:
        prefixes = drawer.draw(model, jax.random.key(seed))
        motion = drawer.motion(model, prefixes, at)
        for place, rows in enumerate(prefixes.rows):
            mass = rows.mass[: len(rows.first)]
            before = prefixes.states[rows.first][:, model.order[:place]]
            is_low = (mass > 0) & (before < LOW.stop).all(axis=1)
            found = motion.rates[place] + motion.sampled[place]
            found = found[: len(mass)][is_low] / mass[is_low, None]
            where = tuple(before[is_low].T)
            joint, moving = laws[place][where], moves[place][where]
            joint, moving = np.atleast_2d(joint), np.atleast_2d(moving)
            whole, lost = joint.sum(axis=1, keepdims=True), moving.sum(axis=1)
            exact = (moving - joint / whole * lost[:, None]) / whole
            low = joint[:, LOW].sum()
            shown = [(whole * rates[:, LOW]).sum() / low for rates in (exact, found)]
            share = low / whole.sum()
            print(
                f"{place} | {len(joint)}, {share:.3e}, {shown[0]:.4f}, {shown[1]:.4f}"
            )


def main() -> None:
    """Do what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    what = parser.add_subparsers(required=True, dest="what")
    law = what.add_parser("law")
    law.add_argument("--save", type=float, nargs="+", default=[0.1, 0.25, 0.5, 1.0])
    rates = what.add_parser("rates")
    rates.add_argument("run", type=Path)
    rates.add_argument("--at", type=float, required=True)
    chosen = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    if chosen.what == "law":
        follow(chosen.save)
    else:
        compare(chosen.run, chosen.at, range(4))


if __name__ == "__main__":
    main()
