"""How the compiler grows with the length of a file and the size of a lattice.

    python tests/benchmarks/compiler.py

Each case is compiled in a process of its own: reactions of a long file, a square
lattice, then lines that declare something each. A line each: seconds of computing, peak
memory, and at the end the exponent of the growth (1 is linear) and whether the largest
case keeps within the limits.
"""

import argparse
import functools
import math
import resource
import subprocess
import sys
import time

from crnlang.compiler import compile_text

#: Limits of the largest case of each kind: seconds of computing, and MB at the peak.
MOST_SECONDS, MOST_MB = 10.0, 1000.0
#: Reactions of a file, and sites along the side of a square lattice.
REACTIONS = (1250, 2500, 5000, 10_000)
SIDES = (16, 32, 64, 256)
#: Lines of a file that declares but one kind of thing, and what they are.
LINES = (25_000, 50_000, 100_000)
DECLARATIONS = {
    "param": "param k{i} = {i}",
    "unit": "param k{i} = {i} [1/s] in 0..1e9",
    "func": "func f{i}(x) = x + {i}",
    "observe": "observe o{i} = X + {i}",
    "set": "set s{i} = X > {i}",
}


def long_program(reactions: int) -> str:
    """A file of so many reactions, half as many species, and constants of their own."""
    species = reactions // 2
    lines = ["crn 1", "model long", "massaction falling"]
    lines += [f"param k{i} = {1 + i % 7}" for i in range(species)]
    lines += [f"species X{i} in 0..9 = {i % 3}" for i in range(species)]
    for i in range(species):
        after = (i + 1) % species
        lines.append(f"hop{i}: X{i} -> X{after} @ k{i}")
        lines.append(f"pair{i}: 2 X{i} -> 0 @ propensity(hill(X{i}, k{i}, 2, 2)*X{i})")
    return "\n".join(lines) + "\n"


def declaring_program(kind: str, lines: int) -> str:
    """A file of so many declarations, and one reaction."""
    declared = [DECLARATIONS[kind].format(i=i) for i in range(lines)]
    return "\n".join(["crn 1", "species X in 0..3", *declared, "X -> 0 @ 1", ""])


def lattice_program(side: int) -> str:
    """Two species on a square lattice: four reactions, hops, questions."""
    return f"""crn 1
model square
massaction falling
lattice grid({side}, {side}) boundary (periodic, reflecting)
param k[i, j] = 1 + i/{side}, d = 8.2
species X in 0..84 per site = 5
species Y in 0..20 per site
init X[0, 0] ~ poisson(5)
grow: 2 X <-> 3 X @ k, 0.04
turn: X <-> Y @ 1, 2
feed: 0 <-> X @ 10, 3
diffuse X, Y @ d
observe mean_x = mean(X)
set full = any(X > 80)
query prob(full, at=1)
query expect(mean_x, at=0:1:0.1)
"""


def measure(kind: str, size: int) -> tuple[float, float]:
    """Seconds and MB of one case, in a new process."""
    command = [sys.executable, __file__, "--one", kind, str(size)]
    process = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, megabytes = map(float, process.stdout.split())
    return seconds, megabytes


def compile_one(kind: str, size: int) -> None:
    """Compile one case and print what it took."""
    programs = {"reactions": long_program, "side": lattice_program}
    program = programs.get(kind, functools.partial(declaring_program, kind))
    text = program(size)
    compile_text("crn 1\nspecies X in 0..1\n0 -> X @ 1\n")  # loads the parser
    start = time.process_time()
    lowered = compile_text(text).lowered
    seconds = time.process_time() - start
    variables = {"reactions": size // 2, "side": 2 * size * size}
    assert len(lowered.space.names) == variables.get(kind, 1)
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def exponent(sizes: list[float], values: list[float]) -> float:
    """Of the growth between the smallest and the largest size."""
    return math.log(values[-1] / values[0]) / math.log(sizes[-1] / sizes[0])


def main() -> int:
    """Print the table; 1 where a limit is broken."""
    parser = argparse.ArgumentParser(description="growth of the compiler")
    parser.add_argument("--one", nargs=2, metavar=("KIND", "SIZE"))
    arguments = parser.parse_args()
    if arguments.one:
        compile_one(arguments.one[0], int(arguments.one[1]))
        return 0
    is_within = True
    cases = {
        "reactions": REACTIONS,
        "side": SIDES,
        **dict.fromkeys(DECLARATIONS, LINES),
    }
    for kind, sizes in cases.items():
        found = [measure(kind, size) for size in sizes]
        for size, (seconds, megabytes) in zip(sizes, found, strict=True):
            print(f"{kind} {size:6}: {seconds:6.2f} s, {megabytes:5.0f} MB")
        units = [float(s * s if kind == "side" else s) for s in sizes]
        growth = exponent(units, [seconds for seconds, _ in found])
        seconds, megabytes = found[-1]
        is_within = is_within and seconds < MOST_SECONDS and megabytes < MOST_MB
        print(f"{kind}: grows with the power {growth:.2f}")
    print("within the limits" if is_within else "BEYOND THE LIMITS")
    return 0 if is_within else 1


if __name__ == "__main__":
    sys.exit(main())
