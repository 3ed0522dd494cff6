"""What the names of an SBML model mean: copy numbers, constants, and what follows."""

# libsbml has no types
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
# pyright: reportAttributeAccessIssue=false, reportMissingImports=false

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from itertools import groupby
from typing import Any

from crnlang.diagnostics import SourceText, Span
from crnlang.interop.mathml import Formulas, functions_of, names_in
from crnlang.interop.names import Names
from crnlang.interop.parts import Sizes, whole
from crnlang.interop.refused import CannotHoldError, EchoError, Fault
from crnlang.interop.sbml_events import (
    TimedEvent,
    at_time,
    demand_distinct,
    label_of,
    read_event,
    stepwise,
    waits_for_state,
)
from crnlang.interop.sbml_triggers import read_trigger, unsettled
from crnlang.ir.evaluate import evaluate_float64
from crnlang.ir.expr import (
    Count,
    Expr,
    Function,
    ParameterRef,
    call,
    depends_on_time,
    move_slots,
    slots_of,
)
from crnlang.ir.network import CountChange, Delta, Parameter, Species, Trigger


class Quantities:
    """Everything with a name that a formula may read.

    `changing` are the species with a copy number, by their place; all others are
    constants. `observables` are what assignment rules define.
    """

    def __init__(self, model: Any, source: SourceText, *, is_rounded: bool) -> None:
        self.model, self.source, self.is_rounded = model, source, is_rounded
        self.names, self.sizes = Names(), Sizes()
        self.faults: list[Fault] = []
        self.notes: list[str] = []
        self.parameters: list[Parameter] = []
        self.species: list[Species] = []
        self.changing: dict[str, int] = {}
        self.count_changes: list[CountChange] = []
        self.triggers: list[Trigger] = []
        self._meaning: dict[str, Expr] = {}
        self._changed: dict[str, Expr] = {}
        self._local: dict[str, Expr] = {}
        self._failed: set[str] = set()
        self._rules = {
            rule.getVariable(): rule
            for rule in model.getListOfRules()
            if rule.isAssignment()
        }
        self._starts = {
            one.getSymbol(): one for one in model.getListOfInitialAssignments()
        }
        self._things: dict[str, Any] = {
            one.getId(): one
            for group in (
                model.getListOfSpecies(),
                model.getListOfParameters(),
                model.getListOfCompartments(),
            )
            for one in group
        }
        self._formulas = Formulas(self._look_up, functions_of(model))
        self._declare_species()
        for name, given in (*self._rules.items(), *self._starts.items()):
            if name not in self._things:
                error = CannotHoldError("it is no species, parameter or compartment")
                self.refuse(given, f"{given.getElementName()} `{name}`", error)
        self._order = self._by_use()
        for name in self._order:
            self._try(self._things[name], name, self._define)
        self._take_events()
        self.observables = list(self._observables())

    def refuse(self, element: Any, what: str, error: CannotHoldError) -> None:
        """Note that an element cannot be taken over, if it is no echo of another."""
        if not isinstance(error, EchoError):
            self.faults.append(Fault(element.getLine(), what, str(error)))

    def span(self, element: Any) -> Span:
        """The place of an element: its line."""
        lines = self.source.line_starts
        line = min(max(element.getLine(), 1), len(lines))
        text = self.source.line(line)
        start = lines[line - 1] + len(text) - len(text.lstrip())
        return Span(self.source, start, lines[line - 1] + len(text))

    def law(self, reaction: Any, law: Any) -> Expr:
        """The formula of a kinetic law, its own parameters among those of the network.

        Raises:
            CannotHoldError: the language lacks a part of it.
        """
        local = law.getListOfLocalParameters() or law.getListOfParameters()
        try:
            for one in local:
                value = one.getValue() if one.isSetValue() else math.nan
                wanted = f"{reaction.getId()}_{one.getId()}"
                self._local[one.getId()] = self._constant(one, wanted, value)
            return self.sizes.demand_small(self._formulas.read(law.getMath()))
        finally:
            self._local.clear()

    def demand_changeable(self, name: str) -> None:
        """Refuse what no reaction can change.

        Raises:
            CannotHoldError: it is no species, or one that a rule or nothing changes.
        """
        kind = self.model.getSpecies(name)
        if kind is None:
            raise CannotHoldError(f"`{name}` is no species")
        if kind.getBoundaryCondition():
            return
        if name in self._rules:
            raise CannotHoldError(f"`{name}` has a rule: no reaction can change it")
        if kind.getConstant():
            raise CannotHoldError(f"`{name}` is constant: no reaction can change it")

    def _try(self, element: Any, name: str, act: Callable[[str], None]) -> None:
        try:
            act(name)
        except CannotHoldError as error:
            self._failed.add(name)
            self.refuse(element, f"{element.getElementName()} `{name}`", error)

    def _declare_species(self) -> None:
        """Give a place to each species that has a copy number."""
        moved = {
            one.getVariable()
            for event in self.model.getListOfEvents()
            for one in event.getListOfEventAssignments()
        }
        for kind in self.model.getListOfSpecies():
            name = kind.getId()
            is_still = kind.getBoundaryCondition() or kind.getConstant()
            if name in self._rules or (is_still and name not in moved):
                continue
            self.changing[name] = len(self.species)
            own = self.names.give(name, "S")
            self.species.append(Species(own, None, Delta(0), self.span(kind)))

    def _by_use(self) -> list[str]:
        """The names, each after those that it is made of; circles are refused."""
        uses: dict[str, set[str]] = {}
        for name, thing in self._things.items():
            given = self._rules.get(name) or self._starts.get(name)
            uses[name] = names_in(given.getMath()) if given is not None else set()
            if thing.getElementName() == "species":
                uses[name].add(thing.getCompartment())
            uses[name] &= self._things.keys()
        try:
            return list(TopologicalSorter(uses).static_order())
        except CycleError as error:
            circle: list[str] = error.args[1]
            first = self._things[circle[0]]
            self._failed |= self._things.keys()
            names = ", ".join(circle[:8])
            reason = CannotHoldError(f"defined in a circle: {names}")
            self.refuse(first, f"`{circle[0]}`", reason)
            return []

    def _look_up(self, name: str) -> Expr:
        """What a name means in a formula.

        Raises:
            CannotHoldError: it has no meaning here.
        """
        for known in (self._local, self._changed, self._meaning):
            if name in known:
                return known[name]
        thing = self._things.get(name)
        kind = thing.getElementName() if thing is not None else ""
        if kind == "compartment" and name not in self._rules:
            found = self._constant(thing, name, self._given(thing))
            self._meaning[name] = found
            return found
        if kind == "species" and name in self.changing:
            return self._in_formulas(thing, Count(self.changing[name]))
        if name in self._failed:
            raise EchoError
        if thing is None:
            raise CannotHoldError(f"`{name}` is no species, parameter or compartment")
        raise CannotHoldError(f"`{name}` has no value")

    def _in_formulas(self, kind: Any, amount: Expr) -> Expr:
        """What the name of a species stands for: its amount, or its concentration."""
        if not self._is_concentration(kind):
            return amount
        return call(Function.DIV, amount, self._look_up(kind.getCompartment()))

    def _is_concentration(self, kind: Any) -> bool:
        home = self.model.getCompartment(kind.getCompartment())
        is_point = home is not None and home.getSpatialDimensionsAsDouble() == 0
        return not kind.getHasOnlySubstanceUnits() and not is_point

    def _constant(self, element: Any, wanted: str, value: float) -> Expr:
        """A new constant of the network.

        Raises:
            CannotHoldError: it has no value, or one that is not finite.
        """
        if not math.isfinite(value):
            lack = "no value" if math.isnan(value) else f"the value {value:g}"
            raise CannotHoldError(f"`{element.getId()}` has {lack}")
        own = self.names.give(wanted, "k")
        found = ParameterRef(len(self.parameters))
        self.parameters.append(
            Parameter(
                own, value, None, None, is_log=False, unit=None, span=self.span(element)
            )
        )
        return found

    def _given(self, thing: Any) -> float:
        """The value that a parameter or compartment has at the start; nan for none."""
        start = self._starts.get(thing.getId())
        if start is not None:
            return self._value(self._formulas.read(start.getMath()))
        is_compartment = thing.getElementName() == "compartment"
        if is_compartment:
            return thing.getSize() if thing.isSetSize() else math.nan
        return thing.getValue() if thing.isSetValue() else math.nan

    def _value(self, expr: Expr) -> float:
        """The value of a formula at the start."""
        self.sizes.demand_small(expr)
        counts = [
            float(one.initial.count) if isinstance(one.initial, Delta) else math.nan
            for one in self.species
        ]
        values = [parameter.value for parameter in self.parameters]
        return float(evaluate_float64(expr, counts, values, 0.0))

    def _define(self, name: str) -> None:
        """Say what a name means, once all that it is made of is known."""
        thing = self._things[name]
        if name in self._rules:
            self._define_rule(name)
        elif thing.getElementName() == "parameter":
            if thing.isSetValue() or name in self._starts:
                self._meaning[name] = self._constant(thing, name, self._given(thing))
        elif thing.getElementName() == "species":
            amount = self._amount(thing)
            if name in self.changing:
                place, nearest = self.changing[name], amount
                if self.is_rounded and amount != (nearest := float(round(amount))):
                    told = f"{name} starts at {nearest:g}, rounded from {amount:g}"
                    self.notes.append(told)
                start = Delta(whole(nearest, "the start"))
                self.species[place] = replace(self.species[place], initial=start)
            else:
                fixed = self._constant(thing, name, amount)
                self._meaning[name] = self._in_formulas(thing, fixed)

    def _define_rule(self, name: str) -> None:
        formula = self._formulas.read(self._rules[name].getMath())
        self._meaning[name] = self.sizes.demand_small(formula)

    def _amount(self, kind: Any) -> float:
        """How many copies there are at the start."""
        name, start = kind.getId(), self._starts.get(kind.getId())
        if start is not None:
            amount = self._value(self._formulas.read(start.getMath()))
            is_divided = self._is_concentration(kind)
        elif kind.isSetInitialAmount():
            amount, is_divided = kind.getInitialAmount(), False
        elif kind.isSetInitialConcentration():
            amount, is_divided = kind.getInitialConcentration(), True
        else:
            raise CannotHoldError("it has no initial amount")
        if is_divided:
            amount *= self._value(self._look_up(kind.getCompartment()))
        if not math.isfinite(amount):
            raise CannotHoldError(f"`{name}` starts at {amount:g}")
        return amount

    def _take_events(self) -> None:
        """Changes of copy numbers, and of constants, at fixed times."""
        found: list[TimedEvent] = []
        waiting: list[Any] = []
        for event in self.model.getListOfEvents():
            if waits_for_state(event):
                waiting.append(event)
                continue
            try:
                found.append(read_event(event, self._fixed_value))
                demand_distinct(found)
            except CannotHoldError as error:
                self.refuse(event, label_of(event), error)
        steps: dict[str, list[tuple[float, Expr]]] = {}
        found.sort(key=lambda one: one.time)
        for time, group in groupby(found, key=lambda one: one.time):
            new: dict[str, Expr] = {}
            for event in group:
                try:
                    new |= self._changes(event)
                except CannotHoldError as error:
                    self.refuse(event.event, label_of(event.event), error)
            for name, value in new.items():
                steps.setdefault(name, []).append((time, value))
            self._see(new)
        self._see({name: stepwise(s, self._meaning[name]) for name, s in steps.items()})
        self._take_triggers(waiting)

    def _take_triggers(self, events: Sequence[Any]) -> None:
        """Events that wait for the state."""
        for event in events:
            span = self.span(event)
            try:
                found = read_trigger(event, self._formulas.read, self._count, span)
                self.triggers.append(found)
            except CannotHoldError as error:
                self.refuse(event, label_of(event), error)
        state = self.species, self.parameters
        for event, error in unsettled(events, self.triggers, *state):
            self.refuse(event, label_of(event), error)

    def _see(self, changed: dict[str, Expr]) -> None:
        """Let formulas read constants as they have become, and what follows."""
        self._changed |= changed
        if changed:
            for name in self._order:
                if name in self._rules:
                    self._try(self._rules[name], name, self._define_rule)

    def _fixed_value(self, formula: Any) -> float:
        """The value of a formula of constants.

        Raises:
            CannotHoldError: it reads a copy number or the time.
        """
        expr = self._formulas.read(formula)
        if slots_of(expr) or depends_on_time(expr):
            raise CannotHoldError("its time depends on the state or on the time")
        return self._value(expr)

    def _changes(self, event: TimedEvent) -> dict[str, Expr]:
        """What an event makes of constants; changes of copy numbers are noted."""
        constants: dict[str, Expr] = {}
        for name, formula in event.changes:
            value = at_time(self._formulas.read(formula), event.time)
            self.sizes.demand_small(value)
            reads = tuple(sorted(slots_of(value)))
            if event.is_delayed and (reads or self._changed):
                raise CannotHoldError("a delay after its values are taken")
            if name in self.changing:
                place, value = self._count(name, value)
                reads = tuple(sorted(slots_of(value)))
                slots = {place: slot for slot, place in enumerate(reads)}
                span, local = self.span(event.event), move_slots(value, slots)
                change = CountChange(event.time, place, None, reads, local, span)
                self.count_changes.append(change)
                continue
            if name not in self._things or name in self._rules:
                raise CannotHoldError(f"it changes `{name}`, which is no constant")
            if reads:
                raise CannotHoldError(f"`{name}` would depend on copy numbers")
            self._look_up(name)
            constants[name] = value
        return constants

    def _count(self, name: str, value: Expr) -> tuple[int, Expr]:
        """The place of a species, and its copy number where that has a value.

        Raises:
            CannotHoldError: no such species has a copy number.
        """
        if name not in self.changing:
            raise CannotHoldError(f"it changes `{name}`, which is no copy number")
        kind = self._things[name]
        if self._is_concentration(kind):
            size = self._look_up(kind.getCompartment())
            value = call(Function.MUL, value, size)
        return self.changing[name], self.sizes.demand_small(value)

    def _observables(self) -> Iterator[tuple[str, Expr, Span]]:
        for name, rule in self._rules.items():
            if name in self._meaning:
                own = self.names.give(name, "rule")
                yield own, self._meaning[name], self.span(rule)
