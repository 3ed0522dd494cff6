"""Networks -> SBML level 3 version 2 core.

Species have copy numbers as amounts (`hasOnlySubstanceUnits`) in one compartment of
size 1; a kinetic law is the propensity, observables are assignment rules.
"""

# libsbml has no types
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
# pyright: reportAttributeAccessIssue=false, reportMissingImports=false

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import libsbml

from crnlang.interop.expansion import unguarded, written_out
from crnlang.interop.left_out import left_out, not_held
from crnlang.interop.names import Names
from crnlang.interop.refused import NotRepresentedError
from crnlang.ir.expr import (
    TRUTH_VALUED,
    Call,
    Count,
    Expr,
    Function,
    Number,
    ParameterRef,
    Time,
    call,
    number,
)
from crnlang.ir.network import CountChange, Delta, Network, Reaction, Trigger

_KINDS: Mapping[Function, int] = {
    Function.ADD: libsbml.AST_PLUS,
    Function.SUB: libsbml.AST_MINUS,
    Function.MUL: libsbml.AST_TIMES,
    Function.DIV: libsbml.AST_DIVIDE,
    Function.POW: libsbml.AST_POWER,
    Function.NEG: libsbml.AST_MINUS,
    Function.LT: libsbml.AST_RELATIONAL_LT,
    Function.LE: libsbml.AST_RELATIONAL_LEQ,
    Function.GT: libsbml.AST_RELATIONAL_GT,
    Function.GE: libsbml.AST_RELATIONAL_GEQ,
    Function.EQ: libsbml.AST_RELATIONAL_EQ,
    Function.NE: libsbml.AST_RELATIONAL_NEQ,
    Function.AND: libsbml.AST_LOGICAL_AND,
    Function.OR: libsbml.AST_LOGICAL_OR,
    Function.NOT: libsbml.AST_LOGICAL_NOT,
    Function.IF: libsbml.AST_FUNCTION_PIECEWISE,
    Function.MIN: libsbml.AST_FUNCTION_MIN,
    Function.MAX: libsbml.AST_FUNCTION_MAX,
    Function.EXP: libsbml.AST_FUNCTION_EXP,
    Function.LOG: libsbml.AST_FUNCTION_LN,
    Function.SQRT: libsbml.AST_FUNCTION_ROOT,
    Function.SIN: libsbml.AST_FUNCTION_SIN,
    Function.COS: libsbml.AST_FUNCTION_COS,
    Function.TAN: libsbml.AST_FUNCTION_TAN,
    Function.TANH: libsbml.AST_FUNCTION_TANH,
    Function.ABS: libsbml.AST_FUNCTION_ABS,
    Function.FLOOR: libsbml.AST_FUNCTION_FLOOR,
    Function.CEIL: libsbml.AST_FUNCTION_CEILING,
}
_LARGEST_INTEGER = 2**31 - 1
_JOINS = (Function.AND, Function.OR, Function.NOT)


def write_sbml(network: Network, path: str) -> tuple[str, list[str]]:
    """The text of an SBML file, and what it leaves out; `path` is that of the model.

    Raises:
        NotRepresentedError: with everything that SBML cannot hold.
    """
    if faults := not_held(network, "the core of SBML"):
        raise NotRepresentedError(path, faults)
    document = libsbml.SBMLDocument(3, 2)
    _Writer(network, document.createModel()).write()
    text: str = libsbml.writeSBMLToString(document)
    return text, left_out(network)


