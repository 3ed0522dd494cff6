"""Antimony files -> networks, and back: by the conversion of libAntimony to SBML.

It runs in a process of its own for a limited time: some short texts keep it busy for
ever.
"""

import json
import re
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from crnlang.interop import antimony_child
from crnlang.interop.parts import Imported
from crnlang.interop.refused import Fault, NotRepresentedError
from crnlang.interop.sbml import read_sbml
from crnlang.interop.sbml_write import write_sbml
from crnlang.ir.network import Network

if find_spec("antimony") is None:
    raise ModuleNotFoundError("no libAntimony", name="antimony")

#: libAntimony is given up on after so many seconds.
PATIENCE = 120.0


def read_antimony(text: str, path: str, *, is_rounded: bool = False) -> Imported:
    """The network of the last, or main, model of an Antimony text.

    Files that it imports are looked for beside it. With `is_rounded`, starts are whole.

    Raises:
        NotRepresentedError: with what libAntimony says, or all that cannot be taken
            over; the latter by name, since the conversion knows no lines.
    """
    sbml = _convert(text, path, "to_sbml")
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
    return _convert(sbml, path, "to_antimony"), notes


def _convert(text: str, path: str, way: Literal["to_sbml", "to_antimony"]) -> str:
    """The text in the other format.

    Raises:
        NotRepresentedError: it is wrong, has no model, or is too much for libAntimony.
    """
    with TemporaryDirectory() as folder:
        source, target = Path(folder) / "source", Path(folder) / "target"
        source.write_text(text, encoding="utf-8")
        arguments = [way, str(Path(path).parent), str(source), str(target)]
        command = [sys.executable, antimony_child.__file__, *arguments]
        try:
            done = subprocess.run(
                command, capture_output=True, timeout=PATIENCE, check=False
            )
        except subprocess.TimeoutExpired:
            reason = f"libAntimony does not finish within {PATIENCE:g} s"
            raise NotRepresentedError(path, [Fault(0, "", reason)]) from None
        if done.returncode:
            reason = f"libAntimony crashes on it (exit code {done.returncode})"
            raise NotRepresentedError(path, [Fault(0, "", reason)])
        answer = json.loads(target.read_text(encoding="utf-8"))
    if not answer["found"]:
        raise NotRepresentedError(path, [_fault(answer["said"])])
    return answer["found"]


def _fault(said: str) -> Fault:
    """What libAntimony says, with its line."""
    place = r"Error in (?:model string|file '.*?'), line (\d+):\s*(.*)"
    parts = re.fullmatch(place, said, re.DOTALL)
    if parts is None:
        return Fault(0, "", said.strip())
    return Fault(int(parts[1]), "", parts[2].strip())
