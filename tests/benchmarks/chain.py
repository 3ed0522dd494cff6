"""Switching rate of the Schloegl model against the length of the chain, by ensembles.

    python tests/benchmarks/chain.py --sites 1 2 3 4 6 8 --exact 1 2

The rate at which the chain of examples/schlogl_chain.crn goes from its usual mode, at
least 25 molecules on every site, to the rare one, at most 15 on every site: the decay
rate of the probability not to have been there (docs/language.md, `rate`). By a weighted
ensemble, whose error is the spread over its repeats, and for `--exact` lengths by
`fsp`. Each length has a line, as soon as it is there; the last one is the slope of
log rate against the number of sites.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

import crnlang

MODEL = Path(__file__).parents[2] / "examples" / "schlogl_chain.crn"
ASKED = "query rate(from=usual, to=rare)\n"


def main() -> None:
    """Print a line for every length."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sites", type=int, nargs="+", default=[1, 2, 3, 4, 6, 8])
    parser.add_argument("--exact", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--until", type=float, default=4.0)
    parser.add_argument("--repeats", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    print(
        "| sites | rate by `we` | error | seconds | by `fsp` |\n|---|---|---|---|---|"
    )
    rates = []
    for sites in chosen.sites:
        begun = time.perf_counter()
        rate, error = asked(
            sites,
            engine="we",
            t=(0.0, chosen.until),
            repeats=chosen.repeats,
            seed=chosen.seed,
        )
        spent = time.perf_counter() - begun
        exact = np.nan
        if sites in chosen.exact:
            exact, _ = asked(sites, engine="fsp", t=(0.0, chosen.until))
        rates.append(rate)
        print(
            f"| {sites} | {rate:.4g} | {error:.1g} | {spent:.0f} | {exact:.5g} |",
            flush=True,
        )
    slope = np.polyfit(chosen.sites, np.log(rates), 1)[0]
    print(f"a site more makes the rate {np.exp(-slope):.3g} times smaller")


def asked(sites: int, **settings: Any) -> tuple[float, float]:
    """The rate and its error."""
    text = MODEL.read_text(encoding="utf-8").replace("chain(2)", f"chain({sites})")
    lines = [x for x in text.splitlines() if not x.startswith(("query", "observe"))]
    start = next(i for i, x in enumerate(lines) if x.startswith("solve"))
    model = "\n".join([*lines[:start], ASKED])
    result = crnlang.run(crnlang.compile_text(model), **settings)
    [answer] = result.answers.values()
    return float(answer.values[-1]), float(answer.errors[-1])


if __name__ == "__main__":
    main()
