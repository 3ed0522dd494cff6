"""All that the rest of a run depends on, as one record that is written and read.

A run that goes on from a record takes the same steps, to the last bit, as one that was
never interrupted: the keys of random numbers follow from the seed and from counters.
The record is a file of plain NumPy arrays (npz, no pickle).
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from io import BytesIO
from typing import Any, Protocol, runtime_checkable

import jax.numpy as jnp
import numpy as np

from crnlang.nn.base import AbstractAutoregressive, Numbers
from crnlang.solve.opening import SetLaw
from crnlang.solve.outcome import STAGES, StepInfo


@dataclass(frozen=True, eq=False)
class State:
    """Where a run stands after an accepted step.

    The network stands for the law at `t`; in the opening the law on the set, `opening`,
    is ahead of it. `dt` is the next step to try, 0 where none was taken; `draws` counts
    the batches; `memory` is what the integrator remembers (the last velocity, the
    moments of Adam); `projects` and `looked_at` are those of `solve.stepper.Stepper`.
    """

    model: AbstractAutoregressive
    t: float = 0.0
    dt: float = 0.0
    bound: float = 0.0
    draws: int = 0
    memory: tuple[Numbers, ...] = ()
    projects: bool = True
    looked_at: float = np.inf
    opening: SetLaw | None = None
    has_opened: bool = False

    @property
    def reached(self) -> float:
        """The time up to which the law is known."""
        return self.opening.t if self.opening else self.t


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Where a run stands, and what it has found so far: models at times, all steps."""

    state: State
    times: tuple[float, ...] = ()
    models: tuple[AbstractAutoregressive, ...] = ()
    infos: tuple[StepInfo, ...] = ()


@runtime_checkable
class Keeper(Protocol):
    """Writes checkpoints now and then."""

    def is_due(self, *, is_saved: bool) -> bool:
        """Whether to write one now; `is_saved` at a save time."""
        ...

    def keep(self, checkpoint: Checkpoint) -> None:
        """Write one."""
        ...


class NoKeeper:
    """Writes none."""

    def is_due(self, *, is_saved: bool) -> bool:
        """Never."""
        return False

    def keep(self, checkpoint: Checkpoint) -> None:
        """Do nothing."""


#: The parts of each record that are single numbers, in their order in the file.
FLOATS = ("t", "dt", "bound", "looked_at")
INTEGERS = ("draws", "projects", "has_opened")
SET_FLOATS = ("t", "lost", "dt")


def pack(checkpoint: Checkpoint) -> bytes:
    """The record as the content of a file."""
    state = checkpoint.state
    parts: dict[str, Any] = {
        "floats": np.array([getattr(state, name) for name in FLOATS]),
        "integers": np.array([int(getattr(state, name)) for name in INTEGERS]),
        "times": np.array(checkpoint.times, float),
        "steps": np.array([_numbers(info) for info in checkpoint.infos], float),
        **_named("weights", state.model.weight_blocks()),
        **_named("memory", state.memory),
    }
    for place, model in enumerate(checkpoint.models):
        parts |= _named(f"saved{place}", model.weight_blocks())
    if state.opening:
        numbers = [getattr(state.opening, name) for name in SET_FLOATS]
        parts |= {"set_states": state.opening.states, "set_law": state.opening.law}
        parts["set_floats"] = np.array(numbers, float)
    stream = BytesIO()
    np.savez(stream, allow_pickle=False, **parts)
    return stream.getvalue()


def unpack(content: bytes, model: AbstractAutoregressive) -> Checkpoint:
    """The record in a file; `model` is a network of its kind.

    Raises:
        ValueError: the file is damaged, or is of another kind of network.
    """
    try:
        with np.load(BytesIO(content), allow_pickle=False) as file:
            parts = {name: file[name] for name in file.files}
        floats = dict(zip(FLOATS, parts["floats"].tolist(), strict=True))
        draws, projects, has_opened = parts["integers"].tolist()
        opening = None
        if "set_law" in parts:
            numbers = zip(SET_FLOATS, parts["set_floats"].tolist(), strict=True)
            states, law = parts["set_states"], parts["set_law"]
            opening = SetLaw(states=states, law=law, **dict(numbers))
        state = State(
            model=_model(model, parts, "weights"),
            draws=draws,
            memory=_arrays(parts, "memory"),
            projects=bool(projects),
            has_opened=bool(has_opened),
            opening=opening,
            **floats,
        )
        times = tuple(parts["times"].tolist())
        models = (_model(model, parts, f"saved{k}") for k in range(len(times)))
        infos = (_info(row) for row in parts["steps"].tolist())
        return Checkpoint(state, times, tuple(models), tuple(infos))
    except Exception as error:  # zipfile, zlib and numpy have many ways to complain
        raise ValueError(str(error)) from error


def _named(name: str, arrays: tuple[Numbers, ...]) -> dict[str, np.ndarray]:
    """The arrays by names that say whether each rested in host memory."""
    return {
        f"{name}.{i}.{'host' if isinstance(one, np.ndarray) else 'device'}": np.asarray(
            one
        )
        for i, one in enumerate(arrays)
    }


def _arrays(parts: Mapping[str, np.ndarray], name: str) -> tuple[Numbers, ...]:
    """The arrays of a name in their order, each where it rested."""
    own = [key.split(".") for key in parts if key.startswith(f"{name}.")]
    own.sort(key=lambda words: int(words[1]))
    return tuple(
        parts[".".join(words)]
        if words[2] == "host"
        else jnp.asarray(parts[".".join(words)])
        for words in own
    )


def _model(
    model: AbstractAutoregressive, parts: Mapping[str, np.ndarray], name: str
) -> AbstractAutoregressive:
    """The network with the weights of a name.

    Raises:
        ValueError: they are not those of such a network.
    """
    blocks, own = _arrays(parts, name), model.weight_blocks()
    shapes = [(one.shape, one.dtype) for one in blocks]
    if shapes != [(one.shape, one.dtype) for one in own]:
        raise ValueError("the weights are those of another kind of network")
    return model.with_weight_blocks(blocks)


def _numbers(info: StepInfo) -> list[float]:
    """A step as numbers; its stage is the place in `STAGES`."""
    values = [getattr(info, one.name) for one in fields(StepInfo)]
    return [STAGES.index(v) if isinstance(v, str) else float(v) for v in values]


def _info(row: list[float]) -> StepInfo:
    values: dict[str, Any] = {
        one.name: value for one, value in zip(fields(StepInfo), row, strict=True)
    }
    values |= {name: int(values[name]) for name in ("step", "rejections")}
    return StepInfo(**{**values, "stage": STAGES[int(values["stage"])]})
