"""Random networks and programs, as hypothesis strategies, for property tests."""

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

from crnlang.diagnostics import Report, SourceText, Span
from crnlang.ir.expr import (
    Count,
    Expr,
    Function,
    ParameterRef,
    Time,
    call,
    number,
    product,
)
from crnlang.ir.lowered import LoweredNetwork
from crnlang.ir.network import (
    Delta,
    Initial,
    MassAction,
    Network,
    Parameter,
    Reaction,
    Species,
    Uniform,
)
from crnlang.passes import run_passes

#: How a strategy draws: `draw(strategy)` gives a value.
Draw = Callable[[st.SearchStrategy[Any]], Any]

_SOURCE = SourceText("<random network>", "")
_SPAN = Span(_SOURCE, 0, 0)
_FACTORS = {
    MassAction.FALLING: Function.FALLING,
    MassAction.BINOMIAL: Function.BINOMIAL,
    MassAction.POWER: Function.POW,
}


@st.composite
def networks(
    draw: Draw,
    max_species: int = 4,
    max_cap: int = 4,
    max_reactions: int = 6,
    *,
    with_time: bool = True,
) -> Network:
    """A small network that passes every pass, perhaps with warnings.

    1..`max_species` species with declared caps 1..`max_cap`, starting at a fixed count
    or uniformly; 1..`max_reactions` reactions that change something, with mass action
    in one of the three conventions or with a written-out propensity (Hill functions,
    conditions and, `with_time`, a periodic factor).
    """
    species = tuple(
        _species(draw, f"X{i}", max_cap)
        for i in range(draw(st.integers(1, max_species)))
    )
    values = draw(st.lists(_RATES, min_size=1, max_size=3))
    parameters = tuple(
        Parameter(f"k{i}", value, None, None, is_log=False, unit=None, span=_SPAN)
        for i, value in enumerate(values)
    )
    convention = draw(st.sampled_from(MassAction))
    sizes = (len(species), len(parameters))
    reactions = tuple(
        _reaction(draw, f"r{i + 1}", sizes, convention, with_time=with_time)
        for i in range(draw(st.integers(1, max_reactions)))
    )
    return Network(
        name="random",
        title="",
        massaction=convention,
        species=species,
        parameters=parameters,
        reactions=reactions,
        observables=(),
        sets=(),
        queries=(),
        solves=(),
        source=_SOURCE,
    )


def lowered_networks(**options: Any) -> st.SearchStrategy[LoweredNetwork]:
    """The same networks after the passes; `options` as for `networks`."""
    return networks(**options).map(lower)


def lower(network: Network) -> LoweredNetwork:
    """A network after the passes, its warnings dropped."""
    return run_passes(network, Report())


_RATES = st.floats(0.1, 3.0).map(lambda value: round(value, 3))


def _species(draw: Draw, name: str, max_cap: int) -> Species:
    cap = draw(st.integers(1, max_cap))
    initial: Initial = Delta(draw(st.integers(0, cap)))
    if draw(st.booleans()) and draw(st.booleans()):
        initial = Uniform(0, draw(st.integers(0, cap)))
    return Species(name, cap, initial, _SPAN)


def _reaction(
    draw: Draw,
    name: str,
    sizes: tuple[int, int],
    convention: MassAction,
    *,
    with_time: bool,
) -> Reaction:
    species, parameters = sizes
    touched = draw(
        st.lists(
            st.integers(0, species - 1),
            min_size=1,
            max_size=min(species, 3),
            unique=True,
        )
    )
    copies = st.lists(st.integers(0, 2), min_size=len(touched), max_size=len(touched))
    orders, products = draw(
        st.tuples(copies, copies).filter(lambda pair: pair[0] != pair[1])
    )
    rate: Expr = ParameterRef(draw(st.integers(0, parameters - 1)))
    factors = _mass_action(orders, convention)
    if is_written_out := draw(st.booleans()):
        factors.append(_law(draw, len(touched), with_time=with_time))
    return Reaction(
        name=name,
        variables=tuple(touched),
        orders=tuple(orders),
        net_change=tuple(p - o for o, p in zip(orders, products, strict=True)),
        propensity=product([rate, *factors]),
        rate=None if is_written_out else rate,
        span=_SPAN,
    )


def _mass_action(orders: Sequence[int], convention: MassAction) -> list[Expr]:
    return [
        Count(slot)
        if order == 1
        else call(_FACTORS[convention], Count(slot), number(order))
        for slot, order in enumerate(orders)
        if order
    ]


def _law(draw: Draw, width: int, *, with_time: bool) -> Expr:
    """A factor that is nonnegative and finite at every state and time."""
    count = Count(draw(st.integers(0, width - 1)))
    level, steepness = number(draw(_RATES)), number(draw(st.integers(1, 3)))
    laws: list[Expr] = [
        call(Function.HILL, count, number(1), level, steepness),
        call(Function.HILLR, count, number(1), level, steepness),
        call(Function.IF, call(Function.GT, count, number(1)), level, number(0.5)),
    ]
    if with_time:
        wave = call(Function.MUL, number(0.5), call(Function.SIN, Time()))
        laws.append(call(Function.ADD, number(1), wave))
        is_early = call(Function.LT, Time(), level)
        laws.append(call(Function.IF, is_early, number(2), number(0.5)))
    return draw(st.sampled_from(laws))


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
_UNITS = ("[1/s]", "[1/(nM·*·s)]", "[·1/s^2·]")
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
        statements += [f"massaction {self.pick(*(m.value for m in MassAction))}"]
        joint = " , " if self.chance() else " ;param "
        listed = joint.join(self.parameter(name) for name in self.parameters)
        statements += f"param {listed}".split(";")
        statements += ["func f ( x , y ) = x / ( 1 + y )"]
        statements += [self.declaration(name) for name in self.species]
        statements += ["species C , D in 0 .. 9", f"0 -> D @ {self.parameters[0]}"]
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
        return f"query {name} {kind} {given} , at = {times} )"

    def solve(self, number: int) -> str:
        engine = self.pick("fsp", "ssa", "tdvp", "natgrad")
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
            depth += token in "(["
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
