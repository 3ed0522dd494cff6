"""Errors of lattices and sites (CRN4xx): their words."""

from dataclasses import dataclass

from crnlang.diagnostics import Diagnostic


@dataclass(frozen=True)
class NoLattice(Diagnostic):
    """Something per site in a file without a lattice."""

    code = "CRN401"
    message = "{what} needs a lattice"
    help = "write one above: `lattice grid(8, 8) boundary reflecting`"

    what: str


@dataclass(frozen=True)
class BadLattice(Diagnostic):
    """A lattice, or a diffusion on it, that makes no sense."""

    code = "CRN402"
    message = "{reason}"
    help = "{fix}"

    reason: str
    fix: str


@dataclass(frozen=True)
class TooManySites(Diagnostic):
    """A lattice larger than anything that could be computed."""

    code = "CRN403"
    message = "this lattice has {sites} sites, more than {limit}"
    help = "make it smaller: the cost of every engine grows with the sites"

    sites: str
    limit: int


@dataclass(frozen=True)
class BadFile(Diagnostic):
    """A table in a file that cannot be read, or does not fit."""

    code = "CRN408"
    message = "`{path}` cannot be used: {reason}"
    note = "the path starts at the folder of this file"
    help = "{fix}"

    path: str
    reason: str
    fix: str


@dataclass(frozen=True)
class NotPerSite(Diagnostic):
    """A name with an index, or a diffusion, that has no value at each site."""

    code = "CRN404"
    message = "`{name}` is the same for all sites: {what}"
    help = "{fix}"

    name: str
    what: str
    fix: str


@dataclass(frozen=True)
class WhichSite(Diagnostic):
    """A single number is needed, but the name has one at each site."""

    code = "CRN405"
    message = "`{name}` has a value at each site, and one number is needed here"
    help = "{fix}"

    name: str
    fix: str


@dataclass(frozen=True)
class NoSuchSite(Diagnostic):
    """An index that is not on the lattice."""

    code = "CRN406"
    message = "`{text}` is not on the lattice"
    note = "its indices run over {ranges}"

    text: str
    ranges: str


@dataclass(frozen=True)
class OtherSites(Diagnostic):
    """A rate, or the new value of an event, that reads more than its own site."""

    code = "CRN407"
    message = "`{text}` reads other sites, but {reader}"
    help = "{fix}"

    text: str
    reader: str = "a reaction reads only its own"
    fix: str = "write the plain name: it means the value at the site of the reaction"
