"""Queries: their kinds, and what each must and may be given."""

from collections.abc import Container

from crnlang.diagnostics import Report, Span, listing, suggest
from crnlang.frontend import ast
from crnlang.frontend.errors import BadQuery, UnknownChoice

#: How each query is written.
USAGE = {
    "prob": "query prob(X > 10, at=0:40:1)",
    "dist": "query dist(X, Y, at=[1, 5, 10])",
    "expect": "query expect(X + 2*Y, at=0:40:1)",
    "logp": "query logp(X=3, Y=0, at=[1, 5, 10])",
    "hit": "query hit(X > 10, from=X == 0, by=0:40:1)",
    "mfpt": "query mfpt(from=X == 0, to=X > 10)",
    "rate": "query rate(from=X == 0, to=X > 10)",
}
#: The parts that each query may have; `logp` has copy numbers of species as well.
PARTS = {
    **dict.fromkeys(("prob", "dist", "expect", "logp"), ("given", "at")),
    "hit": ("from", "by"),
    **dict.fromkeys(("mfpt", "rate"), ("from", "to")),
}
#: The parts that it must have, and what is said where one is missing.
NEEDED = {
    **dict.fromkeys(("prob", "dist", "expect", "logp"), ("at",)),
    "hit": ("by",),
    **dict.fromkeys(("mfpt", "rate"), ("from", "to")),
}
_MISSING = {
    "at": "this query does not say at which times",
    "by": "this query does not say by which times",
    "from": "this query does not say `from` which states",
    "to": "this query does not say `to` which states",
}
#: The parts that are times; the others are conditions.
TIMES = ("at", "by")


def check_query(
    query: ast.QueryStatement, names: Container[str], report: Report
) -> None:
    """Report a query of unknown kind, or with parts missing, doubled or misplaced.

    `names` are those that the file declares.
    """
    kind = query.kind
    if kind.text not in USAGE:
        near = suggest(kind.text, USAGE)
        report.add(UnknownChoice(kind.span, "query", kind.text, listing(USAGE), near))
        return
    for span, reason in _argument_faults(query) + _keyword_faults(query, names):
        report.add(BadQuery(span, reason, f"write `{USAGE[kind.text]}`"))


def is_count(query: ast.QueryStatement, keyword: ast.Keyword) -> bool:
    """Whether a keyword is the copy number of a species."""
    return query.kind.text == "logp" and keyword.key.text not in PARTS["logp"]


def _argument_faults(query: ast.QueryStatement) -> list[tuple[Span, str]]:
    kind, count = query.kind, len(query.arguments)
    if kind.text == "dist":
        return _species_faults(query)
    if kind.text in ("mfpt", "rate"):
        reason = f"`{kind.text}` takes two conditions, behind `from=` and `to=`"
        return [(argument.span, reason) for argument in query.arguments]
    if kind.text == "logp":
        reason = "`logp` takes a copy number for each species, as `X=3`"
        if not count and not query.site_counts and not any(_counts(query)):
            return [(kind.span, reason)]
        return [(argument.span, reason) for argument in query.arguments]
    if count != 1:
        return [(kind.span, f"`{kind.text}` takes one expression, not {count}")]
    return []


def _counts(query: ast.QueryStatement) -> list[ast.Keyword]:
    return [keyword for keyword in query.keywords if is_count(query, keyword)]


def _species_faults(query: ast.QueryStatement) -> list[tuple[Span, str]]:
    """What is no name of a species in `dist`, or stands there twice."""
    if not query.arguments:
        return [(query.kind.span, "`dist` needs the names of one or more species")]
    found, seen = list[tuple[Span, str]](), set[ast.Expression]()
    for argument in query.arguments:
        if not isinstance(argument, ast.Reference | ast.Element):
            found.append((argument.span, "`dist` takes names of species only"))
        elif argument in seen:
            found.append((argument.span, f"`{argument.span.text}` stands here twice"))
        seen.add(argument)
    return found


def _keyword_faults(
    query: ast.QueryStatement, names: Container[str]
) -> list[tuple[Span, str]]:
    kind, found, seen = query.kind.text, list[tuple[Span, str]](), set[str]()
    is_clear = True  # no part that may be a missing one misspelled
    for keyword in query.keywords:
        key = keyword.key.text
        if key in seen:
            found.append((keyword.key.span, f"`{key}` stands here twice"))
        elif is_count(query, keyword):
            is_clear = is_clear and key in names
            if not isinstance(keyword.value, ast.Expression):
                found.append((keyword.value.span, f"`{key}` needs one copy number"))
        elif key not in PARTS[kind]:
            is_clear = False
            reason = f"`{kind}` has no part `{key}`; known: {listing(PARTS[kind])}"
            found.append((keyword.key.span, reason))
        elif key not in TIMES and not isinstance(keyword.value, ast.Expression):
            found.append((keyword.value.span, f"`{key}` needs a condition"))
        seen.add(key)
    if kind != "logp":
        found += [
            (one.span, f"`{one.element.span.text}=` belongs into `logp`")
            for one in query.site_counts
        ]
    if is_clear:
        missing = [key for key in NEEDED[kind] if key not in seen]
        found += [(query.kind.span, _MISSING[key]) for key in missing]
    return found
