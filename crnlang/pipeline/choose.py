"""Which engine runs, with which settings: command line over solve block over defaults.

Where the command line moves the end of the run, the save times of the block and the
times of the queries that lie beyond it are left out, and a note says so.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from crnlang.diagnostics import listing
from crnlang.ir.lowered import LoweredNetwork
from crnlang.ir.network import (
    Network,
    PassageQuery,
    Query,
    SettingValue,
    SolveBlock,
)
from crnlang.results.summary import TIME_TOLERANCE, times_of
from crnlang.settings import (
    AUTO,
    ENGINES,
    SettingError,
    Settings,
    fix_name,
    resolve_settings,
)

#: The block and the engine that are taken where nothing is said.
USUAL_BLOCK, USUAL_ENGINE = "main", "tdvp"
#: What a block tells another engine: the question, not the method.
QUESTION = ("t", "until", "save")


@dataclass(frozen=True)
class Choice:
    """The engine of a run and its settings; `notes` say what was left out.

    `block` is the solve block behind it, or `None`.
    """

    engine: str
    settings: Settings
    block: SolveBlock | None
    notes: tuple[str, ...]


def resolve_solve(
    network: Network,
    solve: str | None = None,
    engine: str | None = None,
    overrides: Mapping[str, SettingValue] | None = None,
    seed: int | None = None,
) -> Choice:
    """Choose the solve block and the engine, and resolve the settings.

    The block called `solve`; else the first of `engine`; else `main`; else the first.
    An engine other than the block's takes only `t` and `save` from it; of a block with
    `auto` the seed, too.

    Raises:
        SettingError: an unknown block, engine or setting, or a value out of range.
    """
    if engine is not None and engine not in ENGINES:
        raise SettingError(
            "engine", f"unknown engine `{engine}`", fix_name(engine, ENGINES)
        )
    block = usual_block(network, solve, engine)
    chosen = engine or (block.engine if block else USUAL_ENGINE)
    values = dict(block.settings) if block else {}
    # all settings of `auto` are such that every engine has
    if block and block.engine not in (chosen, AUTO):
        values = {key: value for key, value in values.items() if key in QUESTION}
    wanted = dict(overrides or {})
    if seed is not None:
        wanted["seed"] = seed
    notes: tuple[str, ...] = ()
    if block and {"t", "until"} & set(wanted) and "save" not in wanted:
        end = resolve_settings(chosen, _end_only(wanted)).until
        values, notes = _cut_save(values, end, block.name)
    settings = resolve_settings(chosen, {**values, **wanted})
    return Choice(chosen, settings, block, notes)


def usual_block(
    network: Network, solve: str | None, engine: str | None = None
) -> SolveBlock | None:
    """The solve block that is meant, if the file has any.

    Raises:
        SettingError: there is none called `solve`.
    """
    by_name = {block.name: block for block in network.solves}
    if solve is not None:
        if solve not in by_name:
            known = fix_name(solve, by_name)
            raise SettingError("solve", f"the file has no solve block `{solve}`", known)
        return by_name[solve]
    of_engine = (block for block in network.solves if block.engine == engine)
    usual = by_name.get(USUAL_BLOCK) or next(iter(network.solves), None)
    return next(of_engine, usual)


def _end_only(wanted: Mapping[str, SettingValue]) -> dict[str, SettingValue]:
    return {key: value for key, value in wanted.items() if key in ("t", "until")}


def _cut_save(
    values: dict[str, SettingValue], end: float, block: str
) -> tuple[dict[str, SettingValue], tuple[str, ...]]:
    """The block's values without save times after a new end, and a note of them."""
    save = values.get("save", ())
    times = save if isinstance(save, tuple) else (save,)
    late = [time for time in times if isinstance(time, float | int) and time > end]
    if not late:
        return values, ()
    kept = tuple(time for time in times if time not in late)
    rest = {key: value for key, value in values.items() if key != "save"}
    if kept:
        rest["save"] = tuple(float(time) for time in kept)
    return rest, (f"save times of block `{block}` after t = {end:g} are left out",)


def answerable(
    lowered: LoweredNetwork,
    times: Sequence[float],
    own: Mapping[str, Sequence[float]] | None = None,
) -> tuple[LoweredNetwork, tuple[str, ...]]:
    """The network with the queries cut to the times reached, and a note of what went.

    `own` are the times reached for single queries, by name, where these are others. A
    query without times asks at every time reached, and stays where there is one.
    """
    kept: list[Query] = []
    cut: list[str] = []
    for query in lowered.network.queries:
        reached = (own or {}).get(query.name, times)
        found = tuple(time for time in query.times if _is_among(time, reached))
        is_law = not isinstance(query, PassageQuery)
        if len(found) < len(query.times) or (is_law and not reached):
            cut.append(f"`{query.name}`")
        if found or not (query.times or (is_law and not reached)):
            kept.append(dataclasses.replace(query, times=found))
    network = dataclasses.replace(lowered.network, queries=tuple(kept))
    end = f"ends at t = {times[-1]:g}" if times else "has no law so far"
    if any(len(one) < len(times) for one in (own or {}).values()):
        end += ", for some questions before"
    note = (
        f"the run {end}; what queries ask of later times is not answered: "
        f"{listing(cut)}"
    )
    return dataclasses.replace(lowered, network=network), (note,) if cut else ()


def save_times(lowered: LoweredNetwork, settings: Settings) -> tuple[float, ...]:
    """The save times together with the times inside the run that queries ask for."""
    wanted = times_of(lowered, settings.save)
    return tuple(
        min(time, settings.until) for time in wanted if time <= _after(settings)
    )


def _after(settings: Settings) -> float:
    return settings.until * (1 + TIME_TOLERANCE)


def _is_among(time: float, times: Iterable[float]) -> bool:
    return any(abs(time - one) <= TIME_TOLERANCE * max(time, one) for one in times)
