"""The network as the user means it: species, parameters, reactions, questions.

Every name is resolved, every sugar is gone, nothing is expanded over sites yet.
Order is the user's order. Places in the text are kept but ignored by equality.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from crnlang.diagnostics import SourceText, Span
from crnlang.ir.expr import Expr
from crnlang.ir.lattice import Lattice

SettingValue = float | str | tuple[float, ...]
PassageKind = Literal["hit", "mfpt", "rate"]

#: Largest copy number that a cap may be.
MAX_CAP = 1_000_000


class MassAction(Enum):
    """What a constant rate on `m X` means, as a factor of the propensity."""

    FALLING = "falling"  #: n (n-1) ... (n-m+1)
    BINOMIAL = "binomial"  #: n (n-1) ... (n-m+1) / m!
    POWER = "power"  #: n^m, off where the firing would leave the box


@dataclass(frozen=True, slots=True)
class Delta:
    """Exactly `count` copies at the start."""

    count: int


@dataclass(frozen=True, slots=True)
class Poisson:
    """Poisson law, cut at the cap and renormalised."""

    mean: float


@dataclass(frozen=True, slots=True)
class Binomial:
    """Binomial law of `trials` and `probability`."""

    trials: int
    probability: float


@dataclass(frozen=True, slots=True)
class Uniform:
    """Every count of `low..high` equally likely."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Table:
    """Count n with the probability `weights[n]`; they add up to 1."""

    weights: tuple[float, ...]


Initial = Delta | Poisson | Binomial | Uniform | Table


@dataclass(frozen=True, slots=True)
class Species:
    """A kind of molecule; `cap` is its largest copy number, `None` if undeclared.

    One that `is_per_site` has a copy number, up to the cap, at every site.
    """

    name: str
    cap: int | None
    initial: Initial
    span: Span = field(compare=False, repr=False)
    is_per_site: bool = False


