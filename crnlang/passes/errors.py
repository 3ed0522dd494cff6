"""Errors of the network itself (CRN3xx): their words."""

from collections.abc import Hashable
from dataclasses import dataclass

from crnlang.diagnostics import Diagnostic, listing


@dataclass(frozen=True)
class Empty(Diagnostic):
    """A network without species or without reactions."""

    code = "CRN301"
    message = "this file has no {what}"
    help = "{fix}"

    what: str
    fix: str


@dataclass(frozen=True)
class NoCap(Diagnostic):
    """Species of one declaration whose copy numbers nothing limits."""

    code = "CRN302"
    message = "{subject} no largest copy number"
    note = (
        "no conservation law with a fixed total limits {them}, so {their} states could "
        "not be enumerated"
    )
    help = "write a cap that is hardly ever reached: `species {names} in 0..{cap}`"

    name: str
    cap: int

    def facts(self) -> dict[str, object]:
        names = [place.text for place in (self.span, *self.also)]
        is_one = len(names) == 1
        shown = listing(f"`{name}`" for name in names)
        words = {
            "names": ", ".join(names),
            "subject": f"{shown} has" if is_one else f"{shown} have",
            "them": "it" if is_one else "them",
            "their": "its" if is_one else "their",
        }
        return {**super().facts(), **words}

    def fault(self) -> Hashable:
        """One line of declarations with one fix."""
        line, _ = self.span.source.locate(self.span.start)
        return (self.code, line, self.cap)


@dataclass(frozen=True)
class StartOutside(Diagnostic):
    """A species that starts above its cap."""

    code = "CRN303"
    message = "`{name}` starts at {start}, above its cap {cap}"
    help = "raise the cap: `species {name} in 0..{proposed}`"

    name: str
    start: str
    cap: int
    proposed: int


@dataclass(frozen=True)
class BadConstant(Diagnostic):
    """A rate constant that is negative or not finite."""

    code = "CRN304"
    message = "the constant of `{channel}` is {value}{when}"
    help = "give it a finite value, 0 or more, at all times"

    channel: str
    value: str
    when: str


@dataclass(frozen=True)
class BadPropensity(Diagnostic):
    """A written-out propensity that is negative or not finite at a state."""

    code = "CRN305"
    message = "the propensity of `{channel}` is {value} at {state}"
    note = "a propensity is a finite number, 0 or more, wherever the channel can fire"
    help = "guard it: `if(condition, value, 0)` or `max(0, value)`"

    channel: str
    value: str
    state: str


@dataclass(frozen=True)
class IgnoresReactant(Diagnostic):
    """A written-out propensity that does not vanish while a reactant is missing."""

    code = "CRN306"
    severity = "warning"
    message = (
        "the propensity of `{channel}` is {value} at {state}, where the reaction "
        "lacks {order} `{name}`"
    )
    note = "{consequence}"
    help = "multiply by `ma(...)` of the reactants, or leave `{name}` out of them"

    channel: str
    value: str
    state: str
    name: str
    order: int
    consequence: str


@dataclass(frozen=True)
class BadJump(Diagnostic):
    """An event that gives a species a count outside its box, or none at all."""

    code = "CRN310"
    message = "this event makes `{name}` {value}{state}"
    note = "a copy number is a whole number from 0 to the cap, here {cap}"
    help = "keep it inside, whatever the state: `{name} = min(max(..., 0), {cap})`"

    name: str
    value: str
    state: str
    cap: int


@dataclass(frozen=True)
class NoChange(Diagnostic):
    """A reaction that changes nothing."""

    code = "CRN307"
    severity = "warning"
    message = "`{channel}` changes no copy number; it is left out"
    help = "delete it, or correct one of its sides"

    channel: str


@dataclass(frozen=True)
class StartCut(Diagnostic):
    """A random start of which the cap cuts off a noticeable part."""

    code = "CRN308"
    severity = "warning"
    message = "the cap {cap} cuts off {lost} of the start of `{name}`"
    note = "the rest is scaled up to a total probability of 1"
    help = "raise the cap"

    name: str
    cap: int
    lost: str


@dataclass(frozen=True)
class CapTooLarge(Diagnostic):
    """A conservation law that allows more copies than can be handled."""

    code = "CRN309"
    message = "the conservation laws allow up to {cap} of `{name}`, more than {limit}"
    help = "give it a smaller cap: `species {name} in 0..1000`"

    name: str
    cap: int
    limit: int


@dataclass(frozen=True)
class TooManyLaws(Diagnostic):
    """More conservation laws than a table of them can hold."""

    code = "CRN311"
    message = "{laws} conservation laws over {variables} copy numbers are too many"
    note = "their table would have more than {limit:g} coefficients"
    help = "take a smaller lattice, or leave out species that no reaction changes"

    laws: int
    variables: int
    limit: int


@dataclass(frozen=True)
class CapTooLow(Diagnostic):
    """A cap that the rate equations leave behind."""

    code = "CRN312"
    severity = "warning"
    message = (
        "the rate equations take `{name}` to {count} at t = {time}, above its cap {cap}"
    )
    note = "the cap stops firings there: they are the `leak` of the results"
    help = "raise the cap, to about {enough}, unless it is meant to stop them"

    name: str
    cap: int
    count: str
    time: str
    enough: int


@dataclass(frozen=True)
class LawsLeftOut(Diagnostic):
    """Conservation laws that cost too much work to find."""

    code = "CRN313"
    severity = "warning"
    message = "{what}"
    note = "results stay right: laws make caps smaller, and states fewer"
    help = "if a cap is missing now, declare it: `species X in 0..1000`"

    what: str


@dataclass(frozen=True)
class CountOutside(Diagnostic):
    """A question about a copy number that no state has."""

    code = "CRN320"
    message = "`{name} = {count}` lies outside of 0..{cap}"
    help = "ask for a copy number from 0 to {cap}, or raise the cap of `{species}`"

    name: str
    count: int
    cap: int
    species: str


@dataclass(frozen=True)
class SharedState(Diagnostic):
    """A first passage from states to states that are partly the same."""

    code = "CRN321"
    message = "the passage starts and ends in the same state: {state}"
    note = "{where}"
    help = "exclude the end from the start: `from=A and not B`"

    state: str
    where: str
