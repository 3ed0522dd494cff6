"""A question to a finished run, written as behind `query` in a file."""

import re
from dataclasses import replace

import numpy as np

from crnlang.compiler import compile_text
from crnlang.ir.lowered import LoweredNetwork
from crnlang.ir.network import PassageQuery
from crnlang.pipeline.found import Asked
from crnlang.pipeline.laws import Laws
from crnlang.results.record import RunData, RunError
from crnlang.results.summary import TIME_TOLERANCE, answer

#: A question about the law that names no times.
TIMELESS = re.compile(r"(\w+\s*=\s*)?(prob|dist|expect|logp)\b(?!.*\bat\s*=).*\)")


def ask(model: str, path: str, data: RunData, laws: Laws, question: str) -> Asked:
    """Answer a question from the law of a run; `model` is the text of its file.

    Without `at` it is asked at every time that the run has saved.

    Raises:
        CrnError: the question is not sound; it stands below the last line of the model.
        RunError: it is none about a law, or at a time that the run has not saved, or
            the run has not kept its law.
    """
    times = data.times.tolist()
    lowered = _compile_question(model, path, question, times)
    queries = lowered.network.queries
    wanted = [time for query in queries for time in query.times]
    snapshots, doubts = [], list[str]()
    for place, time in enumerate(times):
        if wanted and not np.isclose(time, wanted, rtol=TIME_TOLERANCE, atol=0).any():
            continue
        snapshot, few = laws.answering(lowered, place)
        snapshots.append(snapshot)
        doubts += few
    law_queries = [query for query in queries if not isinstance(query, PassageQuery)]
    answers = tuple(answer(lowered, query, snapshots) for query in law_queries)
    samples = snapshots[-1].samples() if snapshots else np.inf
    return Asked(answers, tuple(doubts), samples)


def _compile_question(
    model: str, path: str, question: str, times: list[float]
) -> LoweredNetwork:
    """The network with the questions asked, and none of the file's own."""
    before = model.rstrip("\n") + "\n"
    lowered = compile_text(f"{before}query {_timed(question, times)}\n", path).lowered
    asked = [q for q in lowered.network.queries if q.span.start >= len(before)]
    for query in asked:
        if isinstance(query, PassageQuery):
            raise RunError(
                f"`{query.kind}` cannot be answered from a law; ask it in the file, "
                "and run that with `fsp`, `ssa` or `we`"
            )
    return replace(lowered, network=replace(lowered.network, queries=tuple(asked)))


def _timed(question: str, times: list[float]) -> str:
    """The question with all saved times where it names none."""
    asked = question.strip()
    if TIMELESS.fullmatch(asked) is None:
        return asked
    return f"{asked[:-1]}, at=[{', '.join(map(repr, times))}])"
