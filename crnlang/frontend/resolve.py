"""Surface tree -> names; report every name that is unknown, doubled or misused."""

from collections.abc import Iterable

from crnlang.diagnostics import MOST_SHOWN, Report, Span, listing, suggest
from crnlang.frontend import ast
from crnlang.frontend.convention import NAMES as CONVENTIONS
from crnlang.frontend.convention import find_convention, find_repeated
from crnlang.frontend.errors import (
    BuiltInName,
    DeclaredTwice,
    LateHeader,
    NoHeader,
    Repeated,
    SpeciesInRate,
    TimeInConstant,
    UnknownChoice,
    UnknownName,
    UsedTooEarly,
    WrongArguments,
    WrongConstants,
    WrongKind,
    WrongVersion,
)
from crnlang.frontend.names import Declared, Names, built_in_meaning, declare_names
from crnlang.frontend.questions import TIMES, check_query, is_count
from crnlang.frontend.rooms import (
    BUILT_IN_FUNCTIONS,
    CHANGED,
    CONSTANT,
    CONSTANTS,
    COUNTS,
    FUNCTION_BODY,
    KINDS,
    RATE,
    STATE,
    TIME_NAMES,
    Room,
)
from crnlang.ir.expr import ARITY


def resolve_program(program: ast.Program, report: Report) -> Names:
    """Look up every name; report all that are unknown, doubled or out of place.

    Constants, functions, observables and sets must stand above their first use in
    another declaration; reactions and queries may use what is declared below them.
    """
    _check_header(program, report)
    _check_single(program, report)
    names = declare_names(program, report)
    has_convention = find_convention(program) is not None
    _Checker(names, report, has_convention=has_convention).program(program)
    return names


def _check_header(program: ast.Program, report: Report) -> None:
    """Report a header that is missing, late or of another version.

    Lines above all others that cannot be read may be a damaged header.
    """
    before: list[ast.Statement] = []
    is_damaged = False
    for statement in program.statements:
        if isinstance(statement, ast.Header):
            if statement.version != 1:
                report.add(WrongVersion(statement.span, f"{statement.version:g}"))
            if before and not is_damaged:
                report.add(LateHeader(statement.span))
            return
        if isinstance(statement, ast.Unread) and not before:
            is_damaged = is_damaged or statement.word in ("crn", "")
        else:
            before.append(statement)
    if before and not is_damaged:
        report.add(NoHeader(before[0].span))


def _check_single(program: ast.Program, report: Report) -> None:
    single: dict[type, str] = {
        ast.Header: "crn",
        ast.ModelStatement: "model",
        ast.MassActionStatement: "massaction",
        ast.VolumeStatement: "volume",
        ast.LatticeStatement: "lattice",
    }
    first: dict[str, Span] = {}
    for statement in program.statements:
        if isinstance(statement, ast.Unread):
            word = statement.word
        elif (word := single.get(type(statement), "")) in first:
            report.add(Repeated(statement.span, word, first[word]))
        if word:
            first.setdefault(word, statement.span)


