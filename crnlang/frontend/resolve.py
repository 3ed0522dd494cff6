"""Surface tree -> diagnostics: every name that is unknown, doubled or misused."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from crnlang.diagnostics import Report, Span, listing, suggest
from crnlang.frontend import ast
from crnlang.frontend.errors import (
    BuiltInName,
    DeclaredTwice,
    LateHeader,
    NoHeader,
    Repeated,
    SpeciesInRate,
    TimeInConstant,
    UnknownName,
    UsedTooEarly,
    WrongArguments,
    WrongConstants,
    WrongKind,
    WrongVersion,
)
from crnlang.frontend.questions import check_query
from crnlang.frontend.rooms import (
    BUILT_IN_FUNCTIONS,
    CONSTANT,
    CONSTANTS,
    FUNCTION_BODY,
    KINDS,
    RATE,
    STATE,
    TIME_NAMES,
    Room,
)
from crnlang.ir.expr import ARITY


@dataclass(frozen=True, slots=True)
class Declared:
    """One declared name: its kind (a key of `KINDS`) and its place."""

    kind: str
    span: Span
    arity: int = 0


@dataclass(frozen=True, slots=True)
class Names:
    """Every name of a program that an expression may use."""

    table: Mapping[str, Declared] = field(default_factory=dict[str, Declared])

    def of_kind(self, *kinds: str) -> tuple[str, ...]:
        """Names of some kinds, in the order of their declarations."""
        return tuple(n for n, what in self.table.items() if what.kind in kinds)


def resolve_program(program: ast.Program, report: Report) -> None:
    """Look up every name; report all that are unknown, doubled or out of place.

    Constants, functions, observables and sets must stand above their first use in
    another declaration; reactions and queries may use what is declared below them.
    """
    _check_header(program, report)
    _check_single(program, report)
    names = _declare_all(program, report)
    _Checker(names, report).program(program)


def _check_header(program: ast.Program, report: Report) -> None:
    headers = [s for s in program.statements if isinstance(s, ast.Header)]
    if not headers:
        start = program.statements[0].span if program.statements else None
        report.add(NoHeader(start or Span(program.source, 0, 0)))
    for header in headers:
        if header.version != 1:
            report.add(WrongVersion(header.span, f"{header.version:g}"))
    if headers and headers[0] is not program.statements[0]:
        report.add(LateHeader(headers[0].span))


def _check_single(program: ast.Program, report: Report) -> None:
    single: dict[type, str] = {
        ast.Header: "crn",
        ast.ModelStatement: "model",
        ast.MassActionStatement: "massaction",
    }
    first: dict[type, Span] = {}
    for statement in program.statements:
        if (word := single.get(type(statement))) is None:
            continue
        if type(statement) in first:
            report.add(Repeated(statement.span, word, first[type(statement)]))
        first.setdefault(type(statement), statement.span)


def _declarations(
    program: ast.Program,
) -> Iterable[tuple[ast.Name, str, int]]:
    for statement in program.statements:
        match statement:
            case ast.ParameterDeclaration(name=name):
                yield name, "parameter", 0
            case ast.SpeciesDeclaration(names=several):
                for name in several:
                    yield name, "species", 0
            case ast.FunctionDeclaration(name=name, arguments=arguments):
                yield name, "function", len(arguments)
            case ast.ObserveStatement(name=name):
                yield name, "observable", 0
            case ast.SetStatement(name=name):
                yield name, "set", 0
            case _:
                pass  # declares no name for expressions


def _declare_all(program: ast.Program, report: Report) -> Names:
    table: dict[str, Declared] = {}
    for name, kind, arity in _declarations(program):
        if meaning := built_in_meaning(name.text):
            report.add(BuiltInName(name.span, name.text, meaning))
        elif name.text in table:
            report.add(DeclaredTwice(name.span, name.text, table[name.text].span))
        else:
            table[name.text] = Declared(kind, name.span, arity)
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
    return Names(table)


def built_in_meaning(name: str) -> str:
    """What a name means without being declared; empty for nothing."""
    if name in TIME_NAMES:
        return "the time"
    if name in CONSTANTS:
        return "a mathematical constant"
    return "a built-in function" if name in BUILT_IN_FUNCTIONS else ""


class _Checker:
    """Walks the program and reports every name that is misused."""

    def __init__(self, names: Names, report: Report) -> None:
        self.names = names
        self.report = report

    def program(self, program: ast.Program) -> None:
        for statement in program.statements:
            self.statement(statement)

    def statement(self, statement: ast.Statement) -> None:
        match statement:
            case ast.ParameterDeclaration(name, value, _, range_):
                self.expression(value, CONSTANT, before=name.span)
                if range_ is not None:
                    self.expression(range_.low, CONSTANT, before=name.span)
                    self.expression(range_.high, CONSTANT, before=name.span)
            case ast.FunctionDeclaration():
                self.function(statement)
            case ast.SpeciesDeclaration(bounds=bounds, start=start):
                self.values(bounds)
                if isinstance(start, ast.StartCount):
                    self.values(start.count)
                elif start is not None:
                    self.values(*start.arguments)
            case ast.ReactionStatement():
                self.reaction(statement)
            case ast.ObserveStatement(name, value) | ast.SetStatement(name, value):
                self.expression(value, STATE, before=name.span)
            case ast.QueryStatement():
                self.query(statement)
            case ast.SolveStatement(settings=settings):
                for setting in settings:
                    if not isinstance(setting.value, ast.Reference):
                        self.values(setting.value)
            case _:
                pass  # header, model, massaction use no names

    def function(self, declaration: ast.FunctionDeclaration) -> None:
        arguments: dict[str, Span] = {}
        for argument in declaration.arguments:
            if meaning := built_in_meaning(argument.text):
                self.report.add(BuiltInName(argument.span, argument.text, meaning))
            elif argument.text in arguments:
                first = arguments[argument.text]
                self.report.add(DeclaredTwice(argument.span, argument.text, first))
            arguments.setdefault(argument.text, argument.span)
        room = FUNCTION_BODY.with_arguments(arguments)
        self.expression(declaration.body, room, before=declaration.name.span)

    def reaction(self, reaction: ast.ReactionStatement) -> None:
        for side in reaction.sides:
            self.side(side)
        for name in reaction.catalysts:
            self.species(name)
        wanted = sum(2 if arrow.is_reversible else 1 for arrow in reaction.arrows)
        if wanted != len(reaction.laws):
            place = reaction.laws[0].span.to(reaction.laws[-1].span)
            words = f"{wanted} constant{'s' if wanted > 1 else ''}"
            self.report.add(WrongConstants(place, words, len(reaction.laws)))
        for law, side in zip(reaction.laws, self.reactants(reaction), strict=False):
            if isinstance(law, ast.PropensityLaw):
                self.expression(law.propensity, STATE)
            else:
                room = RATE.with_law(law.span.text, side, reaction.catalysts)
                self.expression(law.constant, room)

    def reactants(self, reaction: ast.ReactionStatement) -> list[ast.Side]:
        """The reactant side of each law, in the order of the laws."""
        sides: list[ast.Side] = []
        for i, arrow in enumerate(reaction.arrows):
            sides.append(reaction.sides[i])
            if arrow.is_reversible:
                sides.append(reaction.sides[i + 1])
        return sides

    def query(self, query: ast.QueryStatement) -> None:
        check_query(query, self.report)
        if query.kind.text == "dist":
            for argument in query.arguments:
                if isinstance(argument, ast.Reference):
                    self.species(ast.Name(argument.name, argument.span))
        else:
            for argument in query.arguments:
                self.expression(argument, STATE)
        for keyword in query.keywords:
            if keyword.key.text == "at":
                self.values(keyword.value)
            elif isinstance(keyword.value, ast.Expression):
                self.expression(keyword.value, STATE)

    def side(self, side: ast.Side) -> None:
        for term in side.terms:
            self.species(term.species)

    def species(self, name: ast.Name) -> None:
        found = self.names.table.get(name.text)
        if found is None:
            known = self.names.of_kind("species")
            self.report.add(_unknown(name.text, "species", name.span, known))
        elif found.kind != "species":
            self.report.add(
                WrongKind(
                    name.span, name.text, KINDS[found.kind], "a species", found.span
                )
            )

    def values(self, *values: ast.Value | None) -> None:
        """Values that must be known when the file is read."""
        for value in values:
            match value:
                case None:
                    pass
                case ast.ValueList(items):
                    self.values(*items)
                case ast.Steps(start, end, step):
                    self.values(start, end, step)
                case ast.Interval(low, high):
                    self.values(low, high)
                case _:
                    self.expression(value, CONSTANT)

    def expression(
        self, node: ast.Expression, room: Room, before: Span | None = None
    ) -> None:
        """Check the names of an expression; `before` is the declaration it is in."""
        match node:
            case ast.Reference(name, span):
                self.reference(name, span, room, before)
            case ast.Operation(_, operands):
                for operand in operands:
                    self.expression(operand, room, before)
            case ast.Application():
                self.application(node, before)
                for argument in node.arguments:
                    self.expression(argument, room, before)
            case ast.MassActionFactor(side, span):
                self.side(side)
                if "species" not in room.kinds:
                    self.refuse("ma(...)", "a species", span, room, span)
            case ast.Literal():
                pass

    def reference(self, name: str, span: Span, room: Room, before: Span | None) -> None:
        if name in room.arguments or name in CONSTANTS:
            return
        if name in TIME_NAMES:
            if not room.allows_time:
                self.report.add(TimeInConstant(span, name))
            return
        found = self.names.table.get(name)
        if found is None:
            known = [n for n in self.names.table if self.usable(n, room, before)]
            known += list(room.arguments)
            self.report.add(_unknown(name, room.noun, span, known))
        elif _is_too_late(found, before):
            self.report.add(UsedTooEarly(span, name, found.span))
        elif found.kind not in room.kinds:
            self.refuse(name, KINDS[found.kind], span, room, found.span)

    def usable(self, name: str, room: Room, before: Span | None) -> bool:
        found = self.names.table[name]
        return found.kind in room.kinds and not _is_too_late(found, before)

    def refuse(
        self, name: str, found: str, span: Span, room: Room, declared: Span
    ) -> None:
        """Report a known name of a kind that the room does not admit."""
        if room.law and found != KINDS["function"]:
            law, reactants = room.law, room.reactants
            factor = f"({law})*ma({reactants})" if reactants != "0" else law
            self.report.add(SpeciesInRate(span, name, found, reactants, law, factor))
        else:
            self.report.add(WrongKind(span, name, found, room.wanted, declared))

    def application(self, node: ast.Application, before: Span | None) -> None:
        name, given = node.name.text, len(node.arguments)
        expected = self.arity(node.name, before)
        if expected is None:
            return
        if given != expected:
            words = f"{expected} argument{'' if expected == 1 else 's'}"
            fix = BUILT_IN_USAGE.get(name, "")
            self.report.add(WrongArguments(node.span, name, words, given, fix))

    def arity(self, name: ast.Name, before: Span | None) -> int | None:
        """Number of arguments of a function; `None` with a report if it is none."""
        if name.text in BUILT_IN_FUNCTIONS:
            return ARITY[BUILT_IN_FUNCTIONS[name.text]]
        found = self.names.table.get(name.text)
        if found is None:
            known = [*self.names.of_kind("function"), *BUILT_IN_FUNCTIONS]
            self.report.add(_unknown(name.text, "function", name.span, known))
        elif found.kind != "function":
            kind = KINDS[found.kind]
            self.report.add(
                WrongKind(name.span, name.text, kind, "a function", found.span)
            )
        elif _is_too_late(found, before):
            self.report.add(UsedTooEarly(name.span, name.text, found.span))
        else:
            return found.arity
        return None


BUILT_IN_USAGE = {
    "if": "write `if(condition, value, otherwise)`",
    "hill": "write `hill(X, v, K, n)` for v*X^n/(X^n + K^n)",
    "hillr": "write `hillr(X, v, K, n)` for v*K^n/(X^n + K^n)",
    "hillar": "write `hillar(X, Y, v, K, n)` for v*X^n/(X^n + Y^n + K^n)",
    "mm": "write `mm(X, v, K)` for v*X/(X + K)",
    "mmr": "write `mmr(X, v, K)` for v*K/(X + K)",
}


def _is_too_late(found: Declared, before: Span | None) -> bool:
    """Whether a declaration uses what stands below it (or itself)."""
    if before is None or found.kind == "species":
        return False
    return found.span.start >= before.start


def _unknown(name: str, kind: str, span: Span, known: Iterable[str]) -> UnknownName:
    names = list(known)
    return UnknownName(span, name, kind, listing(names), suggest(name, names))
