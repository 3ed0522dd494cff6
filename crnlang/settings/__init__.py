"""Settings of every engine: each option once, with its type, default, range and help.

The only place where an option exists. The compiler checks `solve` blocks against it,
the command line checks `--set`, the run directory stores the resolved record.
"""

import dataclasses
import operator
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from crnlang.diagnostics import listing, suggest
from crnlang.settings.base import (
    AutoSettings,
    KeptSettings,
    SettingError,
    Settings,
    Value,
)
from crnlang.settings.neural import (
    AdamSettings,
    EulerSettings,
    NatgradSettings,
    NeuralSettings,
    TdvpSettings,
)
from crnlang.settings.witnesses import (
    FspSettings,
    OdeSettings,
    SsaSettings,
    WeSettings,
)

__all__ = [
    "AUTO",
    "CANDIDATES",
    "ENGINES",
    "PASSAGE_ENGINES",
    "SOLVERS",
    "AdamSettings",
    "AutoSettings",
    "EulerSettings",
    "FspSettings",
    "KeptSettings",
    "NatgradSettings",
    "NeuralSettings",
    "OdeSettings",
    "SettingError",
    "Settings",
    "SsaSettings",
    "TdvpSettings",
    "Value",
    "WeSettings",
    "as_plain",
    "fix_name",
    "resolve_settings",
]

ENGINES: dict[str, type[Settings]] = {
    "tdvp": TdvpSettings,
    "natgrad": NatgradSettings,
    "adam": AdamSettings,
    "fsp": FspSettings,
    "ssa": SsaSettings,
    "we": WeSettings,
    "ode": OdeSettings,
}
#: The engine that is one of those in `CANDIDATES`.
AUTO, CANDIDATES = "auto", ("fsp", "ssa", "tdvp")
#: What a solve block may name.
SOLVERS: dict[str, type[Settings]] = {**ENGINES, AUTO: AutoSettings}


#: The engines that answer each question about a first passage.
PASSAGE_ENGINES: dict[str, tuple[str, ...]] = {
    "hit": ("fsp", "ssa", "we"),
    "mfpt": ("fsp", "ssa", "we"),
    "rate": ("fsp", "we"),
}


def resolve_settings(engine: str, values: Mapping[str, Value]) -> Settings:
    """The settings record of an engine from plain values by name.

    `t` is accepted as `(0, end)`. Raises `SettingError` naming the key at fault: an
    unknown engine (key `engine`) or setting, a wrong type, a value out of range.
    """
    if engine not in SOLVERS:
        raise SettingError(
            "engine", f"unknown engine `{engine}`", fix_name(engine, SOLVERS)
        )
    record = SOLVERS[engine]
    options = {f.name: f for f in fields(record)}
    chosen: dict[str, Any] = {}
    for key, value in values.items():
        if key == "t":
            chosen["until"] = _end_of(value)
        elif key in options:
            chosen[key] = _checked(options[key], value)
        else:
            raise SettingError(
                key,
                f"engine `{engine}` has no setting `{key}`",
                fix_name(key, ["t", *options]),
            )
    return record(**chosen)


def fix_name(name: str, known: Iterable[str]) -> str:
    """The nearest known name, and the list of all."""
    names = list(known)
    near = suggest(name, names)
    return f"{near + ' ' if near else ''}known: {listing(names, 40)}"


def as_plain(engine: str, settings: Settings) -> dict[str, Any]:
    """The record as JSON-ready values, with the engine's name."""
    return {"engine": engine, **dataclasses.asdict(settings)}


def _end_of(value: Value) -> float:
    if isinstance(value, tuple) and len(value) == 2 and value[0] == 0 < value[1]:
        return float(value[1])
    raise SettingError("t", "`t` must be a range that starts at 0", "write `t = 0..40`")


def _checked(option_: dataclasses.Field[Any], value: Value) -> Any:
    """The value as the option's type and inside its range."""
    key, rule = option_.name, option_.metadata
    if option_.type is str:
        is_name = bool(rule["names"]) and isinstance(value, str)
        if value not in rule["choices"] and not is_name:
            raise SettingError(
                key,
                f"`{key}` cannot be `{value}`",
                fix_name(str(value), rule["choices"]),
            )
        return value
    if option_.type not in (int, float):
        return _times(key, value)
    if not isinstance(value, int | float):
        raise SettingError(key, f"`{key}` must be a number, not `{value}`")
    if option_.type is int and value != int(value):
        raise SettingError(key, f"`{key}` must be a whole number, not {value:g}")
    if broken := _broken_limit(rule, value):
        raise SettingError(key, f"`{key}` must be {broken}, not {value:g}")
    return option_.type(value)


def _broken_limit(rule: Mapping[str, Any], value: float) -> str:
    """The limit that a number breaks, in words; empty where it breaks none."""
    limits = (
        (rule["above"], "above", operator.gt),
        (rule["low"], "at least", operator.ge),
        (rule["high"], "at most", operator.le),
    )
    for limit, words, holds in limits:
        if limit is not None and not holds(value, limit):
            return f"{words} {limit:g}"
    return ""


def _times(key: str, value: Value) -> tuple[float, ...]:
    """A list of times; one number is a list of one."""
    times = (value,) if isinstance(value, int | float) else value
    if isinstance(times, str):
        raise SettingError(key, f"`{key}` must be times, as `0:40:0.5` or `[1, 5]`")
    return tuple(float(time) for time in times)
