"""SBML (levels 2 and 3, core) -> networks.

A kinetic law is the propensity, in events per time; nothing is multiplied to it. The
name of a species is its amount where it has only substance units, else the amount over
the size of its compartment. Source: Hucka et al., SBML Level 3 Version 2 Core (2019).
"""

# libsbml has no types
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
# pyright: reportAttributeAccessIssue=false, reportMissingImports=false

from collections import Counter
from pathlib import PurePath
from typing import Any

import libsbml

from crnlang.diagnostics import SourceText
from crnlang.interop.guard import demand_sound
from crnlang.interop.names import Names
from crnlang.interop.parts import Imported, convention, make_reaction
from crnlang.interop.refused import CannotHoldError, Fault, NotRepresentedError
from crnlang.interop.sbml_quantities import Quantities
from crnlang.interop.sbml_units import judge_units
from crnlang.ir.expr import Call, Expr, Function, product
from crnlang.ir.network import Network, Observable, Reaction

_Node = Any


def read_sbml(text: str, path: str, *, is_rounded: bool = False) -> Imported:
    """The network of an SBML text; with `is_rounded`, starts are made whole.

    Raises:
        NotRepresentedError: with everything that cannot be taken over.
    """
    demand_sound(text, path)
    document = libsbml.readSBMLFromString(text)
    model = _valid_model(document, path)
    source = SourceText(path, text)
    faults, notes = judge_units(model)
    faults += _not_held(model)
    quantities = Quantities(model, source, is_rounded=is_rounded)
    channels = _Channels(model, quantities)
    reactions = channels.all()
    faults += quantities.faults
    if faults:
        raise NotRepresentedError(path, faults)
    network = Network(
        name=Names().give(model.getId() or PurePath(path).stem, "imported"),
        title=_one_line(model.getName()),
        massaction=convention(reactions),
        species=tuple(quantities.species),
        parameters=tuple(quantities.parameters),
        reactions=tuple(reactions),
        observables=tuple(
            Observable(name, value, span)
            for name, value, span in quantities.observables
        ),
        sets=(),
        queries=(),
        solves=(),
        source=source,
        count_changes=tuple(quantities.count_changes),
        triggers=tuple(quantities.triggers),
    )
    told = (*notes, *quantities.notes)
    return Imported(network, told, tuple(quantities.names.changed))


def _valid_model(document: Any, path: str) -> Any:
    """The model of a document without errors.

    Raises:
        NotRepresentedError: libsbml finds errors in it.
    """
    # the general checks take time that grows with the fourth power of chained rules
    for category in (
        libsbml.LIBSBML_CAT_GENERAL_CONSISTENCY,
        libsbml.LIBSBML_CAT_UNITS_CONSISTENCY,
        libsbml.LIBSBML_CAT_MODELING_PRACTICE,
        libsbml.LIBSBML_CAT_SBO_CONSISTENCY,
        libsbml.LIBSBML_CAT_OVERDETERMINED_MODEL,
    ):
        document.setConsistencyChecks(category, False)  # noqa: FBT003 - its signature
    if not document.getNumErrors(libsbml.LIBSBML_SEV_ERROR):
        document.checkConsistency()
    faults: list[Fault] = []
    for i in range(document.getNumErrors()):
        error = document.getError(i)
        if error.getSeverity() >= libsbml.LIBSBML_SEV_ERROR:
            detail = error.getMessage().strip().split("\n")[-1].strip()
            reason = f"not valid SBML: {error.getShortMessage()}: {detail[:200]}"
            faults.append(Fault(error.getLine(), "", reason))
    if faults:
        raise NotRepresentedError(path, faults)
    model = document.getModel()
    if model is None:
        raise NotRepresentedError(path, [Fault(0, "", "it holds no model")])
    return model


