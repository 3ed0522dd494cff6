"""Random programs, as text."""

from collections.abc import Sequence

from hypothesis import strategies as st

from crnlang.ir.network import MassAction
from crnlang.testing.networks import Draw


@st.composite
def programs(draw: Draw) -> str:
    """The text of a `.crn` file that compiles, perhaps with warnings.

    Every construct of the language, with redundant brackets, odd spaces, line breaks
    where brackets allow them, comments of both kinds, empty lines, `;` between
    statements, every spelling of arrows, coefficients and numbers, and either kind of
    line end.
    """
    text = _ProgramText(draw).text()
    return text.replace("\n", "\r\n") if draw(st.integers(0, 9)) == 0 else text


_SPECIES_NAMES = ("A", "B", "E1", "e", "Gx_on", "_p2", "X")
_NUMBERS = ("1", "0.5", "2.", ".25", "3e-1", "1E0", "1.50")
_UNITS = ("[1/s]", "[1/(widget·*·s)]", "[·s^-1·]")
#: Written `·` stands for a blank inside a token.
_TITLES = ('"title"', '"a·#·b·//·c;·d"', '""')
_COMMENTS = (
    "# why",
    "// twice // # ;",
    '#"no string',
    "#)]} ; k = 1 ->",
    "#\té 0..1 ",
    "//",
)
_JOINING = frozenset("<>=-*/.~^+!")


