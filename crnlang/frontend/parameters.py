"""`param`, `unit`, `volume` and `lattice` statements -> constants, in their order."""

import numpy as np
from jaxtyping import Float

from crnlang.diagnostics import Report
from crnlang.frontend import ast
from crnlang.frontend.errors import BadRange, NotFinite, OutsideRange, UnknownChoice
from crnlang.frontend.expressions import lower_expression, try_constant
from crnlang.frontend.lattice_errors import NoLattice, NoSuchSite
from crnlang.frontend.lattices import lower_lattice
from crnlang.frontend.measures import define_unit, lower_volume, note_unit
from crnlang.frontend.scope import Reading, Refused, Scope
from crnlang.ir.evaluate import evaluate_float64
from crnlang.ir.expr import ParameterRef
from crnlang.ir.network import Parameter


def lower_parameters(
    program: ast.Program, scope: Scope, report: Report
) -> tuple[Parameter, ...]:
    """The parameters with a value; each becomes usable for what stands below it.

    So do units, the volume and the lattice, which parameters may give.
    """
    found: list[Parameter] = []
    for statement in program.statements:
        match statement:
            case ast.ParameterDeclaration(name=name):
                parameter = _parameter(statement, scope, report)
                if parameter is not None and scope.names.declares(name):
                    note_unit(statement, scope)
                    scope.values[parameter.name] = ParameterRef(len(found))
                    values = np.array(parameter.site_values)
                    scope.constants.append(values if len(values) else parameter.value)
                    found.append(parameter)
            case ast.UnitDefinition(_, node):
                value = try_constant(node, scope, "the unit", report)
                define_unit(statement, value, scope, report)
            case ast.VolumeStatement(node):
                value = try_constant(node, scope, "the volume", report)
                scope.ground.volume = lower_volume(statement, value, scope, report)
                scope.ground.is_volume_doubtful = scope.ground.volume is None
            case ast.Unread(word="unit"):
                scope.ground.are_units_doubtful = True
            case ast.Unread(word="volume"):
                scope.ground.is_volume_doubtful = True
            case ast.LatticeStatement() if scope.ground.lattice is None:
                scope.ground.lattice = lower_lattice(statement, scope, report)
                scope.ground.is_doubtful = scope.ground.lattice is None
            case ast.Unread(word="lattice"):
                scope.ground.is_doubtful = True
            case _:
                pass  # declares no constant
    return tuple(found)


def _parameter(
    declaration: ast.ParameterDeclaration, scope: Scope, report: Report
) -> Parameter | None:
    name, span = declaration.name.text, declaration.span
    values = _values(declaration, scope, report)
    range_ = declaration.range
    ends = None if range_ is None else _range(range_, scope, report)
    if values is None:
        return None
    low, high = ends or (None, None)
    outside = [v for v in values if ends is not None and not ends[0] <= v <= ends[1]]
    if ends is not None and outside:
        shown = (f"{outside[0]:g}", f"{ends[0]:g}", f"{ends[1]:g}")
        report.add(OutsideRange(declaration.value.span, name, *shown))
    is_log = range_ is not None and range_.scale is not None
    site_values = tuple(values) if declaration.index else ()
    value = np.nan if declaration.index else values[0]
    unit = declaration.unit
    return Parameter(name, value, low, high, is_log, unit, span, site_values)


def _values(
    declaration: ast.ParameterDeclaration, scope: Scope, report: Report
) -> list[float] | None:
    """The value, or one for each site; `None` after a refusal, which is reported."""
    what = f"the parameter `{declaration.name.text}`"
    if not declaration.index:
        value = try_constant(declaration.value, scope, what, report)
        return None if value is None else [value]
    try:
        return _site_values(declaration, scope, what, report).tolist()
    except Refused as refused:
        refused.tell(report)
        return None


def _site_values(
    declaration: ast.ParameterDeclaration, scope: Scope, what: str, report: Report
) -> Float[np.ndarray, " sites"]:
    """The values of `k[i, j] = ...`.

    Raises:
        Refused: no lattice above, a wrong number of indices, or no finite value.
    """
    name, index = declaration.name, declaration.index
    place = name.span.to(index[-1].span)
    lattice = scope.ground.lattice
    if scope.ground.is_doubtful:
        raise Refused
    if lattice is None:
        raise Refused(NoLattice(place, f"`{name.text}[...]`"))
    if len(index) != len(lattice.shape):
        ranges = ", ".join(f"0..{size - 1}" for size in lattice.shape)
        raise Refused(NoSuchSite(place, place.text + "]", ranges))
    names = [one.text for one in index]
    value = declaration.value
    reading = Reading.SITE_CONSTANT
    expr = lower_expression(value, scope, report, reading, names)
    columns = list(lattice.coordinates().T.astype(np.float64))
    found = evaluate_float64(expr, columns, scope.constants, 0.0)
    bad = found[~np.isfinite(found)].ravel()
    if len(bad):
        raise Refused(NotFinite(value.span, what, f"{bad[0]:g}"))
    return np.broadcast_to(found, lattice.sites)


def _range(
    range_: ast.Range, scope: Scope, report: Report
) -> tuple[float, float] | None:
    """The two ends of a range; `None` where one has an error, or both together."""
    low = try_constant(range_.low, scope, "the range", report)
    high = try_constant(range_.high, scope, "the range", report)
    scale = range_.scale
    if scale is not None and scale.text != "log":
        report.add(UnknownChoice(scale.span, "scale", scale.text, "log", "write `log`"))
    if low is None or high is None:
        return None
    if low >= high:
        reason = f"the range {low:g}..{high:g} is empty: low must be below high"
        report.add(BadRange(range_.span, reason))
        return None
    if scale is not None and low <= 0:
        reason = "a logarithmic range must begin above 0"
        report.add(BadRange(range_.span, reason))
    return low, high
