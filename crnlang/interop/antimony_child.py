"""libAntimony in a process of its own: it may crash, or take for ever, at no cost.

    python antimony_child.py to_sbml DIRECTORY SOURCE TARGET

The text of the file SOURCE, converted, goes to TARGET as JSON, or what libAntimony has
to say against it.
"""

# libAntimony has no types
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
# pyright: reportAttributeAccessIssue=false, reportMissingImports=false

import json
import sys
from pathlib import Path


def convert(way: str, directory: str, source: str, target: str) -> None:
    """Convert a file; see above."""
    import antimony

    text = Path(source).read_bytes().decode("utf-8")
    found = ""
    if way == "to_sbml":
        antimony.addDirectory(directory)
        if antimony.loadAntimonyString(text) >= 0:
            found = antimony.getSBMLString(antimony.getMainModuleName())
    elif antimony.loadSBMLString(text) >= 0:
        found = antimony.getAntimonyString(antimony.getMainModuleName())
    said = "" if found else antimony.getLastError() or "it has no model"
    answer = json.dumps({"found": found or "", "said": said})
    Path(target).write_text(answer, encoding="utf-8")


if __name__ == "__main__":
    convert(*sys.argv[1:])
