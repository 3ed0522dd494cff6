"""Does an SBML model count molecules? Asked of the units of its amounts."""

# libsbml has no types
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
# pyright: reportAttributeAccessIssue=false, reportMissingImports=false

from collections.abc import Iterator
from typing import Any

import libsbml

from crnlang.interop.refused import Fault

_COUNTED = ("item", "dimensionless")
_NOTE = "no unit of substance is given: amounts are taken as copy numbers"


def judge_units(model: Any) -> tuple[list[Fault], list[str]]:
    """What is measured in a unit that counts no molecules, and what was assumed."""
    faults: list[Fault] = []
    notes: dict[str, None] = {}
    for line, element, unit in _units(model):
        if not unit:
            notes[_NOTE] = None
        elif not _is_counted(model, unit):
            reason = f"amounts in `{unit}`: write copy numbers, in the unit `item`"
            faults.append(Fault(line, element, reason))
    return faults, list(notes)


def _units(model: Any) -> Iterator[tuple[int, str, str]]:
    """Line, element and unit of everything that says what amounts are measured in."""
    if model.getLevel() == 2:
        given = model.getUnitDefinition("substance") is not None
        common = "substance" if given else ""
    else:
        common = model.getSubstanceUnits()
        extent = model.getExtentUnits()
        if extent:
            yield model.getLine(), "extentUnits", extent
    yield model.getLine(), "substanceUnits", common
    for kind in model.getListOfSpecies():
        if kind.getSubstanceUnits():
            element = f"species `{kind.getId()}`"
            yield kind.getLine(), element, kind.getSubstanceUnits()


def _is_counted(model: Any, unit: str) -> bool:
    definition = model.getUnitDefinition(unit)
    if definition is None:
        return unit in _COUNTED
    factor = 1.0
    for one in definition.getListOfUnits():
        if libsbml.UnitKind_toString(one.getKind()) not in _COUNTED:
            return False
        factor *= (one.getMultiplier() * 10.0 ** one.getScale()) ** one.getExponent()
    return factor == 1
