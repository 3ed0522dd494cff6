"""The page of a run: what stands on it, and its HTML in one file.

The page fetches nothing: styles, scripts and numbers are inside, and its content
security policy forbids anything else. Jinja2 escapes every text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from crnlang.report.equations import ModelRows

Row = Sequence[str]


@dataclass(frozen=True, slots=True)
class AnswerRows:
    """The answer to one question: its text, what it is, a row of numbers a time."""

    question: str
    about: str
    head: Row
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class ComparisonRows:
    """A comparison with a witness: the verdict, a row a law, what only one run has."""

    verdict: str
    head: Row
    rows: Sequence[Row]
    notes: Sequence[str]


@dataclass(frozen=True, slots=True)
class HealthRow:
    """A quantity of the health record: what it means, and the range of its values."""

    key: str
    title: str
    meaning: str
    range: str


@dataclass(frozen=True, slots=True)
class Page:
    """Everything on the page of a run.

    `status` is `complete`, `stopped` or `unfinished`; `facts` are labels with values;
    `witness` is the engine that the run is compared with, or empty. `data` are the
    numbers that the script draws, ready for JSON: `times`, `laws`, `means`, `joints`,
    `lattice`, `answers`, `health`, `distances`, `most_panels`.
    """

    name: str
    title: str
    engine: str
    witness: str
    status: str
    facts: Sequence[tuple[str, str]]
    sentences: Sequence[str]
    notes: Sequence[str]
    about_errors: str
    answers: Sequence[AnswerRows]
    law_notes: Sequence[str]
    first_filter: str
    comparison: ComparisonRows | None
    health_sentences: Sequence[str]
    health: Sequence[HealthRow]
    model: ModelRows | None
    source: str
    settings: Sequence[Row]
    versions: Sequence[Row]
    data: Mapping[str, Any]
    written_by: str = version("crnlang")


def render_page(page: Page) -> str:
    """The page as HTML."""
    loader = PackageLoader("crnlang.report", "page")
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    dense = {"separators": (",", ":"), "allow_nan": False}
    environment.policies["json.dumps_kwargs"] = dense

    def own(name: str) -> Markup:
        """A file of this package, which goes into the page as it is."""
        return Markup(loader.get_source(environment, name)[0])

    template = environment.get_template("page.html")
    return template.render(page=page, css=own("page.css"), js=own("page.js"))
