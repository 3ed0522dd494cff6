"""Text -> the other language that the whole file is written in, if it is.

Line by line such a file has an error nearly everywhere, and none of them helps. A file
with a `crn` line is always taken for ours.
"""

import re

from crnlang.diagnostics import SourceText, Span
from crnlang.frontend.syntax_errors import ForeignDialect
from crnlang.frontend.tokens import STATEMENT_WORDS
from crnlang.frontend.translate import translated

_OURS = re.compile(r"^[ \t]*crn\b", re.MULTILINE)
_STATEMENT = re.compile(rf"({'|'.join(STATEMENT_WORDS.values())})\b")
_NAMES = "names are declared: `param k = 0.1`, `species A in 0..100 = 10`"
#: How a fix begins; the first reaction of the file, translated, takes its place.
_EXAMPLE = re.compile(r"`[^`]*` is written `[^`]*`")
_MODEL = "`param k = 0.1`, `species A in 0..100 = 10`, `A -> B @ k`"
_CATALYST = (
    "Catalyst (Julia)",
    f"`k, A --> B` is written `A -> B @ k`, and {_NAMES}",
)
_MICROSOFT = (
    "the Microsoft CRN engine",
    f"`A ->{{k}} B` is written `A -> B @ k`, and {_NAMES}",
)
_ANTIMONY = ("Antimony", f"`J: A -> B; k*A` is written `J: A -> B @ k`, and {_NAMES}")

#: What only this language has at the beginning of a line; its name; the fix.
_SIGNS = [
    (
        r"(<\?xml|<sbml)\b.*",
        "XML, perhaps SBML",
        f"there is no import yet; write the model out: {_MODEL}",
    ),
    (
        r"begin +(model|parameters|species|seed species|reaction rules|molecule types"
        r"|observables|functions|actions)\b",
        "BioNetGen",
        f"there are no blocks here, and a pattern is a species of its own: {_MODEL}",
    ),
    (
        r"%(agent|init|var|obs|token|plot|mod):",
        "Kappa",
        f"an agent in each of its states is a species of its own here: {_MODEL}",
    ),
    (
        r"(using +Catalyst\b|[^#\n]*@reaction_network\b)",
        *_CATALYST,
    ),
    (
        r"(ctmc|dtmc|mdp|endmodule)[ \t]*$",
        "PRISM",
        "`[] x<9 -> k : (x' = x + 1)` is written `species x in 0..9` and `0 -> x @ k`",
    ),
    (
        r"directive +\w+",
        *_MICROSOFT,
    ),
    (
        r"(from +[\w.]+ +import\b|import +[\w.]+( +as +\w+)?[ \t]*$|def +\w+\(.*:)",
        "Python",
        f"a `.crn` file holds the model alone: {_MODEL}",
    ),
    (
        r"reaction(_\w+)? +\w+ +\w[^\n@]*->",
        "Smoldyn",
        f"`reaction r A -> B 0.1` is written `r: A -> B @ 0.1`, and {_NAMES}",
    ),
    (r"model +\*?\w+ *\(", *_ANTIMONY),
    (
        r"[^#\n]*(->|<=>)[^#\n\[]*\[ *k\w* *=[^#\n]*",
        "crnsimulator",
        f"`A -> B [k = 1]` is written `A -> B @ 1`, and {_NAMES}",
    ),
    (r"[^#\n@]*<?->[ \t]*[{[][^#\n@]*", *_MICROSOFT),
    (r"[^#\n@,]+,[^#\n@]*-->[^#\n@]*", *_CATALYST),
]
_PATTERNS = [
    (re.compile(rf"^[ \t]*(?P<sign>{sign})", re.MULTILINE), name, fix)
    for sign, name, fix in _SIGNS
]


def recognise_dialect(source: SourceText) -> ForeignDialect | None:
    """The error that says which language the file is in; `None` for ours."""
    if _OURS.search(source.text):
        return None
    for pattern, name, fix in _PATTERNS:
        if (match := pattern.search(source.text)) is not None:
            place = Span(source, match.start("sign"), match.end("sign"))
            return ForeignDialect(place, name, _translated(fix, source, name))
    if "@" not in source.text and (place := _law_behind_semicolon(source)) is not None:
        name, fix = _ANTIMONY
        return ForeignDialect(place, name, _translated(fix, source, name))
    return None


def _translated(fix: str, source: SourceText, language: str) -> str:
    """The fix with the first reaction of the file in the place of the example.

    Where the fix has no example, it goes before it.
    """
    found = translated(source.text, language)
    if not found:
        return fix
    if _EXAMPLE.match(fix):
        return _EXAMPLE.sub(lambda _: found, fix, count=1)
    return f"{found}; {fix}"


def _law_behind_semicolon(source: SourceText) -> Span | None:
    """The first reaction with `; law` behind it, as in Antimony."""
    start = 0
    for line in source.text.split("\n"):
        reaction, _, rest = line.partition(";")
        law = rest.partition(";")[0].strip()
        has_arrow = re.search("[-=]>", reaction) and not re.search("#|//", reaction)
        if has_arrow and law and ">" not in law and not _STATEMENT.match(law):
            indent = len(line) - len(line.lstrip())
            end = len(reaction) + 1 + rest.index(law) + len(law)
            return Span(source, start + indent, start + end)
        start += len(line) + 1
    return None
