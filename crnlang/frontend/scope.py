"""What names stand for while a file is lowered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

import numpy as np
from jaxtyping import Float

from crnlang.diagnostics import Diagnostic, Report, Span
from crnlang.frontend import ast
from crnlang.frontend.names import Names
from crnlang.frontend.units import UNITS, Unit
from crnlang.ir.expr import Expr, ParameterRef, SiteNumbers
from crnlang.ir.lattice import Lattice
from crnlang.ir.network import MassAction


class Reading(Enum):
    """What an expression may read, and what its `Count(slot)` indexes."""

    CONSTANT = auto()  #: parameters only
    SITE_CONSTANT = auto()  #: parameters, those of one site too
    OWN_SITE = auto()  #: the state where a reaction happens; slots are species
    STATE = auto()  #: the whole state; slots are variables


@dataclass(slots=True)
class Ground:
    """The lattice of the file, as far as it has been read.

    `blocks` are the variables of each species; `per_site` are those with one a site.
    A lattice that `is_doubtful` could not be read: what needs it cannot be judged. The
    `volume` is in cubic metres; on a lattice, that of one site. Units are doubtful
    where a definition could not be read.
    """

    lattice: Lattice | None = None
    is_doubtful: bool = False
    volume: float | None = None
    is_volume_doubtful: bool = False
    are_units_doubtful: bool = False
    blocks: list[range] = field(default_factory=list[range])
    per_site: set[int] = field(default_factory=set[int])


@dataclass(frozen=True, slots=True)
class Measure:
    """The unit of a parameter, as it is written, and where it is declared."""

    unit: Unit
    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Scope:
    """What names stand for; it grows as the file is lowered.

    In `values`, a species is `Count(its position)`; `constants` are the values of the
    parameters, an array for one that differs between sites; `changed` are those that
    events change, as functions of time, and `before` what those have become before the
    event being lowered; `measures` are the known units of parameters, `strange` the
    parameters in others. `site_numbers` are the values of parameters that differ
    between sites. A declared name without a usable value stands in no table: what
    needs it is left out in silence.
    """

    names: Names
    functions: Mapping[str, ast.FunctionDeclaration]
    convention: MassAction | None
    values: dict[str, Expr] = field(default_factory=dict[str, Expr])
    constants: list[float | Float[np.ndarray, " sites"]] = field(
        default_factory=list[float | Float[np.ndarray, " sites"]]
    )
    species: dict[str, int] = field(default_factory=dict[str, int])
    ground: Ground = field(default_factory=Ground)
    changed: dict[int, Expr] = field(default_factory=dict[int, Expr])
    before: dict[int, Expr] = field(default_factory=dict[int, Expr])
    site_numbers: dict[int, SiteNumbers] = field(default_factory=dict[int, SiteNumbers])
    measures: dict[str, Measure] = field(default_factory=dict[str, Measure])
    units: dict[str, Unit] = field(default_factory=lambda: dict(UNITS))
    strange: list[ast.ParameterDeclaration] = field(
        default_factory=list[ast.ParameterDeclaration]
    )

    def numbers_at_sites(self, index: int) -> SiteNumbers | None:
        """The values of a parameter at the sites; `None` for one with one value."""
        values = self.constants[index]
        if not isinstance(values, np.ndarray):
            return None
        if index not in self.site_numbers:
            self.site_numbers[index] = SiteNumbers(tuple(values.tolist()))
        return self.site_numbers[index]

    def is_per_site(self, name: str) -> bool:
        """Whether a species has a copy number, or a parameter a value, at each site."""
        value = self.values.get(name)
        if isinstance(value, ParameterRef):
            return isinstance(self.constants[value.index], np.ndarray)
        return self.species.get(name) in self.ground.per_site


class Refused(Exception):
    """What cannot be lowered; without a diagnostic where one was told before."""

    def __init__(self, diagnostic: Diagnostic | None = None) -> None:
        self.diagnostic = diagnostic
        super().__init__(diagnostic.code if diagnostic else "")

    def tell(self, report: Report) -> None:
        """Report the diagnostic, if there is one."""
        if self.diagnostic is not None:
            report.add(self.diagnostic)
