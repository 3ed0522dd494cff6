"""The neural engines: lowered network -> kernel and model -> evolve -> laws."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jax
import numpy as np
from jax import monitoring
from jaxtyping import Bool

from crnlang.codegen.ansatz import build_model
from crnlang.codegen.kernel import build_kernel
from crnlang.ir.lowered import LoweredNetwork
from crnlang.passes.boxes import boxes_asked_for
from crnlang.passes.order import follow_path
from crnlang.passes.totals import TOTALS, Totalled
from crnlang.pipeline.answers import Answers
from crnlang.pipeline.checkpoints import TimedKeeper, last_checkpoint
from crnlang.pipeline.cost import Clock
from crnlang.pipeline.found import READING, Found, Silent, Watcher
from crnlang.pipeline.law import LawReader
from crnlang.pipeline.memory import check_weights
from crnlang.pipeline.programs import keep_programs
from crnlang.pipeline.weights import file_name, pack_weights
from crnlang.settings import NeuralSettings, TdvpSettings
from crnlang.solve.evolve import evolve
from crnlang.solve.mesh import join_hosts, shared_by
from crnlang.solve.outcome import EngineError, Outcome
from crnlang.solve.recorder import Recorder
from crnlang.solve.solution import Solution
from crnlang.solve.state import NoKeeper

#: The events of JAX that belong to compiling: tracing, lowering, XLA.
COMPILING = "/jax/core/compile/"
#: What JAX says where memory ran out: on a GPU, and on a CPU.
NO_MEMORY = ("RESOURCE_EXHAUSTED", "Out of memory")


def run_neural(
    lowered: LoweredNetwork,
    settings: NeuralSettings,
    watcher: Watcher,
    clock: Clock,
    directory: Path | None = None,
) -> Found:
    """Evolve a network from the initial law, and read its law at the times reached.

    In a run directory that has begun it goes on from the last checkpoint, if there is
    one, and leaves others.

    Raises:
        RunError: the checkpoint is damaged.
        Refusal: no network can be built, no time was reached, or memory ran out.
    """
    if lowered.network.triggers:
        raise EngineError(
            "the neural engines cannot follow an event that waits for a condition: the "
            "law would jump to other states whenever it holds; use `fsp` or `ssa`"
        )
    if lowered.jumps:
        raise EngineError(
            "the neural engines cannot follow an event that changes copy numbers: the "
            "law would jump to other states; use `fsp` or `ssa`"
        )
    jax.config.update("jax_enable_x64", True)  # noqa: FBT003 - JAX's signature
    join_hosts()
    with (
        compilation_counted(clock),
        _memory_shortage_told(),
        shared_by(settings.devices),
    ):
        keep_programs()
        # on GPUs the default for float32 is TF32: 10 bits, measured to ruin the law
        jax.config.update("jax_default_matmul_precision", "highest")
        lowered = follow_path(lowered, settings.order)
        totalled = TOTALS[settings.totals](lowered)
        check_weights(totalled.lowered, settings)
        generator = build_kernel(totalled.lowered)
        model = build_model(totalled.lowered, settings, jax.random.key(settings.seed))
        boxes = _boxes(totalled, settings)
        save, begun, keeper = settings.save, None, None
        if directory is not None:
            begun = last_checkpoint(directory, model)
            keeper = TimedKeeper(directory, settings.checkpoint, watcher)
        solution = evolve(
            model, generator, settings, save, watcher.step, boxes, begun, keeper
        )
        if not solution.times:
            raise EngineError(f"no time was reached: {solution.outcome.sentence}")
        return _read_laws(lowered, totalled, settings, solution, watcher)


def read_unfinished(
    lowered: LoweredNetwork, settings: NeuralSettings, directory: Path
) -> Found | None:
    """What the last checkpoint in a run directory holds; `None` where there is none.

    Raises:
        RunError: the checkpoint is damaged.
    """
    with _memory_shortage_told():
        jax.config.update("jax_enable_x64", True)  # noqa: FBT003 - JAX's signature
        lowered = follow_path(lowered, settings.order)
        totalled = TOTALS[settings.totals](lowered)
        model = build_model(totalled.lowered, settings, jax.random.key(settings.seed))
        begun = last_checkpoint(directory, model)
        if begun is None:
            return None
        recorder = Recorder(begun, settings.save, lambda _: None, NoKeeper())
        solution = recorder.finish(Outcome.INTERRUPTED)
        return _read_laws(lowered, totalled, settings, solution, Silent())


def _read_laws(
    lowered: LoweredNetwork,
    totalled: Totalled,
    settings: NeuralSettings,
    solution: Solution,
    watcher: Watcher,
) -> Found:
    """The laws of the networks at all times reached, and the answers read from them."""
    reader = LawReader(totalled, settings)
    snapshots, doubts = [], list[str]()
    for place, time in enumerate(solution.times):
        model = solution.models[place]
        snapshot, few = Answers(lowered, reader, time, place).read(model)
        snapshots.append(snapshot)
        doubts += few
        watcher.part(READING, place + 1, len(solution.times))
    return Found(
        snapshots=tuple(snapshots),
        outcome=solution.outcome,
        infos=solution.infos,
        weights={
            file_name(place): pack_weights(model)
            for place, model in enumerate(solution.models)
        },
        notes=tuple(doubts),
    )


def _boxes(
    totalled: Totalled, settings: NeuralSettings
) -> Bool[np.ndarray, "boxes variables levels"] | None:
    """The boxes that prefixes are drawn from, if they are.

    Raises:
        EngineError: no question names one.
    """
    if not isinstance(settings, TdvpSettings) or settings.proposal != "targets":
        return None
    boxes = boxes_asked_for(totalled.network, settings.save)
    if not len(boxes):
        raise EngineError(
            "`proposal = targets` draws states that a question asks for, and no `prob` "
            "here is of conditions on single counts that hold together; ask one, or "
            "take `proposal = alpha`"
        )
    more = len(totalled.lowered.space.caps) - boxes.shape[1]
    return np.pad(boxes, ((0, 0), (0, more), (0, 0)), constant_values=True)


@contextmanager
def compilation_counted(clock: Clock) -> Iterator[None]:
    """Tell the clock what JAX spends on compiling inside the block."""

    def count(event: str, duration_secs: float, **_: str | int) -> None:
        if event.startswith(COMPILING):
            clock.add_compiling(duration_secs)

    monitoring.register_event_duration_secs_listener(count)
    try:
        yield
    finally:
        monitoring.unregister_event_duration_listener(count)


@contextmanager
def _memory_shortage_told() -> Iterator[None]:
    """Turn JAX's out-of-memory into a refusal that says what to lower."""
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        if not any(words in str(error) for words in NO_MEMORY):
            raise
        raise EngineError(
            "the device ran out of memory; lower `samples`, then `width`, or share the "
            "batch among more `devices`"
        ) from error
