"""An option: its type, default, range and help; and what every engine needs."""

from dataclasses import dataclass, field
from typing import Any

Value = float | str | tuple[float, ...]


class SettingError(ValueError):
    """A setting that cannot be used; `key` is its name, the text says why and what."""

    def __init__(self, key: str, reason: str, fix: str = "") -> None:
        self.key = key
        self.reason = reason
        self.fix = fix
        super().__init__(f"{reason}; {fix}" if fix else reason)


def option(
    default: Any,
    help: str,
    *,
    above: float | None = None,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    names: str = "",
) -> Any:
    """A setting with its default, help text and range (`above` is exclusive).

    `names` is the kind of declared name (`observable`) that it takes beside `choices`.
    """
    metadata = {
        "help": help,
        "above": above,
        "low": low,
        "high": high,
        "choices": choices,
        "names": names,
    }
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Settings:
    """What every engine needs."""

    until: float = option(1.0, "end of the run; `t = 0..40` sets it", above=0)
    save: tuple[float, ...] = option(
        (), "times to save at, as `0:40:0.5` or `[1, 5, 10]`; default 20 equal steps"
    )
    seed: int = option(0, "seed of every random number of the run", low=0)

    def __post_init__(self) -> None:
        """Fill in the save times.

        Raises:
            SettingError: a save time lies outside `0..until`.
        """
        times = self.save or tuple(self.until * i / 20 for i in range(21))
        times = tuple(sorted({*times, self.until}))
        if times[0] < 0 or times[-1] > self.until * (1 + 1e-12):
            raise SettingError(
                "save",
                f"save times must lie in 0..{self.until:g}",
                "change `save`, or the end of `t`",
            )
        object.__setattr__(self, "save", times)


@dataclass(frozen=True)
class AutoSettings(Settings):
    """`fsp`, `ssa` or `tdvp`, as the model and the questions need; the run says why."""


@dataclass(frozen=True)
class KeptSettings(Settings):
    """Of engines whose runs can be continued after a break."""

    checkpoint: float = option(
        60.0,
        "seconds of wall time after which the state of the run is written, so that "
        "`crnc resume` can continue it; sooner where it costs next to nothing",
        low=0,
    )