@dataclass(frozen=True, slots=True)
class SiteStart:
    """The start of a species at one site, where it is not that of the species."""

    species: int
    site: int
    initial: Initial
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A rate constant with its value; `low..high` is the plausible range, if given.

    One that differs between sites has `site_values`, and nan for its value.
    """

    name: str
    value: float
    low: float | None
    high: float | None
    is_log: bool
    unit: str | None
    span: Span = field(compare=False, repr=False)
    site_values: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Reaction:
    """One channel: what it reads, what it changes, how fast it fires.

    One that touches a species per site happens at every site, with the copy numbers
    that such species have there.

    `variables` are the species it touches, first use first; `orders` the reactant
    multiplicity and `net_change` the change of each; `Count(slot)` in `propensity`
    indexes `variables`. `rate` is the constant behind `@`, or `None` where the
    propensity was written out.
    """

    name: str
    variables: tuple[int, ...]
    orders: tuple[int, ...]
    net_change: tuple[int, ...]
    propensity: Expr
    rate: Expr | None
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Hop:
    """A molecule goes to a neighbouring site, at `rate` for each directed edge.

    What differs between sites is taken where the molecule leaves.
    """

    name: str
    species: int
    rate: Expr
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class CountChange:
    """At a time, a copy number becomes a whole number `value` inside the box.

    `site` is `None` for every site; `Count(slot)` in `value` indexes `reads`, the
    species just before, those per site at the same site.
    """

    time: float
    species: int
    site: int | None
    reads: tuple[int, ...]
    value: Expr
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Trigger:
    """When `condition` turns true, each of `variables` becomes its value, all at once.

    `Count(slot)` indexes the variables: those just before, for the values. It happens
    when a firing or an event takes the state from where the condition is false to where
    it is true; what it makes of the state may let others happen, which follow at once.
    """

    condition: Expr
    variables: tuple[int, ...]
    values: tuple[Expr, ...]
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Observable:
    """A named number that depends on the state; `Count(slot)` indexes variables."""

    name: str
    value: Expr
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class StateSet:
    """A named set of states; the condition is 0.0 or 1.0."""

    name: str
    condition: Expr
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class DistQuery:
    """`dist(X, Y[0], at=...)`: the joint law of some variables."""

    name: str
    variables: tuple[int, ...]
    given: Expr | None
    times: tuple[float, ...]
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ProbQuery:
    """`prob(A, given=B, at=...)`: the probability of a set of states."""

    name: str
    condition: Expr
    given: Expr | None
    times: tuple[float, ...]
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ExpectQuery:
    """`expect(value, given=B, at=...)`: the mean of an observable."""

    name: str
    value: Expr
    given: Expr | None
    times: tuple[float, ...]
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class LogpQuery:
    """`logp(X=3, Y[0]=0, given=B, at=...)`: the log-probability of some counts.

    `spans` are the places of the counts.
    """

    name: str
    variables: tuple[int, ...]
    counts: tuple[int, ...]
    given: Expr | None
    times: tuple[float, ...]
    spans: tuple[Span, ...] = field(compare=False, repr=False)
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class PassageQuery:
    """`hit(A, from=B, by=...)`, `mfpt(from=B, to=A)` or `rate(from=B, to=A)`.

    Of the first entry into the states of `target`, from those of `start`: its
    probability by each of the times, its mean time, or its rate. Neither reads `t`.
    Without a `start` the process starts as the network does; only `hit` has times.
    `start_span` is the place of the start.
    """

    name: str
    kind: PassageKind
    target: Expr
    start: Expr | None
    times: tuple[float, ...]
    start_span: Span = field(compare=False, repr=False)
    span: Span = field(compare=False, repr=False)


#: Questions about the law at some times.
LawQuery = DistQuery | ProbQuery | ExpectQuery | LogpQuery
Query = LawQuery | PassageQuery


@dataclass(frozen=True, slots=True)
class SolveBlock:
    """`solve NAME with ENGINE { key = value }`, the values not yet checked."""

    name: str
    engine: str
    settings: tuple[tuple[str, SettingValue], ...]
    spans: tuple[Span, ...] = field(compare=False, repr=False)
    span: Span = field(compare=False, repr=False)


def blocks_of(species: Sequence[Species], sites: int) -> list[range]:
    """The variables of each species on so many sites, at consecutive places."""
    found: list[range] = []
    end = 0
    for kind in species:
        start, end = end, end + (sites if kind.is_per_site else 1)
        found.append(range(start, end))
    return found


@dataclass(frozen=True, slots=True)
class Network:
    """A whole model: physics and questions.

    Variables are what has a copy number: the species, and of those per site one for
    each site, at consecutive places.
    """

    name: str
    title: str
    massaction: MassAction | None
    species: tuple[Species, ...]
    parameters: tuple[Parameter, ...]
    reactions: tuple[Reaction, ...]
    observables: tuple[Observable, ...]
    sets: tuple[StateSet, ...]
    queries: tuple[Query, ...]
    solves: tuple[SolveBlock, ...]
    source: SourceText = field(compare=False, repr=False)
    lattice: Lattice | None = None
    hops: tuple[Hop, ...] = ()
    site_starts: tuple[SiteStart, ...] = ()
    count_changes: tuple[CountChange, ...] = ()
    triggers: tuple[Trigger, ...] = ()

    @property
    def sites(self) -> int:
        """The number of sites; 1 without a lattice."""
        return 1 if self.lattice is None else self.lattice.sites

    def blocks(self) -> list[range]:
        """The variables of each species: one, or one for each site."""
        return blocks_of(self.species, self.sites)

    def variable_names(self) -> tuple[str, ...]:
        """The names of all variables, `X` or `X[0,3]`: species after species."""
        labels = [""] if self.lattice is None else self.lattice.site_labels()
        return tuple(
            species.name + label
            for species in self.species
            for label in (labels if species.is_per_site else [""])
        )
