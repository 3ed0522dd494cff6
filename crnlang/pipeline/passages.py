"""Queries about first passages -> answers, and notes on those left unanswered."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from crnlang.diagnostics import listing
from crnlang.ir.lowered import LoweredNetwork
from crnlang.ir.network import PassageQuery
from crnlang.pipeline.found import Passages
from crnlang.reference.refusals import WitnessError
from crnlang.results.record import QueryAnswer
from crnlang.results.summary import TIME_TOLERANCE
from crnlang.settings import PASSAGE_ENGINES, Settings

Numbers = Float[np.ndarray, " times"]
#: The values and errors of one query, at its times if it has any; of a run that has
#: not ended at the first of them.
Ask = Callable[[PassageQuery], tuple[Numbers, Numbers]]


class UnfinishedError(WitnessError):
    """A run that has not ended has no answer so far."""

    def __init__(self) -> None:
        super().__init__("the run has not come so far")


def answer_passages(
    lowered: LoweredNetwork, engine: str, settings: Settings, ask: Ask | None = None
) -> Passages:
    """The answers of an engine up to the end of its run; what it refuses is noted.

    An engine that knows nothing of first passages has no `ask`.
    """
    answers: dict[str, QueryAnswer] = {}
    notes: list[str] = []
    for query in _asked(lowered, settings):
        able = PASSAGE_ENGINES[query.kind]
        if ask is None or engine not in able:
            known = listing(f"`{one}`" for one in able)
            reason = f"`{engine}` cannot answer `{query.kind}`; engines that can"
            notes.append(f"query `{query.name}` is not answered: {reason}: {known}")
            continue
        try:
            values, errors = ask(query)
        except WitnessError as error:
            notes.append(f"query `{query.name}` is not answered: {error}")
            continue
        times = np.array(query.times or (np.nan,))[: len(values)]
        answers[query.name] = QueryAnswer(
            query.name, query.kind, (), times, values, errors
        )
    return Passages(answers, tuple(notes))


def _asked(lowered: LoweredNetwork, settings: Settings) -> list[PassageQuery]:
    """The queries about first passages, without the times after the run."""
    queries = [q for q in lowered.network.queries if isinstance(q, PassageQuery)]
    cut = [replace(q, times=_times_within(q.times, settings.until)) for q in queries]
    return [query for query in cut if query.times or query.kind != "hit"]


def _times_within(times: tuple[float, ...], end: float) -> tuple[float, ...]:
    """The times up to the end of a run; what is above by rounding is the end."""
    kept = (min(t, end) for t in times if t <= end * (1 + TIME_TOLERANCE))
    return tuple(dict.fromkeys(kept))
