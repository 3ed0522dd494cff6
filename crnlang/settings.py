"""Settings of every engine: each option once, with its type, default, range and help.

The only place where an option exists. The compiler checks `solve` blocks against it,
the command line checks `--set`, the run directory stores the resolved record.
"""

import dataclasses
import operator
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from crnlang.diagnostics import listing, suggest

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
) -> Any:
    """A setting with its default, help text and range (`above` is exclusive)."""
    metadata = {
        "help": help,
        "above": above,
        "low": low,
        "high": high,
        "choices": choices,
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
class FspSettings(Settings):
    """Finite state projection: the law on all states of the box, or on those needed."""

    states: str = option(
        "auto",
        "every reachable state (`box`), or a set that follows the law (`adaptive`); "
        "`auto` takes the box where it has at most `max_states`",
        choices=("auto", "box", "adaptive"),
    )
    truncation: float = option(
        1e-5, "largest error that an adaptive set may cost", low=1e-10, high=0.1
    )
    tolerance: float = option(
        1e-10, "error bound of the time integration on a box", above=0, high=1e-2
    )
    max_states: int = option(
        2_000_000, "refuse a set of states larger than this", low=1, high=50_000_000
    )


@dataclass(frozen=True)
class SsaSettings(Settings):
    """Gillespie's direct method: exact trajectories."""

    trajectories: int = option(10_000, "number of trajectories", low=1)


@dataclass(frozen=True)
class NeuralSettings(Settings):
    """What the neural engines share."""

    samples: int = option(4096, "batch size", low=16)
    ansatz: str = option(
        "conditional",
        "one small network for each conditional (`conditional`), or one that all "
        "conditionals share: a hidden layer that grows (`nade`), recurrent (`gru`), or "
        "attending to all copy numbers before (`transformer`)",
        choices=("conditional", "nade", "gru", "transformer"),
    )
    width: int = option(
        16, "hidden units: of each conditional, or of each layer", low=1, high=1024
    )
    basis: int = option(
        12, "smooth output functions of each conditional", low=1, high=256
    )
    layers: int = option(1, "layers of `gru` and `transformer`", low=1, high=16)
    heads: int = option(2, "attention heads of `transformer`", low=1, high=64)
    precision: str = option(
        "float64", "floating-point type", choices=("float64", "float32")
    )
    order: str = option(
        "raster",
        "how a lattice is predicted: its rows all in one direction (`raster`), or "
        "there and back (`snake`)",
        choices=("raster", "snake"),
    )
    totals: str = option(
        "auto",
        "`auto` predicts sums of bound and free forms first where that leaves fewer "
        "counts to change; `none` takes copy numbers alone",
        choices=("auto", "none"),
    )

    def __post_init__(self) -> None:
        """Check that the sizes fit the ansatz.

        Raises:
            SettingError: a size that the ansatz does not have, or that does not fit.
        """
        super().__post_init__()
        for option_ in fields(NeuralSettings):
            users = SIZES.get(option_.name, (self.ansatz,))
            is_set = getattr(self, option_.name) != option_.default
            if is_set and self.ansatz not in users:
                have = " or ".join(f"`{user}`" for user in users)
                raise SettingError(
                    option_.name,
                    f"ansatz `{self.ansatz}` has no `{option_.name}`",
                    f"leave it out, or take {have}",
                )
        if self.ansatz == "transformer" and self.width % self.heads:
            raise SettingError(
                "heads",
                f"`heads` must divide `width`: {self.width} hidden units cannot be "
                f"shared out among {self.heads} heads",
                "change one of them",
            )


#: The ansaetze that have a size, where not all do.
SIZES = {"layers": ("gru", "transformer"), "heads": ("transformer",)}


def _solver() -> Any:
    return option(
        "auto",
        "how systems with the Fisher matrix are solved: by factors of the matrix "
        "(`cholesky`) or of one as large as the batch (`kernel`), or by products alone "
        "(`cg`); `auto` takes the smaller matrix, or products where both are large",
        choices=("auto", "cholesky", "kernel", "cg"),
    )


def _check_damping(solver: str, diag_shift: float) -> None:
    """Refuse systems that have no solution.

    Raises:
        SettingError: the solver needs damping and there is none.
    """
    if solver in ("kernel", "cg") and diag_shift == 0:
        raise SettingError(
            "diag_shift",
            f"solver `{solver}` needs a `diag_shift` above 0",
            "raise it, or take `cholesky`",
        )


@dataclass(frozen=True)
class TdvpSettings(NeuralSettings):
    """Time-dependent variational principle on an autoregressive network."""

    method: str = option(
        "auto",
        "long steps on selected states (`projection`), every conditional at sampled "
        "prefixes (`conditionals`), a batch by `galerkin`; `auto`: the first two",
        choices=("auto", "projection", "conditionals", "galerkin"),
    )
    states: int = option(
        8192,
        "states that a projection step follows one by one; besides them it follows "
        "`samples` others",
        low=16,
        high=1_000_000,
    )
    integrator: str = option(
        "rosenbrock",
        "Galerkin steps: linearly implicit of order 2 (`rosenbrock`) or 3 "
        "(`rosenbrock3`, twice the work), or explicit of order 3 (`bogacki`)",
        choices=("rosenbrock", "rosenbrock3", "bogacki"),
    )
    sampling: str = option(
        "distinct",
        "batch of distinct states (`distinct`), or quasi-random draws (`sobol`)",
        choices=("distinct", "sobol"),
    )
    tolerance: float = option(0.02, "error of one step of the law", above=0, high=1)
    diag_shift: float = option(1e-3, "damping of the Fisher matrix", low=0)
    solver: str = _solver()
    recall: float = option(
        0.95,
        "share of the last velocity that damping pulls towards; 0 pulls towards rest",
        low=0,
        high=1,
    )
    opening: int = option(
        8192,
        "largest set of states for the exact opening of the run; 0 for none",
        low=0,
        high=65536,
    )
    krylov: int = option(
        4, "Krylov steps of each linear solve; 0 uses the diagonal blocks alone", low=0
    )
    influx: float = option(
        0.5, "share of the batch drawn from in-flux", low=0, high=0.95
    )
    max_steps: int = option(100_000, "give up after this many steps", low=1)

    def __post_init__(self) -> None:
        """Check that method, solver and ansatz go together.

        Raises:
            SettingError: they do not.
        """
        super().__post_init__()
        _check_damping(self.solver, self.diag_shift)
        is_fitted = self.method in ("projection", "conditionals")
        if is_fitted and self.ansatz != "conditional":
            raise SettingError(
                "method",
                f"`{self.method}` fits every conditional by itself, which "
                f"ansatz `{self.ansatz}` cannot: its conditionals share their weights",
                "take `method = galerkin`, or `ansatz = conditional`",
            )


@dataclass(frozen=True)
class EulerSettings(NeuralSettings):
    """What the engines share that follow Euler steps of one length."""

    dt: float = option(0.005, "time step", above=0)
    epochs: int = option(5, "steps of the optimizer in a time step", low=1)
    smear: float = option(
        1e-3,
        "share of every initial law that is spread over all copy numbers: the scheme "
        "sees only states that it draws",
        low=0,
        high=0.5,
    )


@dataclass(frozen=True)
class NatgradSettings(EulerSettings):
    """The scheme of arXiv 2512.10309: natural gradient towards each Euler step."""

    learning_rate: float = option(0.5, "length of a natural-gradient step", above=0)
    diag_shift: float = option(1e-3, "damping of the Fisher matrix", low=0)
    solver: str = _solver()

    def __post_init__(self) -> None:
        """Check the damping."""
        super().__post_init__()
        _check_damping(self.solver, self.diag_shift)


@dataclass(frozen=True)
class AdamSettings(EulerSettings):
    """First-order steps towards each Euler step, as in NNCME-1."""

    learning_rate: float = option(1e-3, "length of a step of Adam", above=0)


ENGINES: dict[str, type[Settings]] = {
    "tdvp": TdvpSettings,
    "natgrad": NatgradSettings,
    "adam": AdamSettings,
    "fsp": FspSettings,
    "ssa": SsaSettings,
}


#: The engines that answer each question about a first passage.
PASSAGE_ENGINES: dict[str, tuple[str, ...]] = {
    "hit": ("fsp", "ssa"),
    "mfpt": ("fsp", "ssa"),
    "rate": ("fsp",),
}


def resolve_settings(engine: str, values: Mapping[str, Value]) -> Settings:
    """The settings record of an engine from plain values by name.

    `t` is accepted as `(0, end)`. Raises `SettingError` naming the key at fault: an
    unknown engine (key `engine`) or setting, a wrong type, a value out of range.
    """
    if engine not in ENGINES:
        raise SettingError(
            "engine", f"unknown engine `{engine}`", fix_name(engine, ENGINES)
        )
    record = ENGINES[engine]
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
    return f"{near + ' ' if near else ''}known: {listing(names, 30)}"


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
        if value not in rule["choices"]:
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
