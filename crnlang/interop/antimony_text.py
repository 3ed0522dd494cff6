"""Antimony files -> networks, and back: by the conversion of libAntimony to SBML."""

# libAntimony has no types
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
# pyright: reportAttributeAccessIssue=false, reportMissingImports=false

import re
from dataclasses import replace
from pathlib import Path

import antimony

from crnlang.interop.parts import Imported
from crnlang.interop.refused import Fault, NotRepresentedError
from crnlang.interop.sbml import read_sbml
from crnlang.interop.sbml_write import write_sbml
from crnlang.ir.network import Network


def read_antimony(text: str, path: str, *, is_rounded: bool = False) -> Imported:
    """The network of the last, or main, model of an Antimony text.

    Files that it imports are looked for beside it. With `is_rounded`, starts are whole.

    Raises:
        NotRepresentedError: with what libAntimony says, or all that cannot be taken
            over; the latter by name, since the conversion knows no lines.
    """
    sbml = _to_sbml(text, path)
    try:
        return read_sbml(sbml, f"{path} (as SBML)", is_rounded=is_rounded)
    except NotRepresentedError as error:
        faults = [replace(fault, line=0) for fault in error.faults]
        raise NotRepresentedError(path, faults) from None


def write_antimony(network: Network, path: str) -> tuple[str, list[str]]:
    """The text of an Antimony file, and what it leaves out; `path` is of the model.

    Raises:
        NotRepresentedError: with everything that the format cannot hold.
    """
    sbml, notes = write_sbml(network, path)
    antimony.clearPreviousLoads()
    if antimony.loadSBMLString(sbml) < 0:
        raise NotRepresentedError(path, [Fault(0, "", antimony.getLastError())])
    found = antimony.getAntimonyString(antimony.getMainModuleName())
    antimony.clearPreviousLoads()
    return found, notes


def _to_sbml(text: str, path: str) -> str:
    """The SBML text of the main model.

    Raises:
        NotRepresentedError: the text is wrong, or has no model.
    """
    antimony.clearPreviousLoads()
    antimony.clearDirectories()
    antimony.addDirectory(str(Path(path).parent))
    try:
        is_read = antimony.loadAntimonyString(text) >= 0
        found = antimony.getSBMLString(antimony.getMainModuleName()) if is_read else ""
        said = antimony.getLastError()
    finally:
        antimony.clearPreviousLoads()
    if not found:
        raise NotRepresentedError(path, [_fault(said)])
    return found


def _fault(said: str) -> Fault:
    """What libAntimony says, with its line."""
    parts = re.fullmatch(
        r"Error in (?:model string|file '.*?'), line (\d+):\s*(.*)", said, re.S
    )
    if parts is None:
        return Fault(0, "", said.strip() or "it has no model")
    return Fault(int(parts[1]), "", parts[2].strip())
