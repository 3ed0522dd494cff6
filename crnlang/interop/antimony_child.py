"""libAntimony in a process of its own: `python antimony_child.py to_sbml DIRECTORY`.

The text comes from stdin and the result goes to stdout; what libAntimony has to say
goes to stderr, with exit code 1. It may crash, or take for ever: nobody else is hurt.
"""

# libAntimony has no types
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
# pyright: reportAttributeAccessIssue=false, reportMissingImports=false

import sys


def main() -> int:
    """Convert stdin; the exit code."""
    import antimony

    way, directory = sys.argv[1:]
    text = sys.stdin.buffer.read().decode("utf-8")
    found = None
    if way == "to_sbml":
        antimony.addDirectory(directory)
        if antimony.loadAntimonyString(text) >= 0:
            found = antimony.getSBMLString(antimony.getMainModuleName())
    elif antimony.loadSBMLString(text) >= 0:
        found = antimony.getAntimonyString(antimony.getMainModuleName())
    said = "" if found else antimony.getLastError() or "it has no model"
    sys.stderr.write(said)
    sys.stdout.buffer.write((found or "").encode("utf-8"))
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
