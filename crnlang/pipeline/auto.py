"""Which engine runs, `auto` included: the way of `crnc run` and `crnlang.run`."""

from collections.abc import Mapping
from dataclasses import replace

from crnlang.compiler import Compilation
from crnlang.ir.network import SettingValue
from crnlang.pipeline.choose import Choice, resolve_solve, usual_block
from crnlang.settings import SettingError, Settings

AUTO = "auto"
#: The engines among which `auto` picks.
CANDIDATES = ("fsp", "ssa", "tdvp")


def choose(
    compilation: Compilation,
    solve: str | None = None,
    engine: str | None = None,
    overrides: Mapping[str, SettingValue] | None = None,
    seed: int | None = None,
) -> Choice:
    """As `resolve_solve`; the engine `auto` is picked, and the reason is a note.

    `auto` reads `t` and `save` from the block called `solve`, else `main`, else the
    first; the other settings of that block count where it is of the engine picked.

    Raises:
        SettingError: an unknown block, engine or setting, or a value out of range.
        WitnessError: a propensity is wrong, so that no engine can run.
    """
    network, wanted = compilation.network, dict(overrides or {})
    if engine != AUTO:
        return resolve_solve(network, solve, engine, wanted, seed)
    block = usual_block(network, solve)
    name = block.name if block else None
    candidates = _candidates(compilation, name, wanted, seed)
    from crnlang.pipeline.pick import pick_engine  # loads numba

    pick = pick_engine(compilation.lowered, candidates)
    settings = {**dict(pick.settings), **wanted}
    choice = resolve_solve(network, name, pick.engine, settings, seed)
    return replace(choice, notes=(pick.reason, *choice.notes))


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
