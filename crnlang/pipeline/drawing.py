"""The pictures of `crnc plot`, from the record of a run and its laws."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from crnlang.ir.network import Network
from crnlang.pipeline.laws import Laws
from crnlang.pipeline.page_data import neighbours, witness_name
from crnlang.report.answer_plot import Answered, Question, draw_answers
from crnlang.report.lattice_plot import Field, draw_lattice
from crnlang.report.plot import Joint
from crnlang.results.record import Pair, RunData, RunError

#: What can be drawn of a run.
PICTURES = ("laws", "lattice", "answers")
#: A lattice with more sites than this is drawn as such where nothing else is said.
FEW_SITES = 4

JointLaw = Callable[[Pair], Float[np.ndarray, "count_a count_b"]]


def usual_picture(network: Network | None, species: Sequence[str]) -> str:
    """What is drawn of a run where nobody says what."""
    if network is None or network.lattice is None:
        return "laws"
    per_site = {kind.name for kind in network.species if kind.is_per_site}
    is_wanted = {*species} <= per_site if species else network.sites > FEW_SITES
    return "lattice" if is_wanted else "laws"


def lattice_figure(
    data: RunData,
    network: Network | None,
    laws: Callable[[], Laws],
    kinds: Sequence[str],
    places: Sequence[int],
    joint: Pair | None,
    joint_law: JointLaw,
) -> Any:
    """Means and states of the species per site `kinds`, of all where none is named.

    The joint law is that of `joint`, else that of two neighbouring sites, where the run
    holds it.

    Raises:
        RunError: the model has no lattice, or no such species on it.
        MissingMatplotlibError: matplotlib is not installed.
    """
    if network is None or network.lattice is None:
        raise RunError(
            f"{data.model} has no lattice: `--draw laws` draws its marginals"
        )
    per_site = [kind.name for kind in network.species if kind.is_per_site]
    for name in kinds:
        if name not in per_site:
            raise RunError(
                f"no species `{name}` per site; there are {', '.join(per_site)}"
            )
    states = _states(laws, data.engine, places)
    fields: list[Field] = []
    for kind, block in zip(network.species, network.blocks(), strict=True):
        if kind.is_per_site and kind.name in (kinds or per_site):
            mean = _on_sites(network, data.means[places][:, block])
            drawn = None if states is None else states[:, block].astype(float)
            state = None if drawn is None else _on_sites(network, drawn)
            fields.append(Field(kind.name, mean, state))
    likely = next(iter(data.joints), None) if not kinds else None
    likely = likely or neighbours(network, kinds)
    shown = _joint(data, joint, likely, joint_law, places[-1])
    words = "a trajectory" if data.engine == "ssa" else "a state at each time"
    title = f"{data.model} ({data.engine})"
    return draw_lattice(title, data.times[places], fields, words, shown)


def _joint(
    data: RunData,
    asked: Pair | None,
    likely: Pair | None,
    joint_law: JointLaw,
    place: int,
) -> Joint | None:
    """The joint law asked for, or that of neighbours, if the run can give it.

    Raises:
        RunError: the one asked for cannot be had.
    """
    time = float(data.times[place])
    if asked is not None:
        return Joint(asked, time, joint_law(asked))
    try:
        return None if likely is None else Joint(likely, time, joint_law(likely))
    except RunError:
        return None


def _on_sites(
    network: Network, values: Float[np.ndarray, "times sites"]
) -> Float[np.ndarray, "times ..."]:
    """Values at the sites in the shape of the lattice; of a row or a graph as it is."""
    lattice = network.lattice
    assert lattice is not None
    if len(lattice.shape) == 1:
        return values
    whole = np.full((len(values), int(np.prod(lattice.shape))), np.nan)
    kept = range(lattice.sites) if lattice.kept is None else lattice.kept
    whole[:, list(kept)] = values
    return whole.reshape(len(values), *lattice.shape)


def _states(
    laws: Callable[[], Laws], engine: str, places: Sequence[int]
) -> np.ndarray | None:
    """A state at each time; of `ssa` those of one trajectory.

    `None` where the run has not kept its law.
    """
    rng = np.random.default_rng(0)
    found = []
    try:
        for place in places:
            law = laws().snapshot(place)
            shares = np.maximum(law.normalised(), 0)
            chosen = 0
            if engine != "ssa":
                chosen = int(rng.choice(len(shares), p=shares / shares.sum()))
            found.append(law.states[chosen])
    except RunError:
        return None
    return np.stack(found)


def answers_figure(
    data: RunData, network: Network | None, other: RunData | None
) -> Any:
    """Every answer that has a number at several times, a witness beside it.

    Raises:
        RunError: there is none.
        MissingMatplotlibError: matplotlib is not installed.
    """
    texts = {
        query.name: " ".join(query.span.text.split()).removeprefix("query ")
        for query in (network.queries if network else ())
    }
    runs = [(data.engine, data)]
    if other is not None:
        runs.append((witness_name(data, other), other))
    questions = [
        Question(
            texts.get(one.name, one.name),
            one.kind,
            tuple(
                Answered(name, answer.times, answer.values, answer.errors)
                for name, run in runs
                for answer in run.queries
                if (answer.name, answer.kind) == (one.name, one.kind)
            ),
        )
        for one in data.queries
        if one.kind in ("prob", "expect", "logp", "hit") and len(one.times) > 1
    ]
    if not questions:
        raise RunError(
            "the run has no answer with a number at several times: ask for `prob`, "
            "`expect`, `logp` or `hit` at several, as `query prob(X > 3, at=0:10:1)`"
        )
    title = f"{data.model} ({data.engine})"
    title += f" and {runs[-1][0]}" if other else ""
    return draw_answers(title, questions)