class _Checker:
    """Walks the program and reports every name that is misused."""

    def __init__(self, names: Names, report: Report, *, has_convention: bool) -> None:
        self.names = names
        self.report = report
        self.has_convention = has_convention
        self.order = 0  #: of the statement that is looked at
        self.unknowns = 0

    def program(self, program: ast.Program) -> None:
        for order, statement in enumerate(program.statements):
            self.order = order
            self.statement(statement)

    def statement(self, statement: ast.Statement) -> None:
        match statement:
            case ast.VolumeStatement(value=value) | ast.UnitDefinition(value=value):
                self.values(value, before=statement.span)
            case ast.LatticeStatement(sizes=sizes, options=options):
                self.values(*sizes, before=statement.span)
                for option in options:
                    if option.key.text == "spacing":
                        self.values(*option.values, before=statement.span)
            case ast.ParameterDeclaration(name, index, value, _, range_):
                room = CONSTANT.with_arguments(self.arguments(index))
                self.expression(value, room, before=name.span)
                if range_ is not None:
                    self.expression(range_.low, CONSTANT, before=name.span)
                    self.expression(range_.high, CONSTANT, before=name.span)
            case ast.MassActionStatement(name):
                if name.text not in CONVENTIONS:
                    known, fix = listing(CONVENTIONS), suggest(name.text, CONVENTIONS)
                    choice = (name.span, "convention", name.text, known, fix)
                    self.report.add(UnknownChoice(*choice))
            case ast.FunctionDeclaration():
                self.function(statement)
            case ast.SpeciesDeclaration(bounds=bounds, start=start):
                self.values(bounds)
                if start is not None:
                    self.start(start)
            case ast.InitStatement(element, start):
                self.element(element)
                self.start(start)
            case ast.DiffuseStatement(names, _, rate):
                for name in names:
                    self.species(name)
                self.expression(rate, RATE)
            case ast.EventStatement():
                self.event(statement)
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
                pass  # header and model use no names

    def event(self, event: ast.EventStatement) -> None:
        if event.word.text == "when":
            self.expression(event.moment, COUNTS)
        else:
            self.values(event.moment)
        for change in event.changes:
            if change.element is not None:
                self.values(*change.element.index)
            name, span = change.name.text, change.name.span
            self.reference(name, span, CHANGED, None)
            found = self.names.table.get(name)
            is_count = found is not None and found.kind == "species"
            self.expression(change.value, COUNTS if is_count else CONSTANT)

    def start(self, start: ast.Start) -> None:
        if isinstance(start, ast.StartCount):
            self.values(start.count)
        elif isinstance(start, ast.StartLaw):
            self.values(*start.arguments)

    def element(self, element: ast.Element) -> None:
        """A species at one site, its index a constant."""
        self.species(element.name)
        self.values(*element.index)

    def arguments(self, names: Iterable[ast.Name]) -> Iterable[str]:
        """The names that stand for arguments, or for the indices of a site."""
        first: dict[str, Span] = {}
        for name in names:
            if meaning := built_in_meaning(name.text):
                self.report.add(BuiltInName(name.span, name.text, meaning))
            elif name.text in first:
                before = first[name.text]
                self.report.add(DeclaredTwice(name.span, name.text, before))
            first.setdefault(name.text, name.span)
        return first

    def function(self, declaration: ast.FunctionDeclaration) -> None:
        room = FUNCTION_BODY.with_arguments(self.arguments(declaration.arguments))
        self.expression(declaration.body, room, before=declaration.name.span)

    def reaction(self, reaction: ast.ReactionStatement) -> None:
        for side in reaction.sides:
            self.side(side)
        for name in reaction.catalysts:
            self.species(name)
        channels = reaction.channels()
        if len(channels) != len(reaction.laws):
            place = reaction.laws[0].span.to(reaction.laws[-1].span)
            words = f"{len(channels)} constant{'s' if len(channels) > 1 else ''}"
            self.report.add(WrongConstants(place, words, len(reaction.laws)))
        for law, (side, _, _) in zip(reaction.laws, channels, strict=False):
            match law:
                case ast.PropensityLaw(propensity):
                    self.expression(propensity, STATE)
                case ast.ConstantLaw(constant):
                    self.mass_action(side)
                    room = RATE.with_law(law.span.text, side, reaction.catalysts)
                    self.expression(constant, room)
                case ast.UnreadLaw(is_constant):
                    if is_constant:
                        self.mass_action(side)

    def mass_action(self, side: ast.Side) -> None:
        """Report a side that needs a convention which the file does not name."""
        error = None if self.has_convention else find_repeated(side)
        if error is not None:
            self.report.add(error)

    def query(self, query: ast.QueryStatement) -> None:
        check_query(query, self.names.table, self.report)
        if query.kind.text == "dist":
            for argument in query.arguments:
                if isinstance(argument, ast.Reference):
                    self.species(ast.Name(argument.name, argument.span))
                elif isinstance(argument, ast.Element):
                    self.element(argument)
        else:
            for argument in query.arguments:
                self.expression(argument, STATE)
        for keyword in query.keywords:
            if is_count(query, keyword):
                self.species(keyword.key)
            if is_count(query, keyword) or keyword.key.text in TIMES:
                self.values(keyword.value)
            elif isinstance(keyword.value, ast.Expression):
                self.expression(keyword.value, STATE)
        for count in query.site_counts:
            self.element(count.element)
            self.values(count.value)

    def side(self, side: ast.Side) -> None:
        for term in side.terms:
            self.species(term.species)

    def species(self, name: ast.Name) -> None:
        if name.text in self.names.doubtful:
            return
        found = self.names.table.get(name.text)
        if found is None:
            self.unknown(name.text, "species", name.span, self.names.of_kind("species"))
        elif found.kind != "species":
            self.report.add(
                WrongKind(
                    name.span, name.text, KINDS[found.kind], "a species", found.span
                )
            )

    def values(self, *values: ast.Value | None, before: Span | None = None) -> None:
        """Values that must be known when the file is read; `before` is as below."""
        for value in values:
            match value:
                case None:
                    pass
                case ast.ValueList(items):
                    self.values(*items, before=before)
                case ast.Steps(start, end, step):
                    self.values(start, end, step, before=before)
                case ast.Interval(low, high):
                    self.values(low, high, before=before)
                case _:
                    self.expression(value, CONSTANT, before)

    def expression(
        self, node: ast.Expression, room: Room, before: Span | None = None
    ) -> None:
        """Check the names of an expression; `before` is the declaration it is in."""
        match node:
            case ast.Reference(name, span):
                self.reference(name, span, room, before)
            case ast.Element(name, index):
                self.reference(name.text, name.span, room, before)
                self.values(*index)
            case ast.Operation(_, operands):
                for operand in operands:
                    self.expression(operand, room, before)
            case ast.Application():
                self.application(node, before)
                for argument in node.arguments:
                    self.expression(argument, room, before)
            case ast.MassActionFactor(side, span):
                self.side(side)
                self.mass_action(side)
                if "species" not in room.kinds:
                    self.refuse("ma(...)", "a species", span, room, span)
            case ast.Literal():
                pass

    def reference(self, name: str, span: Span, room: Room, before: Span | None) -> None:
        if name in room.arguments or name in self.names.doubtful or name in CONSTANTS:
            return
        if name in TIME_NAMES:
            if not room.allows_time:
                self.report.add(TimeInConstant(span, name))
            return
        found = self.names.table.get(name)
        if found is None:
            known = [n for n in self.names.table if self.usable(n, room, before)]
            self.unknown(name, room.noun, span, [*known, *room.arguments])
        elif self.is_too_late(found, before):
            self.report.add(UsedTooEarly(span, name, found.span))
        elif found.kind not in room.kinds:
            self.refuse(name, KINDS[found.kind], span, room, found.span)

    def unknown(self, name: str, kind: str, span: Span, known: Iterable[str]) -> None:
        names = list(known)
        self.unknowns += 1
        is_shown = self.unknowns <= MOST_SHOWN
        fix = suggest(name, [*names, *self.names.doubtful]) if is_shown else ""
        self.report.add(UnknownName(span, name, kind, listing(names), fix))

    def usable(self, name: str, room: Room, before: Span | None) -> bool:
        found = self.names.table[name]
        return found.kind in room.kinds and not self.is_too_late(found, before)

    def is_too_late(self, found: Declared, before: Span | None) -> bool:
        """Whether a declaration uses what stands below it (or itself)."""
        if before is None or found.kind == "species":
            return False
        return found.order >= self.order

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
        """Number of arguments of a function; `None` where it is none, or doubtful."""
        if name.text in self.names.doubtful:
            return None
        if name.text in BUILT_IN_FUNCTIONS:
            return ARITY.get(BUILT_IN_FUNCTIONS[name.text], 1)
        found = self.names.table.get(name.text)
        if found is None:
            known = [*self.names.of_kind("function"), *BUILT_IN_FUNCTIONS]
            self.unknown(name.text, "function", name.span, known)
        elif found.kind != "function":
            kind = KINDS[found.kind]
            self.report.add(
                WrongKind(name.span, name.text, kind, "a function", found.span)
            )
        elif self.is_too_late(found, before):
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
    **{name: f"write `{name}(X)`: X at every site" for name in ("sum", "mean")},
}
