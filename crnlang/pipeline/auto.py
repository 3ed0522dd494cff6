"""Which engine runs, `auto` included: the way of `crnc run` and `crnlang.run`."""

from collections.abc import Mapping
from dataclasses import replace

from crnlang.compiler import Compilation
from crnlang.ir.network import Network, SettingValue
from crnlang.pipeline.choose import Choice, resolve_solve, usual_block
from crnlang.settings import AUTO, CANDIDATES, SettingError, Settings


def choose(
    compilation: Compilation,
    solve: str | None = None,
    engine: str | None = None,
    overrides: Mapping[str, SettingValue] | None = None,
    seed: int | None = None,
) -> Choice:
    """As `resolve_solve`; the engine `auto` is picked, and the reason is a note.

    `auto` reads `t` and `save` from the block called `solve`, else the first with
    `auto`, else `main`, else the first; the other settings of that block count where it
    is of the engine picked. A block with `auto` asks for it, too.

    Raises:
        SettingError: an unknown block, engine or setting, or a value out of range.
        WitnessError: a propensity is wrong, so that no engine can run.
    """
    network, wanted = compilation.network, dict(overrides or {})
    if not is_auto(network, solve, engine):
        return resolve_solve(network, solve, engine, wanted, seed)
    block = usual_block(network, solve, engine)
    name = block.name if block else None
    candidates = _candidates(compilation, name, wanted, seed)
    from crnlang.pipeline.pick import pick_engine  # loads numba

    pick = pick_engine(compilation.lowered, candidates)
    settings = {**dict(pick.settings), **wanted}
    choice = resolve_solve(network, name, pick.engine, settings, seed)
    return replace(choice, notes=(pick.reason, *choice.notes))


def is_auto(network: Network, solve: str | None, engine: str | None) -> bool:
    """Whether the engine is to be picked, by the command line or by the block.

    Raises:
        SettingError: there is no block called `solve`.
    """
    block = usual_block(network, solve, engine)
    return engine == AUTO or (engine is None and bool(block and block.engine == AUTO))


def _candidates(
    compilation: Compilation,
    block: str | None,
    wanted: Mapping[str, SettingValue],
    seed: int | None,
) -> dict[str, Settings]:
    """The engines that have the settings asked for, with them.

    Raises:
        SettingError: none has.
    """
    found: dict[str, Settings] = {}
    fault: SettingError | None = None
    for engine in CANDIDATES:
        try:
            choice = resolve_solve(compilation.network, block, engine, wanted, seed)
        except SettingError as error:
            fault = fault or error
        else:
            found[engine] = choice.settings
    if fault is not None and not found:
        raise fault
    return found
