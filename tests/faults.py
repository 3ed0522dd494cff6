"""Faults that are put into a program: where, and with which error they must be told.

A fault is an edit of the text inside one statement, or a wrong statement of its own in
one of the empty lines at the end. No edit adds or removes a line.
"""

import itertools
from dataclasses import dataclass

from hypothesis import strategies as st

from crnlang.diagnostics import Report, SourceText
from crnlang.frontend import ast
from crnlang.frontend.parse import parse_program
from crnlang.frontend.questions import TIMES
from crnlang.frontend.tokens import split_statements
from crnlang.testing import programs

#: Every program gets them; the reaction so that it needs its `massaction` line.
ADDED = "param sound = 1\n2 D -> 0 @ sound"
#: Stands between the empty lines, so that no open bracket reaches into the next.
NEUTRAL = "0 -> D @ 1"

#: A program with species that only conservation laws limit.
POOLS = """crn 1
model m
massaction power
param b = 1e-4, u = 0.1
species Gx_on, Gy_on = 1
species Gx_off, Gy_off
species Px, Py in 0..9
species E = 3
species ES, S = 2
species C, D in 0..9 = 1
func f(x, y) = x/(1 + y)
make: Gx_on -> Gx_on + Px @ b
0 <-> Py via Gy_on @ u, b
Gy_on + 2 Px <-> Gy_off @ b, u
Gx_on + 2 Py <-> Gx_off @ b, u
bind: E + S <-> ES -> E + S @ b, u, u
D -> 0 @ propensity(f(C, Px)*Gx_on)
observe n = Gx_on + Px
set s = n > 1
query prob(s, given=Gx_on == 1, at=[1, 2])
solve main with fsp { t = 0..4; save = [1, 4] }"""

#: Statements that are wrong by themselves, with their codes; `#` is a number.
WRONG_STATEMENTS = {
    "unit z# = 1": "CRN110",
    "unit M = # [s]": "CRN433",
    "D --> 0, 1": "CRN103",
    "D -> 0": "CRN104",
    "D -> 0 1": "CRN104",
    "z# = 3": "CRN105",
    "species set in 0..3": "CRN106",
    "k, D --> 0": "CRN109",
    "->{1} D": "CRN109",
    "observe z# =": "CRN110",
    "observe z# = " + "-" * 200 + "1": "CRN111",
    "D + 1.5 C -> 0 @ 1": "CRN112",
    "-> D @ 1": "CRN113",
    "query dist(D C, at=1)": "CRN114",
    "query dist(D, at=1": "CRN108",
    "0 -> D @ propensity(1 + max(1, 2)": "CRN108",
    "solve z# with fsp { t = 0..1": "CRN108",
    "solve z# with fsp": "CRN110",
    "solve z# with fsp t = 0..1 }": "CRN101",
    "solve z# with fsp { t = 0..1 } }": "CRN117",
    "observe z# = D & C": "CRN102",
    "param z# = 1e999": "CRN116",
    "0 -> D + z# @ 1": "CRN201",
    "0 -> D @ z#": "CRN201",
    "observe z# = w#": "CRN201",
    "param z# = w#(1)": "CRN201",
    "species D in 0..3": "CRN202",
    "param C = 3": "CRN202",
    "func C(x) = x": "CRN202",
    "param pi = 3": "CRN203",
    "species sqrt in 0..3": "CRN203",
    "D -> sound @ 1": "CRN204",
    "observe z# = exp(1, 2)": "CRN205",
    "0 -> D @ D": "CRN206",
    "D <-> 0 @ 1": "CRN208",
    "D -> 0 @ 1, 2": "CRN208",
    "species z# in 0..3 ~ gauss(1)": "CRN209",
    "query dst(D, at=1)": "CRN209",
    "param z# = 2*t": "CRN210",
    "species z# in 0..2.5": "CRN211",
    "species z# in 1..3": "CRN211",
    "species z# in 0..3 = 0.5": "CRN211",
    "101 D -> 0 @ 1": "CRN211",
    "param z# = 1/0": "CRN212",
    "query dist(D)": "CRN213",
    "query mfpt(from=D > 3)": "CRN213",
    "query hit(D > 3, from=D < 3, by=0:1, at=1)": "CRN213",
    "query rate(from=D > t, to=D == 0)": "CRN213",
    "query logp(D=1, z#=1, at=1)": "CRN201",
    "query dist(D, at=[-1])": "CRN214",
    "query dist(D, at=3:1)": "CRN214",
    "model z#": "CRN215",
    "crn 1": "CRN215",
    "param z# = 1 in 3..2": "CRN217",
    "D -> 0 via D @ 1": "CRN222",
    "param z# = z# + 1": "CRN223",
    "species z# in 0..3 = 4": "CRN303",
    "0 -> D @ 0 - 1": "CRN304",
    "D -> 0 @ propensity(0 - D)": "CRN305",
    "query logp(D=10, at=1)": "CRN320",
    "query mfpt(from=D > 3, to=D > 4)": "CRN321",
    "solve z# with fsp { samplez = 3 }": "CRN501",
    "solve z# with tvdp { t = 0..3 }": "CRN501",
    "solve z# with fsp { t = 1..3; save = [2] }": "CRN501",
    "solve z# with ssa { t = 0..3; save = [4] }": "CRN501",
    "solve z# with fsp { seed = 1; seed = 2 }": "CRN502",
}


