"""Queries: their kinds, and what each must and may be given."""

from crnlang.diagnostics import Report, Span, listing, suggest
from crnlang.frontend import ast
from crnlang.frontend.errors import BadQuery, UnknownChoice
from crnlang.frontend.syntax_errors import NotYet

#: How each query is written.
USAGE = {
    "prob": "query prob(X > 10, at=0:40:1)",
    "dist": "query dist(X, Y, at=[1, 5, 10])",
    "expect": "query expect(X + 2*Y, at=0:40:1)",
}
_LATER = ("hit", "mfpt", "rate", "logp")
_KEYS = ("given", "at")


def check_query(query: ast.QueryStatement, report: Report) -> None:
    """Report a query of unknown kind, or with parts missing, doubled or misplaced."""
    kind = query.kind
    if kind.text in _LATER:
        fix = f"known: {listing(USAGE)}"
        report.add(NotYet(kind.span, f"query `{kind.text}` is", fix))
        return
    if kind.text not in USAGE:
        near = suggest(kind.text, USAGE)
        report.add(UnknownChoice(kind.span, "query", kind.text, listing(USAGE), near))
        return
    for span, reason in _faults(query):
        report.add(BadQuery(span, reason, f"write `{USAGE[kind.text]}`"))


def _faults(query: ast.QueryStatement) -> list[tuple[Span, str]]:
    kind, found = query.kind, list[tuple[Span, str]]()
    if kind.text == "dist":
        if not query.arguments:
            found.append((kind.span, "`dist` needs the names of one or more species"))
        seen: set[ast.Expression] = set()
        for argument in query.arguments:
            if not isinstance(argument, ast.Reference | ast.Element):
                found.append((argument.span, "`dist` takes names of species only"))
            elif argument in seen:
                text = argument.span.text
                found.append((argument.span, f"`{text}` stands here twice"))
            seen.add(argument)
    elif len(query.arguments) != 1:
        count = len(query.arguments)
        found.append((kind.span, f"`{kind.text}` takes one expression, not {count}"))
    return found + _keyword_faults(query)


def _keyword_faults(query: ast.QueryStatement) -> list[tuple[Span, str]]:
    found, seen = list[tuple[Span, str]](), set[str]()
    for keyword in query.keywords:
        key = keyword.key.text
        if key not in _KEYS:
            reason = f"a query has no part `{key}`; known: {listing(_KEYS)}"
            found.append((keyword.key.span, reason))
        elif key in seen:
            found.append((keyword.key.span, f"`{key}` stands here twice"))
        elif key == "given" and not isinstance(keyword.value, ast.Expression):
            found.append((keyword.value.span, "`given` needs a condition"))
        seen.add(key)
    if "at" not in seen and seen <= set(_KEYS):
        found.append((query.kind.span, "this query does not say at which times"))
    return found
