"""The network as the user means it: species, parameters, reactions, questions.

Every name is resolved, every sugar is gone, nothing is expanded over sites yet.
Order is the user's order. Places in the text are kept but ignored by equality.
"""

from dataclasses import dataclass, field
from enum import Enum

from crnlang.diagnostics import SourceText, Span
from crnlang.ir.expr import Expr

SettingValue = float | str | tuple[float, ...]

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


Initial = Delta | Poisson | Binomial | Uniform


@dataclass(frozen=True, slots=True)
class Species:
    """A kind of molecule; `cap` is its largest copy number, `None` if undeclared."""

    name: str
    cap: int | None
    initial: Initial
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A rate constant with its value; `low..high` is the plausible range, if given."""

    name: str
    value: float
    low: float | None
    high: float | None
    is_log: bool
    unit: str | None
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Reaction:
    """One channel: what it reads, what it changes, how fast it fires.

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
class Observable:
    """A named number that depends on the state; `Count(slot)` indexes species."""

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
    """`dist(X, Y, at=...)`: the joint law of some species."""

    name: str
    species: tuple[int, ...]
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


Query = DistQuery | ProbQuery | ExpectQuery


@dataclass(frozen=True, slots=True)
class SolveBlock:
    """`solve NAME with ENGINE { key = value }`, the values not yet checked."""

    name: str
    engine: str
    settings: tuple[tuple[str, SettingValue], ...]
    spans: tuple[Span, ...] = field(compare=False, repr=False)
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Network:
    """A whole model: physics and questions."""

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