@dataclass(frozen=True)
class Fault:
    """An edit: the characters `start..end` become `text`; `statement` is its number."""

    code: str
    statement: int
    start: int
    end: int
    text: str


class Sound:
    """A sound program with empty lines at the end, and where its parts stand."""

    def __init__(self, text, empty_lines):
        self.text = f"{text}\n{ADDED}" + f"\n\n{NEUTRAL}" * empty_lines
        self.places = [
            len(self.text) - i * len(f"\n\n{NEUTRAL}") - len(f"\n{NEUTRAL}")
            for i in range(empty_lines)
        ]
        source = SourceText("<text>", self.text)
        self.statements = parse_program(source, Report()).statements
        self.groups = [
            (group.tokens[0].start_pos, group.tokens[-1].end_pos)
            for group in split_statements(self.text)
        ]

    def all(self, kind):
        return [s for s in self.statements if isinstance(s, kind)]

    def with_faults(self, faults):
        text = self.text
        for fault in sorted(faults, key=lambda fault: -fault.start):
            text = text[: fault.start] + fault.text + text[fault.end :]
        return text

    def added(self, code, text, number):
        """A statement of its own, in an empty line of its own."""
        place = self.places[number]
        return Fault(code, -1 - number, place, place, text.replace("#", str(number)))

    def replaced(self, code, span, text):
        """Other words in the place of some of a statement."""
        statement = next(i for i, (_, end) in enumerate(self.groups) if span.end <= end)
        return Fault(code, statement, span.start, span.end, f" {text} ")


def faults_of(sound, number):
    """Every fault that the program can have; those with a `number` differ by it."""
    added = [sound.added(c, text, number) for text, c in WRONG_STATEMENTS.items()]
    edits = itertools.chain(
        _in_declarations(sound),
        _in_reactions(sound, number),
        _in_questions(sound, number),
    )
    return added + [f for f in edits if "\n" not in sound.text[f.start : f.end]]


def _first(span, length):
    return type(span)(span.source, span.start, span.start + length)


