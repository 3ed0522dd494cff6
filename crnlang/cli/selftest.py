"""`crnc selftest`: does this installation keep its promises on generated networks?"""

import time

import click

from crnlang.cli.examples import examples

#: Exit code where an invariant fails.
BROKEN = 1
#: A line of progress comes at most this often, in seconds.
PACE = 5.0


@click.command(
    epilog=examples(
        "crnc selftest",
        "crnc selftest --examples 1000 --seed 2 --processes 2",
    )
)
@click.option(
    "--examples",
    type=click.IntRange(1),
    default=200,
    show_default=True,
    help="Number of networks; about six a second.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option(
    "--processes",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Each computes in one thread, on networks with seeds of its own.",
)
def selftest(examples: int, seed: int, processes: int) -> None:
    """Check the invariants of compiler and engines on generated networks.

    Random networks go through the compiler, the kernel, the exact engine and
    trajectories; each invariant that fails is told with the shortest network that shows
    it. It takes a while: `crnc doctor` is done in seconds. Exit codes: 0 all hold, 1
    some invariant fails.
    """
    # imported here because it loads JAX and numba
    from crnlang.selftest import examine_in_processes

    started = last = time.perf_counter()

    def report(done: int) -> None:
        nonlocal last
        now = time.perf_counter()
        if now - last > PACE or done == examples:
            last = now
            click.echo(
                f"{done} of {examples} networks, {now - started:.0f} s", err=True
            )

    tallies = examine_in_processes(examples, seed, report, processes)
    width = max(map(len, tallies))
    click.echo(f"{'invariant'.ljust(width)}  networks  seconds")
    for name, tally in tallies.items():
        row = f"{name.ljust(width)}  {tally.checked:8}  {tally.seconds:7.1f}"
        click.echo(row if tally.counterexample is None else f"{row}  FAILED")
    failed = {n: t.counterexample for n, t in tallies.items() if t.counterexample}
    for name, found in failed.items():
        click.echo(f"\n# {name}: {found.reason}\n{found.text}", nl=False)
    seconds = time.perf_counter() - started
    verdict = "all hold" if not failed else f"{len(failed)} of {len(tallies)} fail"
    click.echo(f"\n{verdict}: seed {seed}, {seconds:.1f} s")
    if failed:
        click.get_current_context().exit(BROKEN)
