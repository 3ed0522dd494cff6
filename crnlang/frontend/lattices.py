"""Lattice, `init` and `diffuse` statements -> sites, starts and hops."""

import math
from collections.abc import Iterable, Sequence

from crnlang.diagnostics import Report, Span, listing, suggest
from crnlang.frontend import ast
from crnlang.frontend.errors import Repeated, UnknownChoice
from crnlang.frontend.expressions import (
    constant_value,
    site_of,
    try_lower,
)
from crnlang.frontend.files import kept_places, links, read_rows
from crnlang.frontend.lattice_errors import (
    BadLattice,
    NoLattice,
    NotPerSite,
    TooManySites,
)
from crnlang.frontend.measures import check_diffusion
from crnlang.frontend.scope import Reading, Refused, Scope
from crnlang.frontend.species import lower_start
from crnlang.ir.expr import Expr, Function, call, number
from crnlang.ir.lattice import MAX_SITES, Boundary, Lattice
from crnlang.ir.network import Hop, SiteStart

#: How many axes each kind of lattice may have.
_AXES = {"grid": (1, 3), "chain": (1, 1)}
_OPTIONS = ("boundary", "spacing", "mask")
_BOUNDARIES = tuple(boundary.value for boundary in Boundary)
_EXAMPLE = "write `lattice grid(8, 8) boundary (periodic, reflecting)`"


def lower_lattice(
    statement: ast.LatticeStatement, scope: Scope, report: Report
) -> Lattice | None:
    """The lattice; `None` after a refusal, which is reported."""
    try:
        return _lattice(statement, scope, report)
    except Refused as refused:
        refused.tell(report)
        return None


def _lattice(
    statement: ast.LatticeStatement, scope: Scope, report: Report
) -> Lattice | None:
    """The lattice.

    Raises:
        Refused: a wrong kind, size or option.
    """
    options = _options(statement)
    if statement.shape.text == "graph":
        return _graph(statement, options)
    shape = _shape(statement, scope, report)
    boundary = (Boundary.REFLECTING,) * len(shape)
    if "boundary" in options:
        boundary = _boundary(options["boundary"], len(shape))
    spacing = None
    if "spacing" in options:
        spacing = _spacing(options["spacing"], scope, report)
    kept = None
    if "mask" in options:
        file = _file_of(options["mask"])
        kept = tuple(kept_places(read_rows(file), file, math.prod(shape)))
    return Lattice(shape, boundary, spacing, kept)


def _file_of(option: ast.LatticeOption) -> ast.File:
    if option.file is None:
        reason = f"`{option.key.text}` takes the name of a file"
        raise Refused(BadLattice(option.span, reason, 'write `mask "mask.csv"`'))
    return option.file


def _graph(
    statement: ast.LatticeStatement, options: dict[str, ast.LatticeOption]
) -> Lattice:
    """The sites and links of a file.

    Raises:
        Refused: no file, one that does not fit, or options.
    """
    fix = 'write `lattice graph("edges.csv")`'
    if statement.file is None:
        reason = "`graph` takes the name of a file with the pairs of neighbours"
        raise Refused(BadLattice(statement.shape.span, reason, fix))
    for key, option in options.items():
        reason = f"a graph has no `{key}`"
        raise Refused(BadLattice(option.span, reason, fix))
    sites, pairs = links(read_rows(statement.file), statement.file)
    return Lattice((sites,), (Boundary.REFLECTING,), links=tuple(pairs))


def _shape(
    statement: ast.LatticeStatement, scope: Scope, report: Report
) -> tuple[int, ...]:
    kind = statement.shape
    if kind.text not in _AXES:
        kinds = (*_AXES, "graph")
        known, fix = listing(kinds), suggest(kind.text, kinds)
        raise Refused(UnknownChoice(kind.span, "lattice", kind.text, known, fix))
    low, high = _AXES[kind.text]
    if not low <= len(statement.sizes) <= high:
        wanted = f"{low} to {high} sizes" if high > low else "one size"
        reason = f"`{kind.text}` takes {wanted}, not {len(statement.sizes)}"
        raise Refused(BadLattice(kind.span, reason, _EXAMPLE))
    sizes = [_size(size, scope, report) for size in statement.sizes]
    if math.prod(sizes) > MAX_SITES:
        shown = f"{math.prod(sizes):.6g}"
        raise Refused(TooManySites(statement.span, shown, MAX_SITES))
    return tuple(map(int, sizes))


def _size(node: ast.Expression, scope: Scope, report: Report) -> float:
    value = constant_value(node, scope, "the size of the lattice", report)
    if value != math.floor(value) or value < 1:
        reason = f"a lattice cannot have {value:g} sites along an axis"
        raise Refused(BadLattice(node.span, reason, _EXAMPLE))
    return value


