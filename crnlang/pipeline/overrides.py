"""`--set key=value` -> values of settings, in the spelling of solve blocks."""

import re
from collections.abc import Iterable

from crnlang.ir.network import SettingValue
from crnlang.settings import SettingError

#: More times than this in one `start:end:step` are a slip of the finger.
MOST_TIMES = 100_000
WORD = re.compile(r"[A-Za-z_]\w*")


def parse_overrides(texts: Iterable[str]) -> dict[str, SettingValue]:
    """The values by key; of a key given twice the last counts.

    Raises:
        SettingError: a text is no `key=value`, or its value cannot be read.
    """
    found: dict[str, SettingValue] = {}
    for text in texts:
        key, equals, value = (part.strip() for part in text.partition("="))
        if not (equals and value and WORD.fullmatch(key)):
            raise SettingError(
                key, f"`--set {text}` is no setting", "write `--set key=value`"
            )
        found[key] = read_value(key, value)
    return found


def read_value(key: str, text: str) -> SettingValue:
    """A number, a word, `[a, b]`, `start..end`, or `start:end:step`.

    Raises:
        SettingError: it is none of these.
    """
    if text.startswith("[") and text.endswith("]"):
        return tuple(_number(key, item, text) for item in text[1:-1].split(","))
    if ".." in text:
        low, _, high = text.partition("..")
        return (_number(key, low, text), _number(key, high, text))
    if ":" in text:
        return _steps(key, text)
    if WORD.fullmatch(text) and text not in ("inf", "nan", "infinity"):
        return text
    return _number(key, text, text)


def _number(key: str, text: str, whole: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) < float("inf"):
        raise SettingError(
            key,
            f"`{key}` cannot be `{whole}`",
            "write a number, a word, `0..40`, `0:40:0.5` or `[1, 5, 10]`",
        )
    return value


def _steps(key: str, text: str) -> tuple[float, ...]:
    """`start, start + step, ...` up to `end`, which is included where it is met."""
    parts = [_number(key, part, text) for part in text.split(":")]
    if len(parts) not in (2, 3):
        raise SettingError(key, f"`{key}` cannot be `{text}`", "write `start:end:step`")
    start, end, step = (*parts, 1.0)[:3]
    if step <= 0 or end < start or (end - start) / step > MOST_TIMES:
        raise SettingError(
            key,
            f"`{text}` holds no times, or more than {MOST_TIMES}",
            "write `start:end:step`",
        )
    count = int((end - start) / step * (1 + 1e-12) + 1e-9)
    return tuple(min(start + i * step, end) for i in range(count + 1))
