"""The result of a run for people who write Python: laws, means, samples, answers.

`interface` makes one from a run, or from the directory of a run. Times are save times
of the run; other times were not kept.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Integer

from crnlang.compiler import compile_text
from crnlang.diagnostics import CrnError, listing, suggest
from crnlang.ir.lowered import LoweredNetwork
from crnlang.ir.network import Network
from crnlang.pipeline import store_run
from crnlang.pipeline.ask import ask
from crnlang.pipeline.found import Asked, Run
from crnlang.pipeline.laws import Laws
from crnlang.results.compare import Comparison, compare_runs
from crnlang.results.record import QueryAnswer, RunData, RunError
from crnlang.results.run_directory import create_run_directory
from crnlang.results.summary import LARGEST_TABLE, TIME_TOLERANCE, table

#: Endings of pictures that matplotlib can write here.
FORMATS = (".png", ".pdf", ".svg")


class DoubtfulAnswerWarning(UserWarning):
    """An answer rests on so few samples that its error is not known."""


class Result:
    """What a run found out.

    `data` is the record of all numbers, `model` the text of the `.crn` file, `path`
    what errors call it, `origin` where it came from, if that is known, `settings` every
    setting with the engine's name.
    """

    def __init__(
        self,
        data: RunData,
        model: str,
        path: str,
        settings: Mapping[str, Any],
        laws: Callable[["Result"], Laws],
        run: Run | None = None,
        origin: str = "",
    ) -> None:
        self.data = data
        self.model = model
        self.path = path
        self.origin = origin
        self.settings = settings
        self._make_laws = laws
        self._run = run

    def __repr__(self) -> str:
        data = self.data
        return (
            f"<run of {data.model} by {data.engine}: {len(data.names)} species, "
            f"{len(data.times)} times to t = {data.times[-1]:g}, {data.status}>"
        )

    @property
    def species(self) -> tuple[str, ...]:
        """The species in the order of states; at each site of a lattice `X[0, 3]`."""
        return self.data.names

    @property
    def times(self) -> Float[np.ndarray, " times"]:
        """The save times, with those that queries of the file ask for."""
        return self.data.times

    @property
    def notes(self) -> tuple[str, ...]:
        """What the run was asked for and does not answer, and what is doubtful."""
        return self.data.notes

    @property
    def answers(self) -> dict[str, QueryAnswer]:
        """The answers to the queries of the file, by name."""
        return {answer.name: answer for answer in self.data.queries}

    @cached_property
    def dataset(self) -> Any:
        """All numbers as an `xarray.Dataset`, as in `result.zarr` of the directory."""
        from crnlang.results.dataset import to_dataset  # loads xarray

        return to_dataset(self.data)

    @cached_property
    def lowered(self) -> LoweredNetwork | None:
        """The compiled model; `None` where files that it reads are not there any more.

        These lie beside the file that was run, not in the run directory.
        """
        for path in (self.path, self.origin):
            with suppress(CrnError):
                return compile_text(self.model, path or self.path).lowered
        return None

    @cached_property
    def laws(self) -> Laws:
        """The whole law at each save time."""
        return self._make_laws(self)

    def marginal(
        self, species: str, t: float | None = None
    ) -> Float[np.ndarray, "*times levels"]:
        """The law of one species over 0..cap at `t`; without `t` a row a save time.

        Raises:
            RunError: there is no such species, or no such save time.
        """
        law = self.data.marginal(self._name(species))
        return law if t is None else law[self._place(t)]

    def joint(
        self, first: str, second: str, t: float | None = None
    ) -> Float[np.ndarray, "*times count_first count_second"]:
        """The joint law of two species at `t`; without `t` a table a save time.

        Of a network with more than half a million states by samples, as the marginals.

        Raises:
            RunError: no such species or time, a table that is too large, or a law that
                the run has not kept.
        """
        pair = self._name(first), self._name(second)
        if pair[0] == pair[1]:
            raise RunError("a joint law is of two different species")
        stored = self.data.joint(pair)
        if stored is not None:
            return stored if t is None else stored[self._place(t)]
        if t is None:
            tables = [self._joint(pair, k) for k in range(len(self.times))]
            return np.stack(tables)
        return self._joint(pair, self._place(t))

    def mean(self, species: str, t: float | None = None) -> Any:
        """The mean copy number: a number at `t`, without it an array over `times`.

        Raises:
            RunError: there is no such species, or no such save time.
        """
        return self._of_species(self.data.means, species, t)

    def sd(self, species: str, t: float | None = None) -> Any:
        """The standard deviation, as `mean`.

        Raises:
            RunError: no such species, no such save time, or the run knows means only.
        """
        self.data.need_law("standard deviation")
        return self._of_species(self.data.sds, species, t)

    def log_prob(
        self,
        state: Mapping[str, int] | Sequence[int] | np.ndarray,
        t: float,
    ) -> Any:
        """The natural logarithm of the probability of a state at `t`.

        A state is a count of every species: by name, or in the order of `species`;
        an array `states species` gives an array of as many. -inf outside of the caps
        and conservation laws, and outside of the set of `fsp` with `states = adaptive`.

        Raises:
            RunError: the engine does not know probabilities of states (`ssa`, `we`),
                or the state has another number of species.
        """
        states = np.asarray(self._row(state) if isinstance(state, Mapping) else state)
        if not np.issubdtype(states.dtype, np.integer):
            raise RunError("the counts of a state are whole numbers")
        if states.ndim not in (1, 2) or states.shape[-1] != len(self.species):
            raise RunError(
                f"a state has a count of each of {len(self.species)} species, in the "
                f"order {listing(self.species)}"
            )
        rows = np.atleast_2d(states).astype(np.int64)
        found = self.laws.log_prob(rows, self._place(t))
        return found if states.ndim == 2 else float(found[0])

    def sample(
        self, t: float, number: int, seed: int = 0
    ) -> Integer[np.ndarray, "number species"]:
        """Independent states at `t`, a row each.

        Raises:
            RunError: no such save time; more samples than `ssa` has trajectories; or
                the run is of `we`, whose states are not independent.
        """
        # kept states have a type too small to count with
        return self.laws.sample(number, seed, self._place(t)).astype(np.int64)

    def query(self, question: str) -> QueryAnswer:
        """The answer to a question, as `prob(X > 3, at=1)`; times must be save times.

        Any `prob`, `dist`, `expect` or `logp`, with the names of the file; without
        `at` at all save times. What is doubtful of it is warned of.

        Raises:
            CrnError: the question is not sound.
            RunError: it cannot be answered from the law of this run.
        """
        found = self.ask(question)
        for note in found.notes:
            warnings.warn(note, DoubtfulAnswerWarning, stacklevel=2)
        return found.answers[0]

    def ask(self, question: str) -> Asked:
        """As `query`, with what is doubtful and the number of samples behind it."""
        return ask(self.model, self.path, self.data, self.laws, question)

    def compare(self, other: "Result") -> Comparison:
        """Hellinger distances of all laws that both runs have, at common times.

        Raises:
            RunError: the runs share no species or no save time.
        """
        return compare_runs(self.data, other.data)

    def plot(
        self,
        out: Path | str | None = None,
        *,
        species: Sequence[str] = (),
        joint: tuple[str, str] | None = None,
        times: Sequence[float] = (),
        draw: str = "",
        against: "Result | None" = None,
    ) -> Any:
        """Draw a run; hand back the figure. `out` is a file to write, png, pdf or svg.

        `draw` is what: `laws`, the marginals over time and one joint law; `lattice`,
        means over the sites, states, and the joint law of neighbours; `answers`, those
        to the queries of the file over time, those of `against` beside them. Without it
        lattices of more than four sites are drawn as such. All species and times where
        none are named; of joint laws the first that the file asks for.

        Raises:
            RunError: something that the run has not, or `out` of another kind.
            MissingMatplotlibError: matplotlib is not installed.
        """
        from crnlang.pipeline import drawing  # as in `laws`

        if out is not None and Path(out).suffix not in FORMATS:
            raise RunError(f"{out} must end in {', '.join(FORMATS)}")
        network = self.lowered.network if self.lowered else None
        what = draw or drawing.usual_picture(network, species)
        if what == "answers":
            other = None if against is None else against.data
            figure = drawing.answers_figure(self.data, network, other)
        elif what == "lattice":
            figure = self._plot_lattice(network, species, joint, times)
        else:
            figure = self._plot_laws(species, joint, times)
        if out is not None:
            figure.savefig(out)
        return figure

    def _plot_laws(
        self,
        species: Sequence[str],
        joint: tuple[str, str] | None,
        times: Sequence[float],
    ) -> Any:
        from crnlang.report.plot import Joint, Marginal, draw_run

        names = [self._name(one) for one in species] or list(self.species)
        places, laws = self._places(times), self.data.marginals
        marginals = [
            Marginal(
                name,
                self.marginal(name)[places] if self.data.has_law else laws[places, 0],
                self.mean(name)[places],
            )
            for name in names
        ]
        pair = joint or next(iter(self.data.joints), None)
        last, drawn = float(self.times[places[-1]]), None
        if pair is not None:
            law = self.joint(*pair, last)
            drawn = Joint((self._name(pair[0]), self._name(pair[1])), last, law)
        title = f"{self.data.model} ({self.data.engine})"
        return draw_run(title, self.times[places], marginals, drawn)

    def _plot_lattice(
        self,
        network: Network | None,
        species: Sequence[str],
        joint: tuple[str, str] | None,
        times: Sequence[float],
    ) -> Any:
        from crnlang.pipeline.drawing import lattice_figure

        places = self._places(times)
        pair = None if joint is None else (self._name(joint[0]), self._name(joint[1]))
        last = float(self.times[places[-1]])
        return lattice_figure(
            self.data,
            network,
            lambda: self.laws,
            species,
            places,
            pair,
            lambda pair: self.joint(*pair, last),
        )

    def save(self, out: Path | str | None = None) -> Path:
        """Write a run directory, as `crnc run` does; without `out` below `runs/`.

        Raises:
            RunError: `out` holds something or cannot be written, or the result was
                opened from a directory.
        """
        if self._run is None:
            raise RunError("this run was opened from a directory: copy that")
        path = None if out is None else Path(out)
        directory = create_run_directory(path, self.data.model, self.data.engine)
        return store_run(self._run, directory)

    def _places(self, times: Sequence[float]) -> list[int]:
        """The positions of save times; of all where none are named."""
        return [self._place(t) for t in times] or list(range(len(self.times)))

    def _joint(
        self, pair: tuple[str, str], place: int
    ) -> Float[np.ndarray, "count_first count_second"]:
        law, caps = self.laws.snapshot(place), self.data.caps
        variables = [self.species.index(name) for name in pair]
        size = int(np.prod(caps[variables] + 1))
        if size > LARGEST_TABLE:
            raise RunError(f"the joint law has {size:,} entries, too many for a table")
        return table(law, variables, caps, law.normalised())

    def _of_species(
        self, values: Float[np.ndarray, "times species"], name: str, t: float | None
    ) -> Any:
        column = values[:, self.species.index(self._name(name))]
        return column if t is None else float(column[self._place(t)])

    def _row(self, state: Mapping[str, int]) -> list[int]:
        """The counts of a state in the order of the species."""
        counts = {self._name(name): count for name, count in state.items()}
        missing = [name for name in self.species if name not in counts]
        if missing:
            raise RunError(
                f"a state needs a count of every species; missing: {listing(missing)}. "
                "`query('logp(X=3, at=1)')` adds up over all others"
            )
        return [counts[name] for name in self.species]

    def _name(self, wanted: str) -> str:
        """A species of the run; blanks do not count."""
        known = {name.replace(" ", ""): name for name in self.species}
        found = known.get(wanted.replace(" ", ""))
        if found is None:
            near = suggest(wanted, self.species)
            near = f"{near} " if near else ""
            raise RunError(
                f"the run has no species `{wanted}`; {near}known: "
                f"{listing(self.species)}"
            )
        return found

    def _place(self, t: float) -> int:
        """The position of a save time."""
        place = int(np.abs(self.times - t).argmin())
        if not np.isclose(self.times[place], t, rtol=TIME_TOLERANCE, atol=0):
            known = listing(f"{time:g}" for time in self.times)
            raise RunError(f"the run has not saved t = {t:g}; it has {known}")
        return place
