"""Surface tree -> its names: what each declaration declares, told once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from crnlang.diagnostics import Report, Span
from crnlang.frontend import ast
from crnlang.frontend.errors import BuiltInName, DeclaredTwice
from crnlang.frontend.rooms import BUILT_IN_FUNCTIONS, CONSTANTS, TIME_NAMES


@dataclass(frozen=True, slots=True)
class Declared:
    """One declared name: its kind (a key of `KINDS`) and its place.

    `order` is the number of its statement: what it may use stands above.
    """

    kind: str
    span: Span
    arity: int = 0
    order: int = 0


@dataclass(frozen=True, slots=True)
class Names:
    """Every name of a program that an expression may use.

    `doubtful` are those whose uses cannot be judged, since a declaration of them could
    not be read, or gives a built-in name, or another one is of a different kind.
    """

    table: Mapping[str, Declared]
    doubtful: frozenset[str]
    #: The names of kinds that were asked for before.
    kinds: dict[tuple[str, ...], tuple[str, ...]] = field(
        default_factory=dict[tuple[str, ...], tuple[str, ...]], compare=False
    )

    def of_kind(self, *kinds: str) -> tuple[str, ...]:
        """Names of some kinds, in the order of their declarations."""
        if kinds not in self.kinds:
            found = (n for n, what in self.table.items() if what.kind in kinds)
            self.kinds[kinds] = tuple(found)
        return self.kinds[kinds]

    def declares(self, name: ast.Name) -> bool:
        """Whether this is the place that declares the name."""
        found = self.table.get(name.text)
        return found is not None and found.span == name.span


def declare_names(program: ast.Program, report: Report) -> Names:
    """Collect the names; report those that are doubled or built in."""
    table: dict[str, Declared] = {}
    doubtful: set[str] = set()
    for order, name, kind, arity in declarations(program.statements):
        if meaning := built_in_meaning(name.text):
            report.add(BuiltInName(name.span, name.text, meaning))
            doubtful.add(name.text)
        elif (before := table.get(name.text)) is not None:
            report.add(DeclaredTwice(name.span, name.text, before.span))
            if (before.kind, before.arity) != (kind, arity):
                doubtful.add(name.text)
        else:
            table[name.text] = Declared(kind, name.span, arity, order)
    _check_labels(program, report)
    for statement in program.statements:
        if isinstance(statement, ast.Unread):
            unknown = statement.names - table.keys()
            doubtful.update(n for n in unknown if not built_in_meaning(n))
    return Names(table, frozenset(doubtful))


def declarations(
    statements: Sequence[ast.Statement],
) -> Iterable[tuple[int, ast.Name, str, int]]:
    """Every declared name: the number of its statement, its kind, its arity."""
    for order, statement in enumerate(statements):
        match statement:
            case ast.ParameterDeclaration(name=name):
                yield order, name, "parameter", 0
            case ast.SpeciesDeclaration(names=several):
                for name in several:
                    yield order, name, "species", 0
            case ast.FunctionDeclaration(name=name, arguments=arguments):
                yield order, name, "function", len(arguments)
            case ast.ObserveStatement(name=name):
                yield order, name, "observable", 0
            case ast.SetStatement(name=name):
                yield order, name, "set", 0
            case _:
                pass  # declares no name for expressions


def _check_labels(program: ast.Program, report: Report) -> None:
    """Report labels of reactions, queries and `solve` blocks that are doubled."""
    labels: dict[str, dict[str, Span]] = {"reaction": {}, "query": {}, "solve": {}}
    for statement in program.statements:
        match statement:
            case ast.ReactionStatement(label=ast.Name() as name):
                kind = "reaction"
            case ast.QueryStatement(name=ast.Name() as name):
                kind = "query"
            case ast.SolveStatement(name=name):
                kind = "solve"
            case _:
                continue
        if name.text in labels[kind]:
            first = labels[kind][name.text]
            report.add(DeclaredTwice(name.span, name.text, first))
        labels[kind].setdefault(name.text, name.span)


def built_in_meaning(name: str) -> str:
    """What a name means without being declared; empty for nothing."""
    if name in TIME_NAMES:
        return "the time"
    if name in CONSTANTS:
        return "a mathematical constant"
    return "a built-in function" if name in BUILT_IN_FUNCTIONS else ""
