"""Units of constants -> what a constant behind `@` is multiplied with.

A constant of order n, in concentrations, has the unit of 1/(M^(n-1)*s); with the volume
V, copy numbers need V^(1-n) times that. In copy numbers it is 1/s for every order. Only
a constant that is the plain name of a parameter with a known unit is looked at.
"""

import math
import re
from dataclasses import replace

from crnlang.diagnostics import Diagnostic, Report
from crnlang.frontend import ast
from crnlang.frontend.scope import Measure, Scope
from crnlang.frontend.unit_errors import BadUnit, NoVolume, OtherTime, WrongUnit
from crnlang.frontend.units import UNITS, read_unit


def note_unit(declaration: ast.ParameterDeclaration, scope: Scope) -> None:
    """Remember the unit of a parameter, if it is known."""
    if declaration.unit is None:
        return
    unit = read_unit(declaration.unit, scope.units)
    if unit is None:
        scope.strange.append(declaration)
    else:
        measure = Measure(unit, declaration.unit, declaration.name.span)
        scope.measures[declaration.name.text] = measure


def define_unit(
    definition: ast.UnitDefinition, value: float | None, scope: Scope, report: Report
) -> None:
    """Make a unit known to what stands below; what is wrong with it is reported."""
    name = definition.name
    unit = read_unit(definition.unit, scope.units)
    early = [one for one in scope.strange if name.text in _words(one.unit)]
    reason = fix = ""
    if name.text in UNITS:
        reason = f"`{name.text}` is a unit of the language"
        fix = "give yours another name"
    elif name.text in scope.units:
        reason = f"the unit `{name.text}` is defined twice"
        fix = "take one of the two away, or give it another name"
    elif early:
        reason = f"`{early[0].name.text}`, above, is in the unit `{name.text}` already"
        fix = "write the definition above it"
    elif unit is None and not scope.ground.are_units_doubtful:
        reason = f"[{definition.unit}] holds a unit that is not known"
        fix = "define it above, or use `s min h d m L M mol molecule count`"
    elif value is not None and not value > 0:
        reason, fix = "a unit is a positive number of another", "write a number above 0"
    if reason:
        report.add(BadUnit(name.span, reason, fix))
    # a unit of one's own for time, like `week`, is one in which time is measured
    if unit is not None:
        scale = (value if value is not None and value > 0 else 1.0) * unit.scale
        is_time = (unit.time, unit.length) == (1, 0)
        found = replace(unit, scale=scale, second=scale if is_time else unit.second)
        scope.units.setdefault(name.text, found)


def _words(text: str | None) -> list[str]:
    return re.findall(r"[A-Za-z_]\w*", text or "")


def lower_volume(
    statement: ast.VolumeStatement, value: float | None, scope: Scope, report: Report
) -> float | None:
    """The volume in cubic metres; `None` after a refusal, which is reported."""
    unit = read_unit(statement.unit, scope.units)
    if unit is None and scope.ground.are_units_doubtful:
        return None
    if unit is None or (unit.time, unit.length) != (0, 3) or (value or 1.0) <= 0:
        wanted, fix = "a volume above 0", "write `volume 1 [fL]` or `volume 2 [um^3]`"
        shown = ("volume", statement.unit, wanted, fix)
        report.add(WrongUnit(statement.span, *shown))
        return None
    return None if value is None else value * unit.scale


def rate_factor(
    constant: ast.Expression, order: int, scope: Scope, report: Report
) -> float:
    """What a constant of mass action is to be multiplied with, 1 for most.

    What is wrong with its unit is reported.
    """
    measure = _measure_of(constant, scope)
    if measure is None:
        return 1.0
    unit, shown = measure.unit, (constant.span.text, measure.text)
    is_molar = order != 1 and unit.length == 3 * (order - 1)
    if unit.time != -1 or not (unit.length == 0 or is_molar):
        wanted = _wanted(order)
        fix = "correct the unit, or the equation"
        report.add(WrongUnit(constant.span, *shown, wanted, fix))
        return 1.0
    if (error := _other_time(measure, constant, scope)) is not None:
        report.add(error)
        return 1.0
    factor = unit.scale * unit.second
    if not is_molar:
        return factor
    if scope.ground.volume is None:
        if not scope.ground.is_volume_doubtful:
            report.add(NoVolume(constant.span, *shown))
        return 1.0
    try:
        return factor * scope.ground.volume ** (1 - order)
    except (OverflowError, ZeroDivisionError):
        return math.inf  # as a constant it is refused where constants are checked


def check_diffusion(
    statement: ast.DiffuseStatement, scope: Scope, report: Report
) -> None:
    """Report a hop rate or a coefficient in a unit of another kind."""
    measure = _measure_of(statement.rate, scope)
    if measure is None:
        return
    length, wanted = (0, "[1/s]") if statement.word is None else (2, "[um^2/s]")
    shown = (statement.rate.span.text, measure.text)
    if (measure.unit.time, measure.unit.length) != (-1, length):
        fix = "`diffuse X @ d` takes hops, `diffuse X coefficient D` a coefficient"
        report.add(WrongUnit(statement.rate.span, *shown, wanted, fix))
    elif (error := _other_time(measure, statement.rate, scope)) is not None:
        report.add(error)


def _measure_of(node: ast.Expression, scope: Scope) -> Measure | None:
    return scope.measures.get(node.name) if isinstance(node, ast.Reference) else None


def _wanted(order: int) -> str:
    if order == 1:
        return "[1/s]"
    molar = {0: "M/s", 2: "1/(M*s)"}.get(order, f"1/(M^{order - 1}*s)")
    return f"[1/s] (copy numbers) or [{molar}]"


def _other_time(
    measure: Measure, node: ast.Expression, scope: Scope
) -> Diagnostic | None:
    """The error for a second unit of time in one file."""
    first = next((m for m in scope.measures.values() if m.unit.time), measure)
    if first.unit.second == measure.unit.second:
        return None
    return OtherTime(node.span, node.span.text, measure.text, first.span)