def _not_held(model: Any) -> list[Fault]:
    """Everything of a kind that the language does not have."""
    faults: list[Fault] = []
    targets = Counter(
        one.getVariable() for one in model.getListOfRules() if one.getVariable()
    )
    for rule in model.getListOfRules():
        if targets[rule.getVariable()] > 1:
            reason = "it has more than one rule"
            faults.append(Fault(rule.getLine(), f"`{rule.getVariable()}`", reason))
        if not rule.isAssignment():
            kind = "a rate rule" if rule.isRate() else "an algebraic rule"
            element = f"{kind[2:].strip()} `{rule.getVariable()}`"
            reason = f"{kind} is not stochastic: write reactions instead"
            faults.append(Fault(rule.getLine(), element, reason))
    factors = [model, *model.getListOfSpecies()]
    for one in factors:
        if model.getLevel() > 2 and one.isSetConversionFactor():
            reason = "a conversion factor: counts have one unit only"
            faults.append(Fault(one.getLine(), f"`{one.getId()}`", reason))
    return faults


class _Channels:
    """Reactions of a model -> channels; faults go into the quantities."""

    def __init__(self, model: Any, quantities: Quantities) -> None:
        self.model = model
        self.quantities = quantities
        self.names = Names()

    def all(self) -> list[Reaction]:
        found: list[Reaction] = []
        for reaction in self.model.getListOfReactions():
            element = f"reaction `{reaction.getId()}`"
            try:
                found += self._channels(reaction)
            except CannotHoldError as error:
                self.quantities.refuse(reaction, element, error)
        return found

    def _channels(self, reaction: Any) -> list[Reaction]:
        if reaction.isSetFast() and reaction.getFast():
            raise CannotHoldError("a fast reaction: give it a finite rate")
        before = self._side(reaction.getListOfReactants())
        after = self._side(reaction.getListOfProducts())
        law = reaction.getKineticLaw()
        if law is None:
            raise CannotHoldError("it has no kinetic law")
        formula = self.quantities.law(reaction, law)
        span = self.quantities.span(reaction)
        name = self.names.give(reaction.getId(), "r")
        both = _difference(formula) if reaction.getReversible() else None
        if both is None:
            return [make_reaction(name, before, after, formula, span)]
        self.quantities.notes.append(f"{name}: its law a - b is read as two reactions")
        back = self.names.give(f"{name}_rev", "r")
        return [
            make_reaction(name, before, after, both[0], span),
            make_reaction(back, after, before, both[1], span),
        ]

    def _side(self, references: Any) -> Counter[int]:
        """Copies of each species that reactions change; the others are left out."""
        found: Counter[int] = Counter()
        for reference in references:
            name = reference.getSpecies()
            self.quantities.demand_changeable(name)
            if reference.isSetStoichiometryMath():
                raise CannotHoldError(f"the stoichiometry of `{name}` is a formula")
            copies = reference.getStoichiometry()
            if self.model.getLevel() > 2 and not reference.isSetStoichiometry():
                raise CannotHoldError(f"`{name}` has no stoichiometry")
            if copies != copies or copies < 0 or copies != int(min(copies, 1e9)):
                raise CannotHoldError(f"`{name}` stands {copies:g} times: not whole")
            if copies and name in self.quantities.changing:
                found[self.quantities.changing[name]] += int(copies)
        return found


def _difference(law: Expr) -> tuple[Expr, Expr] | None:
    """A law that is a difference, times what stands before it, as two laws."""
    factors: list[Expr] = []
    node = law
    while isinstance(node, Call) and node.function is Function.MUL:
        node, right = node.arguments
        factors.insert(0, right)
    factors.insert(0, node)
    for i, factor in enumerate(factors):
        if isinstance(factor, Call) and factor.function is Function.SUB:
            one, two = factor.arguments
            before, behind = factors[:i], factors[i + 1 :]
            return product([*before, one, *behind]), product([*before, two, *behind])
    return None


def _one_line(text: str) -> str:
    """A title as the language can write it."""
    return " ".join(text.replace('"', "'").split())
