"""BioNetGen `.net` files -> networks.

A reaction `1,2 3 k` fires with k n1 n2, and `1,1 3 0.5*k` with 0.5 k n1 (n1 - 1): the
symmetry factor stands in the file, so mass action is `falling`. A rate that is a
function is multiplied with the reactants as well. A species with `$` keeps its count.
Source: Faeder, Blinov, Hlavacek, Methods Mol. Biol. 500:113 (2009).
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import TypeVar

from crnlang.diagnostics import SourceText, Span
from crnlang.interop.formulas import parse_formula
from crnlang.interop.names import Names, as_name
from crnlang.interop.parts import (
    Imported,
    Sizes,
    convention,
    falling,
    join,
    make_reaction,
    whole,
)
from crnlang.interop.refused import (
    CannotHoldError,
    EchoError,
    Fault,
    NotRepresentedError,
)
from crnlang.ir.evaluate import evaluate_float64
from crnlang.ir.expr import (
    Count,
    Expr,
    Function,
    ParameterRef,
    Time,
    call,
    number,
    product,
    walk,
)
from crnlang.ir.network import (
    Delta,
    Network,
    Observable,
    Parameter,
    Reaction,
    Species,
)

_T = TypeVar("_T")

#: Sections that are read, and those that say only where the network comes from.
_READ = ("parameters", "functions", "species", "groups", "reactions")
_PASSED_OVER = (
    *("molecule types", "observables", "reaction rules", "compartments"),
    *("energy patterns", "population types", "population maps", "actions"),
)
_OTHER_LAWS = ("MM", "Sat", "Hill", "Arrhenius", "FunctionProduct")


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of a section, without comment and index."""

    number: int
    index: int
    text: str
    span: Span


def read_net(text: str, path: str, *, is_rounded: bool = False) -> Imported:
    """The network of a `.net` file; with `is_rounded`, starts are made whole.

    Raises:
        NotRepresentedError: with everything that cannot be taken over.
    """
    reader = _Reader(SourceText(path, text), is_rounded=is_rounded)
    found = reader.network()
    if reader.faults:
        raise NotRepresentedError(path, reader.faults)
    return found


