"""Species declarations -> species with caps and starts."""

import math
from collections.abc import Iterable

from crnlang.diagnostics import Report, listing, suggest
from crnlang.frontend import ast
from crnlang.frontend.errors import BadRange, NotWhole, UnknownChoice, WrongArguments
from crnlang.frontend.expressions import try_constant
from crnlang.frontend.files import probabilities, read_rows
from crnlang.frontend.lattice_errors import NoLattice
from crnlang.frontend.scope import Refused, Scope
from crnlang.ir.expr import Count
from crnlang.ir.network import (
    MAX_CAP,
    Binomial,
    Delta,
    Initial,
    Poisson,
    Species,
    Table,
    Uniform,
)

#: What each law takes; `table` takes a file.
_LAWS = {
    "poisson": ("mean",),
    "binomial": ("trials", "probability"),
    "uniform": ("low", "high"),
}


def lower_species(
    declarations: Iterable[ast.SpeciesDeclaration], scope: Scope, report: Report
) -> tuple[Species, ...]:
    """Every species, entered into the scope; what is wrong is reported.

    A cap or a start with an error is replaced by one that rules out as little as
    possible, and the place of the name is marked.
    """
    found: list[Species] = []
    for declaration in declarations:
        is_sound = True
        cap = initial = None
        if declaration.bounds is not None:
            cap = _cap(declaration.bounds, scope, report)
            is_sound = cap is not None
            cap = MAX_CAP if cap is None else cap
        if declaration.start is not None:
            initial = lower_start(declaration.start, scope, report)
        else:
            initial = Delta(0)
        is_per_site = _is_per_site(declaration.place, scope, report)
        is_sound = is_sound and initial is not None
        for name in filter(scope.names.declares, declaration.names):
            if not is_sound:
                report.distrust(name.span)
            scope.species[name.text] = len(found)
            scope.values[name.text] = Count(len(found))
            if is_per_site:
                scope.ground.per_site.add(len(found))
            start = initial or Delta(0)
            found.append(Species(name.text, cap, start, name.span, is_per_site))
        if not all(map(scope.names.declares, declaration.names)):
            report.leave_out("species")
    return tuple(found)


def _cap(bounds: ast.Interval, scope: Scope, report: Report) -> int | None:
    """The declared cap; `None` after a refusal, which is reported."""
    low = _whole(bounds.low, scope, "the lower bound", report)
    if low:
        report.add(NotWhole(bounds.low.span, "the lower bound", "0", f"{low}"))
    return _whole(bounds.high, scope, "the cap", report)


def _whole(node: ast.Expression, scope: Scope, what: str, report: Report) -> int | None:
    """A copy number; `None` after a refusal, which is reported."""
    value = try_constant(node, scope, what, report)
    if value is None:
        return None
    if value == math.floor(value) and 0 <= value <= MAX_CAP:
        return int(value)
    wanted = f"a whole number from 0 to {MAX_CAP}"
    report.add(NotWhole(node.span, what, wanted, f"{value:g}"))
    return None


def _is_per_site(place: ast.Name | None, scope: Scope, report: Report) -> bool:
    """Whether `per site` stands there; what is wrong with it is reported."""
    if place is None:
        return False
    if place.text != "site":
        fix = "write `per site`"
        report.add(UnknownChoice(place.span, "place", place.text, "site", fix))
    elif scope.ground.lattice is None and not scope.ground.is_doubtful:
        report.add(NoLattice(place.span, "`per site`"))
    return scope.ground.lattice is not None


def lower_start(start: ast.Start, scope: Scope, report: Report) -> Initial | None:
    """The law at the start; `None` after a refusal, which is reported."""
    if isinstance(start, ast.StartCount):
        count = _whole(start.count, scope, "the start", report)
        return None if count is None else Delta(count)
    name = start.law
    if isinstance(start, ast.StartTable) and name.text == "table":
        return _table(start.file, report)
    if name.text not in _LAWS:
        known, fix = listing(_LAWS), suggest(name.text, _LAWS)
        if name.text == "table":
            fix = 'write `~ table("start.csv")`'
        choice = UnknownChoice(name.span, "initial law", name.text, known, fix)
        report.add(choice)
        return None
    wanted = _LAWS[name.text]
    arguments = start.arguments if isinstance(start, ast.StartLaw) else ()
    if isinstance(start, ast.StartTable) or len(arguments) != len(wanted):
        words = f"{len(wanted)} argument{'s' if len(wanted) > 1 else ''}"
        usage = f"write `{name.text}({', '.join(wanted)})`"
        given = len(arguments)
        report.add(WrongArguments(start.span, name.text, words, given, usage))
        return None
    if name.text == "poisson":
        return _poisson(start, scope, report)
    return (_binomial if name.text == "binomial" else _uniform)(start, scope, report)


def _table(file: ast.File, report: Report) -> Initial | None:
    """The law that a file tabulates; `None` after a refusal, which is reported."""
    try:
        rows = read_rows(file)
        return Table(tuple(probabilities(rows, file)))
    except Refused as refused:
        refused.tell(report)
        return None


def _poisson(start: ast.StartLaw, scope: Scope, report: Report) -> Initial | None:
    (argument,) = start.arguments
    mean = try_constant(argument, scope, "the mean", report)
    if mean is not None and mean < 0:
        report.add(NotWhole(argument.span, "the mean", "0 or more", f"{mean:g}"))
        return None
    return None if mean is None else Poisson(mean)


def _binomial(start: ast.StartLaw, scope: Scope, report: Report) -> Initial | None:
    first, last = start.arguments
    trials = _whole(first, scope, "the number of trials", report)
    chance = try_constant(last, scope, "the probability", report)
    if chance is not None and not 0 <= chance <= 1:
        wanted, shown = "between 0 and 1", f"{chance:g}"
        report.add(NotWhole(last.span, "the probability", wanted, shown))
        return None
    return None if trials is None or chance is None else Binomial(trials, chance)


def _uniform(start: ast.StartLaw, scope: Scope, report: Report) -> Initial | None:
    first, last = start.arguments
    low = _whole(first, scope, "the lower end", report)
    high = _whole(last, scope, "the upper end", report)
    if low is None or high is None:
        return None
    if low > high:
        reason = f"uniform({low}, {high}) is empty: low must not exceed high"
        report.add(BadRange(start.span, reason))
        return None
    return Uniform(low, high)
