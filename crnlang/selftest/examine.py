"""Generated networks through the invariants; a counterexample is made small."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import jax
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from crnlang.ir.network import Network
from crnlang.selftest.case import Case
from crnlang.selftest.invariants import INVARIANTS
from crnlang.testing import lattice_networks, networks

#: Without a lattice, and on one; small enough for matrices on all states of the box.
NETWORKS: st.SearchStrategy[Network] = st.one_of(
    networks(max_species=3),
    networks(max_species=3),
    lattice_networks(max_sites=3, max_species=2, max_cap=2, max_reactions=4),
)


_UNHURRIED = (
    HealthCheck.data_too_large,
    HealthCheck.filter_too_much,
    HealthCheck.large_base_example,
    HealthCheck.too_slow,
)


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A network, as small as could be found, and how it breaks an invariant."""

    text: str
    reason: str


@dataclass(slots=True)
class Tally:
    """How an invariant has fared so far."""

    checked: int = 0
    seconds: float = 0.0
    counterexample: Counterexample | None = None


class _Broken(Exception):
    """An invariant that does not hold for a network."""

    def __init__(self, name: str, found: Counterexample) -> None:
        self.name = name
        self.found = found
        super().__init__(f"{name}: {found.reason}")


def examine_networks(
    examples: int,
    number: int,
    report: Callable[[int], None],
    invariants: Mapping[str, Callable[[Case], bool | None]] | None = None,
) -> dict[str, Tally]:
    """Check invariants (all, or those given) on networks drawn with the seed `number`.

    `report` hears how many networks are done. An invariant that fails is dropped with
    its counterexample, and the others go on.
    """
    wanted = INVARIANTS if invariants is None else invariants
    tallies = {name: Tally() for name in wanted}
    done = 0
    with jax.enable_x64(new_val=True):
        while done < examples:
            active = {
                name: one
                for name, one in wanted.items()
                if tallies[name].counterexample is None
            }
            if not active:
                break
            run = _Run(active, tallies, done, report)
            try:
                run.examine(examples - done, number + done)
                break
            except _Broken as broken:
                tallies[broken.name].counterexample = broken.found
                done = run.done
    return tallies


class _Run:
    """One series of networks, up to the first invariant that fails."""

    def __init__(
        self,
        invariants: Mapping[str, Callable[[Case], bool | None]],
        tallies: dict[str, Tally],
        done: int,
        report: Callable[[int], None],
    ) -> None:
        self.invariants = invariants
        self.tallies = tallies
        self.done = done
        self.report = report
        self.failed = ""

    def examine(self, examples: int, number: int) -> None:
        """Raises `_Broken`, with the smallest network found, for one that fails."""

        @seed(number)
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=False,
            report_multiple_bugs=False,
            print_blob=False,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=_UNHURRIED,
        )
        @given(NETWORKS)
        def every_network(network: Network) -> None:
            # raised at one place only: Hypothesis tells failures apart by theirs
            if (found := self.check(Case(network))) is not None:
                raise _Broken(self.failed, found)

        every_network()

    def check(self, case: Case) -> Counterexample | None:
        """Every invariant on one network; once one has failed, that one alone."""
        if self.failed:
            return self.try_one(self.failed, case)
        first: Counterexample | None = None
        self.done += 1
        for name in self.invariants:
            start, tally = time.perf_counter(), self.tallies[name]
            found = self.try_one(name, case, tally)
            tally.seconds += time.perf_counter() - start
            if found is not None and first is None:
                self.failed, first = name, found
        self.report(self.done)
        return first

    def try_one(
        self, name: str, case: Case, tally: Tally | None = None
    ) -> Counterexample | None:
        """The counterexample that the network is, if it is one; else it is counted."""
        try:
            applies = self.invariants[name](case) is not False
        except Exception as error:  # noqa: BLE001 - a crash is a failure as well
            return Counterexample(case.text, f"{type(error).__name__}: {error}")
        if tally is not None:
            tally.checked += applies
        return None