class _Reader:
    """Reads section after section; what cannot be held is noted in `faults`."""

    def __init__(self, source: SourceText, *, is_rounded: bool) -> None:
        self.source = source
        self.is_rounded = is_rounded
        self.faults: list[Fault] = []
        self.failed: set[str] = set()
        self.notes: list[str] = []
        self.names = Names()
        self.sizes = Sizes()
        self.known: dict[str, Expr] = {}
        self.parameters: list[Parameter] = []
        self.species: list[Species] = []
        self.places: dict[int, int] = {}
        self.fixed: set[int] = set()
        self.laws: dict[str, Expr] = {}

    def network(self) -> Imported:
        sections = self._sections()
        self._each(sections["parameters"], "parameter", self._parameter)
        self._each(sections["species"], "species", self._one_species)
        observables = [
            group
            for group in self._each(sections["groups"], "group", self._group)
            if group is not None
        ]
        functions = {_function_name(line.text): line for line in sections["functions"]}
        observables += self._functions(functions)
        reactions = self._each(sections["reactions"], "reaction", self._reaction)
        name = as_name(PurePath(self.source.path).stem)
        network = Network(
            name=Names().give(name, "imported"),
            title="",
            massaction=convention(reactions),
            species=tuple(self.species),
            parameters=tuple(self.parameters),
            reactions=tuple(reactions),
            observables=tuple(observables),
            sets=(),
            queries=(),
            solves=(),
            source=self.source,
        )
        return Imported(network, tuple(self.notes), tuple(self.names.changed))

    def _sections(self) -> Mapping[str, list[_Line]]:
        found: dict[str, list[_Line]] = {name: [] for name in _READ}
        section, opened = "", 0
        for line in _lines(self.source):
            begin = re.fullmatch(r"(begin|end)\s+(\w+(?: \w+)*)", line.text)
            if begin is None:
                if section in found:
                    found[section].append(line)
                continue
            word, name = begin.groups()
            if word == "end" and name != section:
                self._refuse(line, f"end {name}", f"it ends no `begin {name}`")
            if word == "begin" and section:
                reason = f"`{section}` (line {opened}) has no end yet"
                self._refuse(line, f"begin {name}", reason)
            if word == "begin" and name not in (*_READ, *_PASSED_OVER):
                self._refuse(line, f"begin {name}", "an unknown section")
            section, opened = (name, line.number) if word == "begin" else ("", 0)
        if section:
            reason = "the file ends before this section does"
            self.faults.append(Fault(opened, f"begin {section}", reason))
        elif not found["reactions"] and not found["species"]:
            reason = "no species and no reactions: is it really a BioNetGen network?"
            self.faults.append(Fault(0, "", reason))
        return {name: self._indexed(name, lines) for name, lines in found.items()}

    def _indexed(self, section: str, lines: list[_Line]) -> list[_Line]:
        """The lines with the number before each taken off."""
        found: list[_Line] = []
        for line in lines:
            parts = re.fullmatch(r"(\d{1,9})\s+(.*)", line.text)
            if parts is None:
                self._refuse(line, section, "a line begins with its number")
            else:
                index, rest = int(parts[1]), parts[2]
                found.append(_Line(line.number, index, rest, line.span))
        return found

    def _refuse(self, line: _Line, element: str, reason: str) -> None:
        self.faults.append(Fault(line.number, element, reason))

    def _note(self, line: _Line, element: str, error: CannotHoldError) -> None:
        """Note an error if it is no echo of another, and what leans on its line."""
        self.failed.add(_function_name(line.text))
        if not isinstance(error, EchoError):
            self._refuse(line, element, str(error))

    def _each(
        self, lines: list[_Line], kind: str, read: Callable[[_Line], _T]
    ) -> list[_T]:
        """What the lines of a section say; faults are noted."""
        found: list[_T] = []
        for line in lines:
            try:
                found.append(read(line))
            except CannotHoldError as error:
                self._note(line, f"{kind} {line.index}", error)
        return found

    def _look_up(self, name: str) -> Expr:
        if name in self.failed:
            raise EchoError
        if name not in self.known:
            raise CannotHoldError(f"unknown name `{name}`")
        return self.known[name]

    def _formula(self, text: str) -> Expr:
        return self.sizes.demand_small(parse_formula(text, self._look_up))

    def _value(self, text: str) -> float:
        expr = self._formula(text)
        if any(isinstance(node, Time) for node in walk(expr)):
            raise CannotHoldError("a constant cannot depend on the time")
        values = [parameter.value for parameter in self.parameters]
        value = float(evaluate_float64(expr, (), values, 0.0))
        if abs(value) >= float("inf") or value != value:
            raise CannotHoldError(f"its value is {value:g}")
        return value

    def _parameter(self, line: _Line) -> None:
        name, text = _two(line.text)
        if name in self.known:
            raise CannotHoldError(f"`{name}` is declared twice")
        value = self._value(text)
        self.known[name] = ParameterRef(len(self.parameters))
        own = self.names.give(name, "k")
        self.parameters.append(
            Parameter(own, value, None, None, is_log=False, unit=None, span=line.span)
        )

    def _one_species(self, line: _Line) -> None:
        pattern, text = _two(line.text)
        if line.index in self.places:
            raise CannotHoldError(f"there is another species {line.index}")
        self.places[line.index] = place = len(self.species)
        if pattern.startswith("$") or "::$" in pattern:
            self.fixed.add(place)
        plain = pattern.replace("$", "").removesuffix("()")
        name = self.names.give(plain, f"S{line.index}")
        start = 0
        try:
            value = self._value(text)
            start = whole(round(value) if self.is_rounded else value, "the start")
            if start != value:
                self.notes.append(f"{name} starts at {start}, rounded from {value:g}")
        finally:
            # others refer to it whatever its start is
            self.species.append(Species(name, None, Delta(start), line.span))

    def _group(self, line: _Line) -> Observable | None:
        """The group; `None` where it is the species of the same name."""
        name, *rest = line.text.split(None, 1)
        terms: list[Expr] = []
        for part in filter(None, "".join(rest).split(",")):
            parts = re.fullmatch(r"(?:(\d{1,9})\*)?(\d{1,9})", part.strip())
            if parts is None:
                raise CannotHoldError(f"`{part.strip()}` is no species of a group")
            count = Count(self._place(parts[2]))
            weight = float(parts[1] or 1)
            is_once = weight == 1
            terms.append(
                count if is_once else call(Function.MUL, number(weight), count)
            )
        value = self.sizes.demand_small(join(Function.ADD, terms or [number(0)]))
        self.known[name] = value
        if isinstance(value, Count) and self.species[value.slot].name == name:
            return None
        return Observable(self.names.give(name, "group"), value, line.span)

    def _place(self, index: str) -> int:
        if int(index) not in self.places:
            raise CannotHoldError(f"there is no species {index}")
        return self.places[int(index)]

    def _functions(self, lines: Mapping[str, _Line]) -> list[Observable]:
        """The functions in the order of their uses; each may use any other."""
        found: list[Observable] = []
        for name, line in _by_use(lines):
            try:
                value = self._formula(line.text[len(name) :].removeprefix("()").strip())
            except CannotHoldError as error:
                self._note(line, f"function {name}", error)
                value = number(0)
            self.known[name] = value
            found.append(Observable(self.names.give(name, "law"), value, line.span))
        return found

    def _reaction(self, line: _Line) -> Reaction:
        parts = line.text.split(None, 2)
        if len(parts) < 3:
            raise CannotHoldError("expected reactants, products and a rate")
        before, after = self._side(parts[0]), self._side(parts[1])
        for place in self.fixed & {*before, *after}:
            after[place] = before[place]
            if not before[place]:
                del after[place]
        law = product(
            [self._rate(parts[2]), *(falling(*one) for one in before.items())]
        )
        return make_reaction(f"r{line.index}", before, after, law, line.span)

    def _side(self, text: str) -> Counter[int]:
        found: Counter[int] = Counter()
        for part in text.split(","):
            if not part.isdecimal():
                raise CannotHoldError(f"`{text}` is no list of species")
            if int(part):
                found[self._place(part)] += 1
        return found

    def _rate(self, text: str) -> Expr:
        if text not in self.laws:
            word = text.split()[0]
            if word in _OTHER_LAWS and word not in self.known:
                raise CannotHoldError(
                    f"a rate law `{word}` is not read: write it as a function in BNGL"
                )
            self.laws[text] = self._formula(text)
        return self.laws[text]


