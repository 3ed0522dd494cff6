"""Surface expressions -> rate expressions: functions written out, names replaced."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from crnlang.diagnostics import Report, Span
from crnlang.frontend import ast
from crnlang.frontend.errors import NotFinite, NotWhole, TooLong
from crnlang.frontend.factors import MAX_ORDER, mass_action_factors
from crnlang.frontend.lattice_errors import (
    BadLattice,
    NoLattice,
    NoSuchSite,
    NotPerSite,
    OtherSites,
    WhichSite,
)
from crnlang.frontend.rooms import BUILT_IN_FUNCTIONS, CONSTANTS, TIME_NAMES
from crnlang.frontend.scope import Reading, Refused, Scope
from crnlang.ir.evaluate import evaluate_float64
from crnlang.ir.expr import (
    OVER_SITES,
    TRUTH_VALUED,
    WHOLE_ORDER,
    Call,
    Count,
    Expr,
    Function,
    Number,
    OverSites,
    ParameterRef,
    SiteCounts,
    Time,
    call,
    children,
    map_leaves,
    number,
    product,
    slots_of,
)

#: Largest expression, in nodes, and deepest nesting, functions written out.
MAX_SIZE = 20_000
MAX_DEPTH = 150
#: Deepest nesting where functions are written out, a call counting as one level.
MAX_NESTING = 225
#: Largest `sum` over sites and its like, in nodes.
MAX_SITES_SIZE = 2_000_000
_EVERY_SITE = -1


@dataclass(frozen=True, slots=True)
class _Sized:
    """An expression with its size and depth as a tree (shared parts count again)."""

    expr: Expr
    size: int = 1
    depth: int = 1


def lower_expression(
    node: ast.Expression,
    scope: Scope,
    report: Report,
    reading: Reading = Reading.STATE,
    arguments: Sequence[str] = (),
) -> Expr:
    """The rate expression of a surface expression.

    `arguments` are names that stand for `Count(their position)`.

    Raises:
        Refused: it holds or needs something with an error, grows too large, a falling
            factorial has an order that is no whole number, or sites do not fit.
    """
    if not report.is_sound(node.span):
        raise Refused
    given = {name: _Sized(Count(i)) for i, name in enumerate(arguments)}
    return _Lowering(scope, node.span, reading).expression(node, given).expr


def constant_value(
    node: ast.Expression, scope: Scope, what: str, report: Report
) -> float:
    """The value of an expression of parameters.

    Raises:
        Refused: see `lower_expression`; or it has no finite value; `what` names it in
            the message.
    """
    expr = lower_expression(node, scope, report, Reading.CONSTANT)
    value = (
        expr.value
        if isinstance(expr, Number)
        else float(evaluate_float64(expr, (), scope.constants, 0.0))
    )
    if not math.isfinite(value):
        raise Refused(NotFinite(node.span, what, f"{value:g}"))
    return value


def try_constant(
    node: ast.Expression, scope: Scope, what: str, report: Report
) -> float | None:
    """The value of an expression of parameters; `None` after a refusal."""
    try:
        return constant_value(node, scope, what, report)
    except Refused as refused:
        refused.tell(report)
        return None


def try_lower(
    node: ast.Expression,
    scope: Scope,
    report: Report,
    reading: Reading = Reading.STATE,
) -> Expr | None:
    """The rate expression; `None` after a refusal, which is reported."""
    try:
        return lower_expression(node, scope, report, reading)
    except Refused as refused:
        refused.tell(report)
        return None


def demand_small(expr: Expr, span: Span) -> None:
    """Raises `Refused` for an expression that has grown too large or too deep."""
    measured = _measure(expr)
    if measured.size > MAX_SIZE or measured.depth > MAX_DEPTH:
        raise Refused(TooLong(span, MAX_SIZE, MAX_DEPTH))


def try_condition(node: ast.Expression, scope: Scope, report: Report) -> Expr | None:
    """The expression as 0.0 or 1.0; `None` after a refusal, which is reported."""
    expr = try_lower(node, scope, report)
    return None if expr is None else as_condition(expr)


def as_condition(expr: Expr) -> Expr:
    """The expression as 0.0 or 1.0; any other number than 0 counts as true."""
    if isinstance(expr, Call | OverSites) and expr.function in TRUTH_VALUED:
        return expr
    return call(Function.NE, expr, number(0))


def site_of(element: ast.Element, scope: Scope) -> int:
    """The number of the site that `X[i, j]` means.

    Raises:
        Refused: there is no lattice, no such site, or the name has one value only.
    """
    name, lattice = element.name.text, scope.ground.lattice
    if scope.ground.is_doubtful:
        raise Refused
    if lattice is None:
        raise Refused(NoLattice(element.span, f"`{element.span.text}`"))
    if not scope.is_per_site(name):
        fix = f"write `{name}`, or declare it per site"
        what = "it has no index"
        raise Refused(NotPerSite(element.span, name, what, fix))
    found = [_index(node, scope) for node in element.index]
    is_whole = all(value == math.floor(value) for value in found)
    has_all = len(found) == len(lattice.shape)
    site = lattice.find([int(i) for i in found]) if is_whole and has_all else None
    if site is None:
        ranges = ", ".join(f"0..{size - 1}" for size in lattice.shape)
        ranges += " where the mask has a 1" * (lattice.kept is not None)
        raise Refused(NoSuchSite(element.span, element.span.text, ranges))
    return site


def _index(node: ast.Expression, scope: Scope) -> float:
    expr = _Lowering(scope, node.span, Reading.CONSTANT).expression(node, {}).expr
    value = float(evaluate_float64(expr, (), scope.constants, 0.0))
    if not math.isfinite(value):
        raise Refused(NotFinite(node.span, "the index", f"{value:g}"))
    return value


class _Lowering:
    """One expression being lowered; counts its work, which functions can multiply.

    It `is_over_sites` inside of `sum` and its like.
    """

    def __init__(self, scope: Scope, span: Span, reading: Reading) -> None:
        self.scope = scope
        self.span = span
        self.reading = reading
        self.is_over_sites = False
        self.work = self.nesting = 0

    def expression(
        self, node: ast.Expression, arguments: Mapping[str, _Sized]
    ) -> _Sized:
        self.work += 1
        self.nesting += 1
        self._limit(self.work, 1 if self.nesting <= MAX_NESTING else MAX_NESTING)
        found = self._lowered(node, arguments)
        self.nesting -= 1
        return found

    def _lowered(self, node: ast.Expression, arguments: Mapping[str, _Sized]) -> _Sized:
        match node:
            case ast.Literal(value):
                return _Sized(number(value))
            case ast.Reference():
                return self._reference(node, arguments)
            case ast.Element():
                return self._element(node)
            case ast.Operation(function, operands):
                return self._call(
                    function, [self.expression(o, arguments) for o in operands]
                )
            case ast.MassActionFactor(side):
                factors = mass_action_factors(side, self.scope)
                size = 3 * len(factors) + 1
                expr = map_leaves(product(factors), lambda leaf: self._here(leaf, node))
                return _Sized(expr, size, len(factors) + 1)
            case ast.Application(name, given) if _is_over_sites(name):
                return self._over_sites(node, given[0], arguments)
            case ast.Application(name, given):
                lowered = [self.expression(a, arguments) for a in given]
                if name.text in BUILT_IN_FUNCTIONS:
                    function = BUILT_IN_FUNCTIONS[name.text]
                    if function in WHOLE_ORDER:
                        _check_order(given[1])
                    return self._call(function, lowered)
                declared = self.scope.functions.get(name.text)
                if declared is None:
                    raise Refused
                names = [argument.text for argument in declared.arguments]
                inner = dict(zip(names, lowered, strict=True))
                return self.expression(declared.body, inner)

    def _reference(
        self, node: ast.Reference, arguments: Mapping[str, _Sized]
    ) -> _Sized:
        name = node.name
        if name in arguments:
            return arguments[name]
        if name in self.scope.names.doubtful:
            raise Refused
        if name in CONSTANTS:
            return _Sized(number(CONSTANTS[name]))
        if name in TIME_NAMES:
            return _Sized(Time())
        if name not in self.scope.values:
            raise Refused
        value = self.scope.values[name]
        if name in self.scope.species or isinstance(value, ParameterRef):
            return _measure(self._here(value, node))
        if self.reading is Reading.OWN_SITE:
            return _measure(self._as_own_site(value, node))
        return _measure(value)

    def _here(self, leaf: Expr, node: ast.Reference | ast.MassActionFactor) -> Expr:
        """A species or a parameter where the expression reads it."""
        if isinstance(leaf, Count) and self.reading is Reading.STATE:
            block = self.scope.ground.blocks[leaf.slot]
            if leaf.slot not in self.scope.ground.per_site:
                return Count(block[0])
            self._demand_site(node)
            return SiteCounts(block)
        if isinstance(leaf, ParameterRef):
            if self.is_over_sites:
                return self._parameter(leaf.index, _EVERY_SITE)
            values = self.scope.constants[leaf.index]
            is_here = self.reading in (Reading.OWN_SITE, Reading.SITE_CONSTANT)
            if isinstance(values, np.ndarray) and not is_here:
                self._demand_site(node)
            return self._parameter(leaf.index, None)
        return leaf

    def _parameter(self, index: int, site: int | None) -> Expr:
        """A parameter as events change it.

        At a site or at every one, or for `None` where the reaction happens.
        """
        reads_time = self.reading in (Reading.OWN_SITE, Reading.STATE)
        known = self.scope.changed if reads_time else self.scope.before
        expr = known.get(index, ParameterRef(index))
        if site is None:
            return expr

        def there(leaf: Expr) -> Expr:
            if isinstance(leaf, ParameterRef):
                numbers = self.scope.numbers_at_sites(leaf.index)
                if numbers is not None:
                    return (
                        numbers if site == _EVERY_SITE else number(numbers.values[site])
                    )
            return leaf

        return map_leaves(expr, there)

    def _demand_site(self, node: ast.Reference | ast.MassActionFactor) -> None:
        """Raises `Refused` where an expression is at no site."""
        if self.is_over_sites:
            return
        lattice, name = self.scope.ground.lattice, node.span.text
        fix = f"write `sum({name})` or `mean({name})`"
        if isinstance(node, ast.Reference) and lattice is not None:
            zeros = ", ".join("0" for _ in lattice.shape)
            fix += f", or `{name}[{zeros}]` for one site"
        raise Refused(WhichSite(node.span, name, fix))

    def _as_own_site(self, value: Expr, node: ast.Reference) -> Expr:
        """An observable or a set in terms of species, where it reads no site."""
        ground = self.scope.ground
        species = {
            block[0]: place
            for place, block in enumerate(ground.blocks)
            if place not in ground.per_site
        }
        if not slots_of(value) <= species.keys():
            raise Refused(OtherSites(node.span, node.name))
        return map_leaves(
            value,
            lambda leaf: Count(species[leaf.slot]) if isinstance(leaf, Count) else leaf,
        )

    def _element(self, node: ast.Element) -> _Sized:
        if node.name.text in self.scope.names.doubtful:
            raise Refused
        value = self.scope.values.get(node.name.text)
        site = site_of(node, self.scope)
        if isinstance(value, ParameterRef):
            return _measure(self._parameter(value.index, site))
        if self.reading is Reading.OWN_SITE:
            raise Refused(OtherSites(node.span, node.span.text))
        block = self.scope.ground.blocks[self.scope.species[node.name.text]]
        return _Sized(Count(block[site]))

    def _over_sites(
        self,
        node: ast.Application,
        body: ast.Expression,
        arguments: Mapping[str, _Sized],
    ) -> _Sized:
        """`sum(body)` and its like: the body at every site."""
        ground, text = self.scope.ground, f"{node.name.text}(...)"
        if ground.is_doubtful:
            raise Refused
        if ground.lattice is None:
            raise Refused(NoLattice(node.span, f"`{text}`"))
        if self.reading is Reading.OWN_SITE:
            raise Refused(OtherSites(node.span, text))
        if self.is_over_sites:
            reason = f"`{text}` stands inside another sum over sites"
            raise Refused(BadLattice(node.span, reason, "write them side by side"))
        self.is_over_sites = True
        found = self.expression(body, arguments)
        self.is_over_sites = False
        sites = ground.lattice.sites
        if found.size * sites > MAX_SITES_SIZE:
            raise Refused(TooLong(self.span, MAX_SIZE, MAX_DEPTH))
        function = BUILT_IN_FUNCTIONS[node.name.text]
        expr = OverSites(function, found.expr, sites)
        return _Sized(expr, found.size + 1, found.depth + 1)

    def _call(self, function: Function, arguments: Sequence[_Sized]) -> _Sized:
        size = 1 + sum(argument.size for argument in arguments)
        depth = 1 + max(argument.depth for argument in arguments)
        self._limit(size, depth)
        return _Sized(call(function, *(a.expr for a in arguments)), size, depth)

    def _limit(self, size: int, depth: int) -> None:
        if size > MAX_SIZE or depth > MAX_DEPTH:
            raise Refused(TooLong(self.span, MAX_SIZE, MAX_DEPTH))


def _is_over_sites(name: ast.Name) -> bool:
    return BUILT_IN_FUNCTIONS.get(name.text) in OVER_SITES


def _check_order(order: ast.Expression) -> None:
    value = order.value if isinstance(order, ast.Literal) else None
    if value is None or value != int(value) or not 0 <= value <= MAX_ORDER:
        wanted = f"a whole number from 0 to {MAX_ORDER}, written out"
        raise Refused(NotWhole(order.span, "the order", wanted, f"`{order.span.text}`"))


def _measure(expr: Expr) -> _Sized:
    """Size and depth of an observable's or a set's expression."""
    size, deepest = 0, 0
    pending = [(expr, 1)]
    while pending:
        node, depth = pending.pop()
        size, deepest = size + 1, max(deepest, depth)
        pending += [(child, depth + 1) for child in children(node)]
    return _Sized(expr, size, deepest)