def _options(statement: ast.LatticeStatement) -> dict[str, ast.LatticeOption]:
    found: dict[str, ast.LatticeOption] = {}
    for option in statement.options:
        key = option.key
        if key.text not in _OPTIONS:
            known, fix = listing(_OPTIONS), suggest(key.text, _OPTIONS)
            choice = UnknownChoice(key.span, "part", key.text, known, fix)
            raise Refused(choice)
        if option.file is not None and key.text != "mask":
            reason = f"`{key.text}` takes no file"
            raise Refused(BadLattice(option.span, reason, _EXAMPLE))
        if key.text in found:
            first = found[key.text].key.span
            raise Refused(Repeated(key.span, key.text, first))
        found[key.text] = option
    return found


def _boundary(option: ast.LatticeOption, axes: int) -> tuple[Boundary, ...]:
    """One boundary an axis; a single one holds for all."""
    values = option.values
    names = [value.name for value in values if isinstance(value, ast.Reference)]
    for value in values:
        text = value.span.text
        if text not in _BOUNDARIES:
            known, fix = listing(_BOUNDARIES), suggest(text, _BOUNDARIES)
            raise Refused(UnknownChoice(value.span, "boundary", text, known, fix))
    if len(names) not in (1, axes):
        reason = f"a lattice of {axes} axes needs 1 or {axes} boundaries"
        raise Refused(BadLattice(option.span, reason, _EXAMPLE))
    return tuple(map(Boundary, names if len(names) == axes else names * axes))


def _spacing(option: ast.LatticeOption, scope: Scope, report: Report) -> float:
    node, *others = option.values
    if others:
        fix = "write `spacing 0.5`: the axes have one spacing"
        raise Refused(BadLattice(option.span, "`spacing` takes one length", fix))
    value = constant_value(node, scope, "the spacing", report)
    if value <= 0:
        reason = f"the spacing must be above 0, not {value:g}"
        raise Refused(BadLattice(node.span, reason, "write `spacing 0.5`"))
    return value


def lower_site_starts(
    statements: Iterable[ast.InitStatement], scope: Scope, report: Report
) -> tuple[SiteStart, ...]:
    """The starts at single sites; what is wrong is reported."""
    found: list[SiteStart] = []
    first: dict[tuple[int, int], Span] = {}
    for statement in statements:
        element, name = statement.element, statement.element.name.text
        initial = lower_start(statement.start, scope, report)
        if name not in scope.species or not report.is_sound(element.span):
            continue
        try:
            site = site_of(element, scope)
        except Refused as refused:
            refused.tell(report)
            continue
        place = (scope.species[name], site)
        if place in first:
            text = element.span.text
            report.add(Repeated(element.span, f"init {text}", first[place]))
        elif initial is not None:
            found.append(SiteStart(*place, initial, statement.span))
        first.setdefault(place, element.span)
    return tuple(found)


def lower_hops(
    statements: Sequence[ast.DiffuseStatement], scope: Scope, report: Report
) -> tuple[Hop, ...]:
    """The hops of every species that diffuses; what is wrong is reported."""
    found: list[Hop] = []
    first: dict[str, Span] = {}
    for statement in statements:
        rate = _hop_rate(statement, scope, report)
        for name in statement.names:
            if name.text in first:
                word = f"diffuse {name.text}"
                report.add(Repeated(name.span, word, first[name.text]))
            first.setdefault(name.text, name.span)
            index = scope.species.get(name.text)
            if index is None or not report.is_sound(name.span):
                continue
            if scope.ground.is_doubtful:
                continue
            if not scope.is_per_site(name.text):
                report.add(_not_per_site(name, scope))
            elif rate is not None:
                hop = f"diffuse_{name.text}"
                found.append(Hop(hop, index, rate, statement.span))
    return tuple(found)


def _not_per_site(name: ast.Name, scope: Scope) -> NoLattice | NotPerSite:
    if scope.ground.lattice is None:
        return NoLattice(name.span, "diffusion")
    what = "it cannot diffuse"
    fix = f"declare it per site: `species {name.text} in 0..9 per site`"
    return NotPerSite(name.span, name.text, what, fix)


def _hop_rate(
    statement: ast.DiffuseStatement, scope: Scope, report: Report
) -> Expr | None:
    """Hops of one molecule along one directed edge; `None` after a refusal."""
    word, lattice = statement.word, scope.ground.lattice
    rate = try_lower(statement.rate, scope, report, Reading.OWN_SITE)
    check_diffusion(statement, scope, report)
    if word is None:
        return rate
    if word.text != "coefficient":
        fix = "write `diffuse X @ d` for hops, or `diffuse X coefficient D`"
        choice = (word.span, "word", word.text, "coefficient", fix)
        report.add(UnknownChoice(*choice))
        return None
    if lattice is None or rate is None:
        return None
    if lattice.spacing is None:
        reason = "a diffusion coefficient needs the distance between sites"
        fix = "write `spacing 0.5` behind the lattice, or the hop rate: `diffuse X @ d`"
        report.add(BadLattice(word.span, reason, fix))
        return None
    square = lattice.spacing * lattice.spacing
    if math.isinf(square):
        reason = "the square of the spacing is beyond every floating-point number"
        report.add(BadLattice(word.span, reason, "write a smaller `spacing`"))
        return None
    return call(Function.DIV, rate, number(square))