def _lines(source: SourceText) -> Iterator[_Line]:
    """Lines with something on them; those that end with a backslash are joined."""
    joined, first = "", 0
    for number_, start in enumerate(source.line_starts, 1):
        text = source.line(number_).partition("#")[0].strip()
        if not joined:
            first = start
        if text.endswith("\\"):
            joined += text[:-1] + " "
            continue
        text, joined = joined + text, ""
        if text and not re.fullmatch(r"\w+\(.*\);?", text):
            end = start + len(source.line(number_))
            yield _Line(number_, 0, text, Span(source, first, end))


def _two(text: str) -> tuple[str, str]:
    """A name and what follows it, perhaps behind `=`."""
    name, *rest = text.split(None, 1)
    value = "".join(rest).removeprefix("=").strip()
    if not value:
        raise CannotHoldError(f"nothing follows `{name}`")
    return name, value


def _function_name(text: str) -> str:
    return re.split(r"[\s(]", text, maxsplit=1)[0]


def _by_use(lines: Mapping[str, _Line]) -> Iterator[tuple[str, _Line]]:
    """Each function after those that it uses; in a circle, as they stand."""
    uses = {
        name: [word for word in re.findall(r"[A-Za-z_]\w*", line.text) if word in lines]
        for name, line in lines.items()
    }
    done: dict[str, None] = {}
    pending: set[str] = set()
    for first in lines:
        stack = [first]
        while stack:
            name = stack[-1]
            missing = [u for u in uses[name] if u not in done and u not in pending]
            pending.add(name)
            if missing:
                stack.append(missing[0])
                continue
            stack.pop()
            if name not in done:
                done[name] = None
                yield name, lines[name]
