"""The surface tree: one frozen dataclass per construct, as the user wrote it.

Every node has a `span`; equality ignores it. Names are not yet looked up.
"""

from dataclasses import dataclass, field

from crnlang.diagnostics import SourceText, Span
from crnlang.frontend.nodes import Application as Application
from crnlang.frontend.nodes import Element as Element
from crnlang.frontend.nodes import Expression as Expression
from crnlang.frontend.nodes import File as File
from crnlang.frontend.nodes import Interval as Interval
from crnlang.frontend.nodes import Keyword as Keyword
from crnlang.frontend.nodes import Literal as Literal
from crnlang.frontend.nodes import MassActionFactor as MassActionFactor
from crnlang.frontend.nodes import Name as Name
from crnlang.frontend.nodes import Operation as Operation
from crnlang.frontend.nodes import Reference as Reference
from crnlang.frontend.nodes import Side as Side
from crnlang.frontend.nodes import SiteCount as SiteCount
from crnlang.frontend.nodes import Steps as Steps
from crnlang.frontend.nodes import Term as Term
from crnlang.frontend.nodes import Value as Value
from crnlang.frontend.nodes import ValueList as ValueList


@dataclass(frozen=True, slots=True)
class Header:
    """`crn 1`."""

    version: float
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ModelStatement:
    """`model NAME "title"`."""

    name: Name
    title: str
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class MassActionStatement:
    """`massaction CONVENTION`."""

    convention: Name
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class UnitDefinition:
    """`unit week = 7 [d]`."""

    name: Name
    value: Expression
    unit: str
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class VolumeStatement:
    """`volume 1 [fL]`."""

    value: Expression
    unit: str
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class LatticeOption:
    """`boundary (periodic, reflecting)`, `spacing 0.5`, `mask "mask.csv"`."""

    key: Name
    values: tuple[Expression, ...]
    file: File | None
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class LatticeStatement:
    """`lattice grid(8, 8) boundary reflecting`, `lattice graph("edges.csv")`."""

    shape: Name
    sizes: tuple[Expression, ...]
    file: File | None
    options: tuple[LatticeOption, ...]
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Range:
    """`in low..high log` behind a parameter."""

    low: Expression
    high: Expression
    scale: Name | None
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ParameterDeclaration:
    """`k = 0.3 [1/s] in 0.1..1 log`, one of a `param` list.

    `index` are the names of the site's indices in `k[i, j] = ...`, else empty.
    """

    name: Name
    index: tuple[Name, ...]
    value: Expression
    unit: str | None
    range: Range | None
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class FunctionDeclaration:
    """`func f(x, y) = body`."""

    name: Name
    arguments: tuple[Name, ...]
    body: Expression
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class StartCount:
    """`= 50`."""

    count: Expression
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class StartLaw:
    """`~ poisson(50)`."""

    law: Name
    arguments: tuple[Expression, ...]
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class StartTable:
    """`~ table("start.csv")`."""

    law: Name
    file: File
    span: Span = field(compare=False, repr=False)


Start = StartCount | StartLaw | StartTable


@dataclass(frozen=True, slots=True)
class SpeciesDeclaration:
    """`species X, Y in low..high per site = start`; `place` is the word `site`."""

    names: tuple[Name, ...]
    bounds: Interval | None
    place: Name | None
    start: Start | None
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class InitStatement:
    """`init X[0, 0] = 60`."""

    element: Element
    start: Start
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class DiffuseStatement:
    """`diffuse X, Y @ d`; `word` stands for `@` in `diffuse X coefficient D`."""

    names: tuple[Name, ...]
    word: Name | None
    rate: Expression
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Arrow:
    """`->` or `<->`."""

    is_reversible: bool
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ConstantLaw:
    """`@ k`: mass action with this constant."""

    constant: Expression
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class PropensityLaw:
    """`@ propensity(expression)`: the whole propensity, written out."""

    propensity: Expression
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class UnreadLaw:
    """A law that could not be read; `is_constant` where it can only be `@ k`."""

    is_constant: bool
    span: Span = field(compare=False, repr=False)


Law = ConstantLaw | PropensityLaw | UnreadLaw


@dataclass(frozen=True, slots=True)
class ReactionStatement:
    """`label: side -> side via E @ law`; one more side than arrows."""

    label: Name | None
    sides: tuple[Side, ...]
    arrows: tuple[Arrow, ...]
    catalysts: tuple[Name, ...]
    laws: tuple[Law, ...]
    span: Span = field(compare=False, repr=False)

    def channels(self) -> list[tuple[Side, Side, bool]]:
        """Reactants and products of every channel, and whether it is a way back."""
        found: list[tuple[Side, Side, bool]] = []
        for i, arrow in enumerate(self.arrows):
            left, right = self.sides[i], self.sides[i + 1]
            found.append((left, right, False))
            if arrow.is_reversible:
                found.append((right, left, True))
        return found


@dataclass(frozen=True, slots=True)
class Change:
    """`k = 0` in an event; `element` is the `X[0]` of `X[0] = 0`."""

    name: Name
    element: Element | None
    value: Expression
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class EventStatement:
    """`event at 4: k = 0`, or `event when X > 3: X = 0`; `word` is `at` or `when`."""

    word: Name
    moment: Expression
    changes: tuple[Change, ...]
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ModuleStatement:
    """`module cycle(S, K) {`; the statements up to its `ModuleEnd` are its body."""

    name: Name
    arguments: tuple[Name, ...]
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ModuleEnd:
    """`}`."""

    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class UseStatement:
    """`use lib.cycle(M, K) as c1`; `word` is `as`, `origin` the `lib`."""

    origin: Name | None
    module: Name
    arguments: tuple[Name, ...]
    word: Name
    alias: Name
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ImportStatement:
    """`import "lib.crn" as lib`; `word` is `as`."""

    file: File
    word: Name
    alias: Name
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ObserveStatement:
    """`observe NAME = expression`."""

    name: Name
    value: Expression
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class SetStatement:
    """`set NAME = condition`."""

    name: Name
    condition: Expression
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class QueryStatement:
    """`query NAME = prob(condition, at=times)`."""

    name: Name | None
    kind: Name
    arguments: tuple[Expression, ...]
    keywords: tuple[Keyword, ...]
    site_counts: tuple[SiteCount, ...]
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class SolveStatement:
    """`solve NAME with ENGINE { key = value }`."""

    name: Name
    engine: Name
    settings: tuple[Keyword, ...]
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Unread:
    """A statement that could not be read.

    `word` is the one that it begins with or must have meant, `reaction` for one with
    an arrow, empty where nothing is known; `names` are those that it may declare.
    """

    word: str
    names: frozenset[str]
    span: Span = field(compare=False, repr=False)


Statement = (
    Header
    | ModelStatement
    | MassActionStatement
    | UnitDefinition
    | VolumeStatement
    | LatticeStatement
    | ParameterDeclaration
    | FunctionDeclaration
    | SpeciesDeclaration
    | InitStatement
    | DiffuseStatement
    | EventStatement
    | ModuleStatement
    | ModuleEnd
    | UseStatement
    | ImportStatement
    | ReactionStatement
    | ObserveStatement
    | SetStatement
    | QueryStatement
    | SolveStatement
    | Unread
)


@dataclass(frozen=True, slots=True)
class Program:
    """A whole file: its statements in order, a `param` list split into its parts."""

    statements: tuple[Statement, ...]
    source: SourceText = field(compare=False, repr=False)
