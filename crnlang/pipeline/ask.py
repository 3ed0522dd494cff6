"""A question to a finished run: its networks answer what the file did not ask."""

import re
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np

from crnlang.codegen.ansatz import build_model
from crnlang.compiler import compile_text
from crnlang.ir.network import PassageQuery
from crnlang.passes.order import follow_path
from crnlang.passes.totals import TOTALS
from crnlang.pipeline.answers import Answers
from crnlang.pipeline.found import Asked
from crnlang.pipeline.law import LawReader
from crnlang.pipeline.weights import neural_settings, read_weights
from crnlang.results.record import RunError
from crnlang.results.run_directory import MODEL, read_files, read_run
from crnlang.results.summary import TIME_TOLERANCE, answer

#: A question about the law that names no times.
TIMELESS = re.compile(r"(\w+\s*=\s*)?(prob|dist|expect|logp)\b(?!.*\bat\s*=).*\)")


def ask_run(directory: Path, question: str) -> Asked:
    """Answer a question, written as behind `query` in a file, from a run's networks.

    Without `at` it is asked at every time that the run has saved.

    Raises:
        CrnError: the question is not sound; it stands below the last line of the model.
        RunError: there is no such run, it holds no network, or not at a time asked for.
    """
    files = read_files(directory)
    settings = neural_settings(directory, files)
    before = files.model.rstrip("\n") + "\n"
    data = read_run(directory)
    text = f"{before}query {_timed(question, data.times.tolist())}\n"
    lowered = compile_text(text, str(directory / MODEL)).lowered
    asked = [q for q in lowered.network.queries if q.span.start >= len(before)]
    for query in asked:
        if isinstance(query, PassageQuery):
            raise RunError(
                f"`{query.kind}` cannot be answered from a law; ask it in the file, "
                "and run that with `fsp`, `ssa` or `we`"
            )
    lowered = replace(lowered, network=replace(lowered.network, queries=tuple(asked)))
    jax.config.update("jax_enable_x64", True)  # noqa: FBT003 - JAX's signature
    totalled = TOTALS[settings.totals](follow_path(lowered, settings.order))
    reader = LawReader(totalled, settings)
    blank = build_model(totalled.lowered, settings, jax.random.key(settings.seed))
    wanted = [time for query in asked for time in query.times]
    snapshots, doubts = [], list[str]()
    for place, time in enumerate(data.times.tolist()):
        if wanted and not np.isclose(time, wanted, rtol=TIME_TOLERANCE, atol=0).any():
            continue
        model = read_weights(directory, place, blank)
        snapshot, few = Answers(lowered, reader, time, place).read(model)
        snapshots.append(snapshot)
        doubts += few
    law_queries = [query for query in asked if not isinstance(query, PassageQuery)]
    answers = tuple(answer(lowered, query, snapshots) for query in law_queries)
    samples = snapshots[-1].samples() if snapshots else np.inf
    return Asked(answers, tuple(doubts), samples)


def _timed(question: str, times: list[float]) -> str:
    """The question with all saved times where it names none."""
    asked = question.strip()
    if TIMELESS.fullmatch(asked) is None:
        return asked
    return f"{asked[:-1]}, at=[{', '.join(map(repr, times))}])"
