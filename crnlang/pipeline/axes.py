"""`--param k=0.1:10:log:7` -> values of a parameter; files with other values."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from crnlang.compiler import Compilation
from crnlang.frontend.ast import ParameterDeclaration, Program
from crnlang.ir.network import Parameter
from crnlang.pipeline.overrides import read_value
from crnlang.pipeline.rewrite import outside_modules, rewrite
from crnlang.settings import SettingError, fix_name

#: More points than this are a slip of the finger.
MOST_POINTS = 100_000
FORMS = "write `k=1,2,5`, `k=0.1:10:log:7`, `k=0:1:lin:5`, `k=0:1:0.25` or `k=range:7`"


@dataclass(frozen=True, slots=True)
class Axis:
    """A parameter and the values that it takes, in order."""

    name: str
    values: tuple[float, ...]


def parse_axes(texts: Iterable[str], compilation: Compilation) -> tuple[Axis, ...]:
    """The parameters to vary, in the order given.

    Raises:
        SettingError: a text that cannot be read, a parameter that the file does not
            declare at its top or that is given twice, or too many points.
    """
    declared = _declared(compilation.program)
    known = {one.name: one for one in compilation.network.parameters}
    found: list[Axis] = []
    for text in texts:
        name, equals, values = (part.strip() for part in text.partition("="))
        if not (name and equals and values):
            raise SettingError("param", f"`--param {text}` names no values", FORMS)
        if name not in declared or name not in known:
            reason = f"the file declares no parameter `{name}`"
            raise SettingError("param", reason, fix_name(name, declared))
        if declared[name].index:
            reason = f"`{name}` has a value for each site, which cannot be varied"
            fix = "multiply it by a parameter of its own, and vary that"
            raise SettingError("param", reason, fix)
        if any(one.name == name for one in found):
            raise SettingError("param", f"`{name}` is given twice", "join the lists")
        found.append(Axis(name, parse_values(values, known[name])))
    size = math.prod(len(axis.values) for axis in found)
    if size > MOST_POINTS:
        reason = f"{size:,} points are more than {MOST_POINTS:,}"
        raise SettingError("param", reason, "take fewer values")
    return tuple(found)


def parse_values(text: str, parameter: Parameter) -> tuple[float, ...]:
    """The values of a list or a grid.

    Raises:
        SettingError: they cannot be read.
    """
    name, parts = parameter.name, [part.strip() for part in text.split(":")]
    if parts[0] == "range" and len(parts) == 2:
        return _in_range(parameter, _count(name, parts[1]))
    if len(parts) == 4 and parts[2] in ("log", "lin"):
        low, high = (_number(name, part) for part in parts[:2])
        return _grid(name, low, high, _count(name, parts[3]), is_log=parts[2] == "log")
    if len(parts) == 3:
        low, high, step = (_number(name, part) for part in parts)
        if step <= 0 or high < low or (high - low) / step > MOST_POINTS:
            reason = f"`{text}` holds no values of `{name}`, or too many"
            raise SettingError("param", reason, "write `start:end:step`, or " + FORMS)
        times = read_value(name, text)
        assert isinstance(times, tuple)
        return times
    if len(parts) > 1:
        raise SettingError("param", f"`{text}` is no list and no grid", FORMS)
    values = tuple(_number(name, part) for part in text.strip("[]").split(","))
    if len(set(values)) < len(values):
        reason = f"`{name}` takes a value of `{text}` twice"
        raise SettingError("param", reason, "leave one out")
    return values


def _in_range(parameter: Parameter, count: int) -> tuple[float, ...]:
    """Values over the range that stands behind the parameter in the file."""
    low, high = parameter.low, parameter.high
    if low is None or high is None:
        reason = f"`{parameter.name}` has no range in the file"
        fix = f"write `param {parameter.name} = ... in 0.1..10 log` there, or a grid"
        raise SettingError("param", reason, fix)
    return _grid(parameter.name, low, high, count, is_log=parameter.is_log)


def _grid(
    name: str, low: float, high: float, count: int, *, is_log: bool
) -> tuple[float, ...]:
    """Evenly spaced values, or with even ratios; both ends are among them."""
    if is_log and not 0 < low < high:
        reason = f"`{name}` cannot go from {low:g} to {high:g} in even ratios"
        raise SettingError("param", reason, "both must be above 0, and ascend")
    if not low < high and count > 1:
        reason = f"`{name}` goes from {low:g} to {high:g}"
        raise SettingError("param", reason, "let the values ascend")
    if count == 1:
        return (low,)
    values = np.geomspace(low, high, count) if is_log else np.linspace(low, high, count)
    # twelve digits: 0.1, not 0.10000000000000002
    return (low, *(float(f"{one:.12g}") for one in values[1:-1]), high)


def _number(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise SettingError("param", f"`{name}` cannot be `{text}`", FORMS)
    return value


def _count(name: str, text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_POINTS:
        reason = f"`{text}` is no number of values of `{name}`"
        raise SettingError("param", reason, "write a whole number above 0")
    return int(text)


def with_values(program: Program, values: Mapping[str, float]) -> str:
    """The text of a file with other values of parameters, all else as it was."""
    declared = _declared(program)
    return rewrite(
        program,
        [(declared[name].value.span, spelled(value)) for name, value in values.items()],
    )


def spelled(value: float) -> str:
    """A number with all its digits, without a needless `.0`."""
    return repr(float(value)).removesuffix(".0")


def _declared(program: Program) -> dict[str, ParameterDeclaration]:
    """The parameters that the file declares outside of modules."""
    return {
        one.name.text: one
        for one in outside_modules(program)
        if isinstance(one, ParameterDeclaration)
    }
