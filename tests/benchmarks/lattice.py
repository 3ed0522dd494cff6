"""The Schloegl model on a square of sites, by `tdvp` against trajectories.

    python tests/benchmarks/lattice.py model 4 > square_4.crn
    crnc run square_4.crn --solve main --out RUN
    crnc run square_4.crn --engine ssa --set trajectories=2000 --out WITNESS
    python tests/benchmarks/lattice.py compare RUN WITNESS

The model is examples/schlogl_square.crn with more sites: 50 molecules on each
at first, so that sites that a symmetry of the square carries into each other have the
same law. `compare` prints, for each save time and kind of site (corner, edge, inside),
the largest Hellinger distance of the site's law from that of all trajectories at
equivalent sites, the same for pairs of neighbours, and what is asked. What finite
samples alone put between equal laws has been taken away (its square, from the square);
it stands beside in brackets.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np

from crnlang.pipeline.interface import open_run
from crnlang.results.compare import hellinger
from crnlang.results.noise import sampling_noise

MODEL = Path(__file__).parents[2] / "examples" / "schlogl_square.crn"
Site = tuple[int, int]


def main() -> None:
    """Print a model, or compare two runs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["model", "compare"])
    parser.add_argument("given", nargs="+", metavar="SITES | RUN WITNESS")
    chosen = parser.parse_args()
    if chosen.what == "model":
        print(text(int(chosen.given[0])))
    else:
        compare(*map(Path, chosen.given))


def text(sites: int) -> str:
    """The model, and a question for each pair of neighbours that is compared."""
    asked = [
        f"query dist({name(a)}, {name(b)}, at=[0.1, 0.25, 0.5, 1])"
        for pairs in kinds_of_pairs(sites).values()
        for a, b in pairs
    ]
    lines = MODEL.read_text().replace("grid(2, 2)", f"grid({sites}, {sites})")
    return "\n".join([lines, *asked, ""])


def name(site: Site) -> str:
    """The species at a site."""
    return f"X[{site[0]}, {site[1]}]"


def images(sites: int, *given: Site) -> Iterator[tuple[Site, ...]]:
    """Where the symmetries of the square carry some sites."""
    last = sites - 1
    for flip, turn, swap in product((False, True), repeat=3):
        moved = []
        for row, column in given:
            row, column = (
                (last - row if flip else row),
                (last - column if turn else column),
            )
            moved.append((column, row) if swap else (row, column))
        yield tuple(moved)


def kinds_of_sites(sites: int) -> dict[str, list[Site]]:
    """The sites of each kind: alike by symmetry."""
    middle = sites // 2
    some = {"corner": (0, 0), "edge": (0, middle), "inside": (middle, middle)}
    return {
        kind: sorted({site for (site,) in images(sites, here)})
        for kind, here in some.items()
    }


def kinds_of_pairs(sites: int) -> dict[str, list[tuple[Site, ...]]]:
    """Pairs of neighbours of each kind, each pair the way it is carried."""
    middle = sites // 2
    some = {
        "corner, edge": ((0, 0), (0, 1)),
        "inside, inside": ((middle, middle), (middle, middle - 1)),
    }
    return {kind: sorted(set(images(sites, *here))) for kind, here in some.items()}


def compare(one: Path, other: Path) -> None:
    """Print how far apart a run of the network and one of trajectories are."""
    network, witness = open_run(one), open_run(other)
    sites = round(len(network.species) ** 0.5)
    print(f"{one}: {network.data.wall_seconds:.0f} s")
    print(f"{other}: {witness.data.wall_seconds:.0f} s")
    for place, t in enumerate(network.times.tolist()):
        line = defaultdict(str)
        samples = float(witness.data.samples[place]), float(network.data.samples[place])
        for kind, here in kinds_of_sites(sites).items():
            laws = [network.marginal(name(site), t) for site in here]
            mean = np.mean([witness.marginal(name(site), t) for site in here], axis=0)
            line[kind] = distance(laws, mean, len(here) * samples[0], samples[1])
        for kind, pairs in kinds_of_pairs(sites).items():
            laws = [network.joint(name(a), name(b), t) for a, b in pairs]
            found = [witness.joint(name(a), name(b), t) for a, b in pairs]
            mean = np.mean(found, axis=0)
            line[kind] = distance(laws, mean, len(pairs) * samples[0], samples[1])
        print(f"t = {t:g}  " + "  ".join(f"{k} {v}" for k, v in line.items()))
    for question, answer in network.answers.items():
        if answer.kind == "prob":
            beside = witness.answers.get(question)
            print(question, answer.values, beside.values if beside else "")


def distance(laws: list, mean: np.ndarray, of_witness: float, of_network: float) -> str:
    """The largest distance from the mean, chance taken away, and chance alone."""
    worst = 0.0, 0.0
    for law in laws:
        chance = sampling_noise(law, mean, of_network, of_witness).mean
        left = max(hellinger(law, mean) ** 2 - chance, 0.0) ** 0.5
        worst = max(worst, (left, chance**0.5))
    return f"{worst[0]:.4f} ({worst[1]:.4f})"


if __name__ == "__main__":
    main()