class _Writer:
    def __init__(self, network: Network, model: Any) -> None:
        self.network, self.model = network, model
        self.species = [kind.name for kind in network.species]
        self.constants = [one.name for one in network.parameters]
        self.values = [one.value for one in network.parameters]
        self.names = Names()
        for name in (*self.species, *self.constants):
            self.names.give(name)
        for observable in network.observables:
            self.names.give(observable.name)

    def write(self) -> None:
        network, model = self.network, self.model
        model.setId(self.names.give(network.name))
        if network.title:
            model.setName(network.title)
        model.setSubstanceUnits("item")
        model.setExtentUnits("item")
        home = model.createCompartment()
        home.setId(self.names.give("cell"))
        home.setSize(1.0)
        home.setSpatialDimensions(3)
        home.setConstant(True)
        for kind in network.species:
            self._species(kind.name, kind.initial, home.getId())
        for one in network.parameters:
            self._parameter(one.name, one.value)
        for observable in network.observables:
            self._parameter(observable.name, None)
            rule = model.createAssignmentRule()
            rule.setVariable(observable.name)
            rule.setMath(self._formula(observable.value, self.species))
        for reaction in network.reactions:
            self._reaction(reaction)
        by_time = sorted(network.count_changes, key=lambda one: one.time)
        for time, changes in groupby(by_time, key=lambda one: one.time):
            self._event(time, list(changes))
        for one in network.triggers:
            self._trigger(one)

    def _species(self, name: str, initial: object, home: str) -> None:
        assert isinstance(initial, Delta)
        kind = self.model.createSpecies()
        kind.setId(name)
        kind.setCompartment(home)
        kind.setInitialAmount(float(initial.count))
        kind.setSubstanceUnits("item")
        kind.setHasOnlySubstanceUnits(True)
        kind.setBoundaryCondition(False)
        kind.setConstant(False)

    def _parameter(self, name: str, value: float | None) -> None:
        parameter = self.model.createParameter()
        parameter.setId(name)
        parameter.setConstant(value is not None)
        if value is not None:
            parameter.setValue(value)

    def _reaction(self, reaction: Reaction) -> None:
        made = self.model.createReaction()
        made.setId(self.names.give(reaction.name))
        made.setReversible(False)
        local = [self.species[v] for v in reaction.variables]
        for name, before, change in zip(
            local, reaction.orders, reaction.net_change, strict=True
        ):
            for copies, make in (
                (before, made.createReactant),
                (before + change, made.createProduct),
            ):
                if copies:
                    reference = make()
                    reference.setSpecies(name)
                    reference.setStoichiometry(float(copies))
                    reference.setConstant(True)
            if not before and not before + change:
                made.createModifier().setSpecies(name)
        made.createKineticLaw().setMath(self._formula(self._law(reaction), local))

    def _law(self, reaction: Reaction) -> Expr:
        """The propensity, 0 where a firing would leave less than nothing."""
        law = written_out(reaction.propensity)
        for slot in unguarded(reaction, law, self.values):
            needed = number(-reaction.net_change[slot])
            is_there = call(Function.GE, Count(slot), needed)
            law = call(Function.IF, is_there, law, number(0))
        return law

    def _event(self, time: float, changes: Sequence[CountChange]) -> None:
        is_due = call(Function.GE, Time(), number(time))
        event = self._empty_event(self._formula(is_due, ()), is_true=False)
        for change in changes:
            local = [self.species[v] for v in change.reads]
            self._assign(event, change.species, self._formula(change.value, local))

    def _trigger(self, trigger: Trigger) -> None:
        condition = self._formula(trigger.condition, self.species)
        event = self._empty_event(condition, is_true=True)
        for species, value in zip(trigger.variables, trigger.values, strict=True):
            self._assign(event, species, self._formula(value, self.species))

    def _empty_event(self, condition: Any, *, is_true: bool) -> Any:
        """An event for a trigger, which counts as true or false before the start."""
        event = self.model.createEvent()
        event.setUseValuesFromTriggerTime(True)
        trigger = event.createTrigger()
        trigger.setInitialValue(is_true)
        trigger.setPersistent(True)
        trigger.setMath(condition)
        return event

    def _assign(self, event: Any, species: int, value: Any) -> None:
        made = event.createEventAssignment()
        made.setVariable(self.species[species])
        made.setMath(value)

    def _formula(self, expr: Expr, counts: Sequence[str]) -> Any:
        """The tree that libsbml has of a formula."""
        return self._tree(written_out(expr), counts)

    def _tree(self, expr: Expr, counts: Sequence[str]) -> Any:
        match expr:
            case Number(value):
                node = libsbml.ASTNode()
                is_whole = value == int(value) and abs(value) <= _LARGEST_INTEGER
                node.setValue(int(value) if is_whole else value)
            case ParameterRef(index):
                node = _named(self.constants[index])
            case Count(slot):
                node = _named(counts[slot])
            case Time():
                node = libsbml.ASTNode(libsbml.AST_NAME_TIME)
                node.setName("time")
            case Call(function, arguments):
                node = libsbml.ASTNode(_KINDS[function])
                for child in self._children(function, arguments, counts):
                    node.addChild(child)
            case _:
                raise ValueError("sums over sites stand on lattices only")
        return node

    def _children(
        self, function: Function, arguments: Sequence[Expr], counts: Sequence[str]
    ) -> list[Any]:
        """What stands inside: conditions where SBML wants them, else numbers."""
        if function is Function.IF:
            condition, one, two = arguments
            inside = [_as_number(one), _as_condition(condition), _as_number(two)]
        elif function in _JOINS:
            inside = [_as_condition(one) for one in arguments]
        else:
            inside = [_as_number(one) for one in arguments]
        if function is Function.SQRT:
            inside.insert(0, number(2))
        return [self._tree(one, counts) for one in inside]


def _named(name: str) -> Any:
    node = libsbml.ASTNode(libsbml.AST_NAME)
    node.setName(name)
    return node


def _is_condition(expr: Expr) -> bool:
    return isinstance(expr, Call) and expr.function in TRUTH_VALUED


def _as_condition(expr: Expr) -> Expr:
    return expr if _is_condition(expr) else call(Function.NE, expr, number(0))


def _as_number(expr: Expr) -> Expr:
    if not _is_condition(expr):
        return expr
    return call(Function.IF, expr, number(1), number(0))