class _ProgramText:
    """Draws a program as statements of tokens, then the blanks between them."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        names = st.lists(
            st.sampled_from(_SPECIES_NAMES), min_size=2, max_size=4, unique=True
        )
        self.caps = {name: draw(st.integers(1, 5)) for name in draw(names)}
        self.species = list(self.caps)
        self.parameters = [f"k{i}" for i in range(draw(st.integers(1, 3)))]

    def pick(self, *items: str) -> str:
        return self.draw(st.sampled_from(items))

    def chance(self) -> bool:
        return self.draw(st.booleans())

    def up_to(self, most: int, least: int = 0) -> range:
        return range(self.draw(st.integers(least, most)))

    def text(self) -> str:
        statements = ["crn 1", f"model m {self.pick('', *_TITLES)}"]
        if self.chance():
            statements += [
                f"volume {self.pick('2', '1 / 4')} {self.pick('[fL]', '[·um^3·]')}"
            ]
        if self.chance():
            statements += [
                f"unit u = {self.pick('7', '2 * 3')} {self.pick('[d]', '[nM]')}"
            ]
        statements += [f"massaction {self.pick(*(m.value for m in MassAction))}"]
        joint = " , " if self.chance() else " ;param "
        listed = joint.join(self.parameter(name) for name in self.parameters)
        statements += f"param {listed}".split(";")
        statements += ["func f ( x , y ) = x / ( 1 + y )"]
        statements += [self.declaration(name) for name in self.species]
        statements += ["species C , D in 0 .. 9", f"0 -> D @ {self.parameters[0]}"]
        if self.chance():
            statements = [*statements[:3], *self.lattice(), *statements[3:]]
            statements += self.on_lattice()
        if self.chance():
            statements += self.module()
        statements += [self.reaction(i) for i in self.up_to(4)]
        statements += [f"observe n = {self.value(2)}", f"set s = {self.condition(1)}"]
        statements += [self.query(i) for i in self.up_to(3)]
        statements += [self.solve(i) for i in self.up_to(2)]
        lines = [self.between()]
        for statement in statements:
            lines += [self.spaced(statement.split()), self.end()]
        return "".join(lines).replace("·", " ")

    def parameter(self, name: str) -> str:
        range_ = f"in 1e-3 .. {self.pick('1e2', '5 * 20')} {self.pick('', 'log')}"
        unit, range_ = self.pick("", *_UNITS), self.pick("", range_)
        return f"{name} = {self.pick(*_NUMBERS)} {unit} {range_}"

    def declaration(self, name: str) -> str:
        cap = self.caps[name]
        start = self.draw(st.integers(0, cap))
        law = self.pick(
            "",
            f"= {start}",
            f"= 0 + {start}",
            f"~ uniform ( 0 , {start} )",
            f"~ binomial ( {cap} , .5 )",
            "~ poisson ( 0.25 )",
        )
        return f"species {name} in 0 .. {cap} {law}"

    def module(self) -> list[str]:
        """A module, and where it is used."""
        constant = self.parameters[0]
        body = [
            f"param own = {self.pick(*_NUMBERS)} {self.pick('', *_UNITS)}",
            "species I in 0 .. 3",
            f"{self.pick('', 'step :')} a1 <-> I + b1 @ own , {constant}",
            "observe inside = I + f ( a1 , own )",
        ]
        chosen = [one for one in body[3:] if self.chance()]
        first, other = self.species[:2]
        return [
            "module mod ( a1 , b1 ) {",
            *body[:3],
            *chosen,
            "}",
            f"use mod ( {first} , {other} ) as u1",
            f"use mod ( {other} , {first} ) as u2",
        ]

    def lattice(self) -> list[str]:
        """A lattice, with a parameter that differs between its sites."""
        boundary = self.pick("", "boundary ( periodic , reflecting )")
        spacing = self.pick("spacing 0.5", "spacing 1 / 4")
        unit = self.pick("", *_UNITS)
        return [
            f"lattice grid ( 2 , 1 + 1 ) {boundary or 'boundary periodic'} {spacing}",
            f"param at[ i , j ] = ( 1 + i * j ) {unit} , one = at[ 0 , 1 ] {unit}",
        ]

    def on_lattice(self) -> list[str]:
        """Statements that need a lattice."""
        rate = self.pick("@ at", "coefficient one + 1", "@ 1 + sin ( t ) / 2")
        return [
            f"species S , T in 0 .. 3 per site {self.pick('', '= 1')}",
            f"init S[ 1 , 0 ] {self.pick('= 2', '~ uniform ( 0 , 1 )')}",
            f"diffuse {self.pick('S', 'T', 'S , T')} {rate}",
            f"S <-> T {self.pick('', 'via C')} @ at , propensity ( at * T )",
            f"observe spread = {self.pick('sum', 'mean')} ( S * at ) + S[ 0 , 1 ]",
            f"set filled = {self.pick('all', 'any')} ( S > 1 or T == 2 )",
            "query dist ( S[ 0 , 0 ] , T[ 1 , 1 ] , at = 2 )",
            "query logp ( S[ 0 , 0 ] = 1 , C = 0 , T[ 1 , 1 ] = 3 , at = 2 )",
            "query hit ( all ( S == 3 ) , from = any ( S == 0 ) , by = [ 1 , 2 ] )",
        ]

    def side(self, *, may_be_empty: bool = True) -> str:
        terms = [
            f"{self.pick('', '2', '2 *', '1')} {name}"
            for name in self.species
            if self.chance()
        ]
        if not terms and not may_be_empty:
            terms = [self.species[0]]
        return " + ".join(terms) or self.pick("0", "∅")

    def reaction(self, number: int) -> str:
        label = self.pick("", f"q{number} :", f"longer_name_{number} :")
        text, laws = f"{label} {self.side()}", []
        for _ in self.up_to(2, 1):
            is_both = self.chance()
            arrow = self.pick("<->", "⇌") if is_both else self.pick("->", "→")
            text += f" {arrow} {self.side()}"
            laws += [self.law() for _ in range(1 + is_both)]
        via = self.pick("", "via C", "via C , D")
        return f"{text} {via} @ {' , '.join(laws)}"

    def law(self) -> str:
        constant, name = self.pick(*self.parameters), self.pick(*self.species)
        return self.pick(
            constant,
            f"{constant} * ( 1 + sin ( t ) / 2 )",
            f"( ( {constant} ) ) ** - 1.",
            f"propensity ( {constant} * ma ( {self.side(may_be_empty=False)} ) )",
            f"propensity ( hill ( {name} , {constant} , 2 , 1 ) + f ( {name} , 3 ) )",
            f"propensity ( if ( {self.condition(1)} , {constant} , {name} ^ 2 ) )",
        )

    def value(self, depth: int) -> str:
        if depth == 0:
            return self.pick(*_NUMBERS, *self.species, *self.parameters, "t", "pi")
        inner = (self.value(depth - 1), self.value(depth - 1))
        pattern = self.pick(
            *("{} + {}", "{} - {}", "{} * {}", "{} / 4 - {}", "- {}", "( {} )"),
            *("max ( {} , {} )", "( {} ) ^ 2", "2 - - {}", "{} + ( {} )"),
        )
        return pattern.format(*inner)

    def condition(self, depth: int) -> str:
        if depth == 0:
            sign = self.pick("<", "<=", ">", ">=", "==", "!=")
            return f"{self.value(1)} {sign} {self.value(1)}"
        inner = (self.condition(depth - 1), self.condition(depth - 1))
        return self.pick("{} and {}", "{} or {}", "not ( {} )", "( {} )").format(*inner)

    def query(self, number: int) -> str:
        times = self.pick("3", "[ 1 , 2 , 10 ]", "0 : 4 : 0.5", "0 : 1 + 2")
        name = self.pick("", f"q{number} =")
        kind = self.pick("prob ( s", f"dist ( {self.species[0]}", "expect ( n + 1")
        given = self.pick("", f", given = {self.condition(1)}")
        law = f"query {name} {kind} {given} , at = {times} )"
        return self.pick(law, f"query {name} {self.passage(times)}")

    def passage(self, times: str) -> str:
        """A question about copy numbers, or about a way between disjoint sets."""
        first, other = self.species[:2]
        start, end = f"{first} == 0", f"{first} > 0 and not ( {other} > 2 )"
        return self.pick(
            f"logp ( {first} = 1 , {other} = 2 - 1 , at = {times} )",
            f"hit ( {end} , from = {start} , by = {times} )",
            f"hit ( {end} , by = {times} )",
            f"mfpt ( from = {start} , to = {end} )",
            f"rate ( to = {end} , from = {start} )",
        )

    def solve(self, number: int) -> str:
        engine = self.pick("fsp", "ssa", "tdvp", "natgrad", "adam")
        settings = ["t = 0 .. 5", "save = [ 1 , 2 , 5 ]", "seed = 3"]
        inside = " § ".join(settings[: self.draw(st.integers(0, 3))])
        return f"solve b{number} with {engine} {{ §? {inside} §? }}"

    def spaced(self, tokens: Sequence[str]) -> str:
        """The tokens with blanks between them, and line breaks where these are free."""
        text, depth = "", 0
        for token in tokens:
            if token in ("§", "§?"):
                text += self.end() if token == "§" else self.pick("", self.end())
                continue
            before = text[-1:]
            must = _is_word(before) and _is_word(token[0])
            must = must or (before in _JOINING and token[0] in _JOINING)
            is_count = before.isdigit() and not _is_word(text[-2:-1])
            if must and is_count and token in self.species and token != "e":
                must = False  # `2A`; but `2e+1` would be one number
            depth -= token in ")]"
            blanks = [" ", "  ", "\t", " "] + [""] * (not must) * 3
            if depth > 0:
                blanks += ["\n", f" {self.pick(*_COMMENTS)}\n", "\n  // own\n\n"]
            text += self.pick(*blanks) + token
            depth += token[-1] in "(["
        return text

    def end(self) -> str:
        """The end of a statement or of a setting."""
        return self.pick(" ;", ";", "\n", " \n\n\n", self.between())

    def between(self) -> str:
        """Comments and empty lines, perhaps one of them behind what stands before."""
        first = self.pick("", f" {self.pick(*_COMMENTS)}", "\t; # behind")
        pieces = ["", "  ", *_COMMENTS, "          # behind"]
        return "\n".join([first, *(self.pick(*pieces) for _ in self.up_to(3))]) + "\n"


def _is_word(text: str) -> bool:
    return text.isalnum() or text == "_"