def _in_declarations(sound):
    (header,), (model,) = sound.all(ast.Header), sound.all(ast.ModelStatement)
    yield sound.replaced("CRN219", header.span, "crn 2")
    yield sound.replaced("CRN101", header.span, "crn one")
    yield sound.replaced("CRN115", model.span, 'model m "title')
    yield sound.replaced("CRN105", model.span, "modle m")
    (massaction,) = sound.all(ast.MassActionStatement)
    yield sound.replaced("CRN207", massaction.span, "")
    yield sound.replaced("CRN209", massaction.span, "massaction fallling")
    yield sound.replaced("CRN105", massaction.span, "masaction power")
    yield sound.replaced("CRN110", massaction.span, "massaction")
    for parameter in sound.all(ast.ParameterDeclaration)[:-1]:
        value = parameter.value.span
        yield sound.replaced("CRN102", value, f"{value.text} $")
        yield sound.replaced("CRN212", value, "0/0")
        yield sound.replaced("CRN201", value, f"no_{parameter.name.text}")
    *others, last = sound.all(ast.SpeciesDeclaration)
    yield sound.replaced("CRN302", last.bounds.span, "")
    for declaration in others:
        yield sound.replaced("CRN105", _first(declaration.span, 7), "speces")
        yield sound.replaced("CRN105", _first(declaration.span, 7), "")
        if declaration.bounds is None:
            continue
        yield sound.replaced("CRN101", declaration.bounds.high.span, "3 4")
        yield sound.replaced("CRN211", declaration.bounds.high.span, "0.5")
    for function in sound.all(ast.FunctionDeclaration):
        yield sound.replaced("CRN201", function.body.span, "x + zz")
        yield sound.replaced("CRN105", _first(function.span, 4), "fun")
    for quantity in sound.all(ast.ObserveStatement):
        yield sound.replaced("CRN205", quantity.value.span, "exp()")
        yield sound.replaced("CRN101", quantity.value.span, "* 2")
    for subset in sound.all(ast.SetStatement):
        yield sound.replaced("CRN101", subset.condition.span, "1 < 2 < 3")
        yield sound.replaced("CRN205", subset.condition.span, "exp()")


def _in_reactions(sound, number):
    for reaction in sound.all(ast.ReactionStatement):
        yield sound.replaced("CRN103", reaction.arrows[0].span, "==>")
        law = reaction.laws[0]
        if isinstance(law, ast.ConstantLaw):
            yield sound.replaced("CRN201", law.span, f"zz{number}")
            yield sound.replaced("CRN102", law.span, f"{law.span.text} ?")
            if len(reaction.laws) == 1:
                yield sound.replaced("CRN208", law.span, "1, 2")
        for side in reaction.sides:
            for term in side.terms:
                name = term.species.span
                yield sound.replaced("CRN201", name, f"{name.text}{number}{number}")
                if name.text != "D" and term.coefficient == 1:
                    yield sound.replaced("CRN112", term.span, f"2.5 {name.text}")


def _in_questions(sound, number):
    for query in sound.all(ast.QueryStatement):
        kind = query.kind.text
        part = query.keywords[-1]
        no_part = "CRN201" if kind == "logp" else "CRN213"
        yield sound.replaced(no_part, part.key.span, f"when{number}")
        yield sound.replaced("CRN201", part.value.span, f"zz{number}")
        yield sound.replaced("CRN209", query.kind.span, f"{kind}x")
        yield sound.replaced("CRN101", part.value.span, "")
        if part.key.text in TIMES:
            yield sound.replaced("CRN214", part.value.span, "0:1:0")
    for solve in sound.all(ast.SolveStatement):
        yield sound.replaced("CRN501", solve.engine.span, "tpdv")
        for setting in solve.settings:
            yield sound.replaced("CRN501", setting.key.span, f"no_{setting.key.text}")


@st.composite
def faulty_programs(draw, most):
    """A sound program and 1..`most` faults for it, each in another statement."""
    count = draw(st.integers(1, most))
    sound = Sound(draw(programs() | st.just(POOLS)), count)
    faults = []
    for number in range(count):
        used = {fault.statement for fault in faults}
        left = [f for f in faults_of(sound, number) if f.statement not in used]
        by_code = {}
        for fault in left:
            by_code.setdefault(fault.code, []).append(fault)
        code = draw(st.sampled_from(sorted(by_code)))
        faults.append(draw(st.sampled_from(by_code[code])))
    return sound, faults
