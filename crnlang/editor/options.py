"""Engines and their settings in words, from the records that define them."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from crnlang.settings import SOLVERS

Option = dataclasses.Field[Any]


def settings_of(engine: str) -> Mapping[str, Option]:
    """The settings of an engine as a file writes them; none of an unknown one."""
    if engine not in SOLVERS:
        return {}
    options = {one.name: one for one in dataclasses.fields(SOLVERS[engine])}
    return {"t": options.pop("until"), **options}


def describe_engine(engine: str) -> str:
    """What an engine is, in Markdown."""
    return f"`{engine}`: {(SOLVERS[engine].__doc__ or '').strip()}"


def describe_setting(name: str, option: Option) -> str:
    """Meaning, values and default of a setting, in Markdown."""
    rule = option.metadata
    limits = [
        f"{words} {rule[key]:g}"
        for key, words in (("above", "above"), ("low", "at least"), ("high", "at most"))
        if rule[key] is not None
    ]
    values = [*rule["choices"], *limits]
    text = f"`{name}`: {rule['help']}"
    if values:
        text += f" ({', '.join(values)})"
    return text if option.default == () else f"{text}; default {option.default}"
