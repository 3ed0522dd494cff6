"""Is a text XML that can be read without harm? Asked before another reader does."""

import xml.parsers.expat
from dataclasses import dataclass, field

from crnlang.interop.refused import Fault, NotRepresentedError

#: Elements inside elements; a formula of the language nests less.
DEEPEST = 300
#: More elements than this are no model that an engine could run.
MOST_ELEMENTS = 2_000_000


@dataclass
class _Reading:
    """What is known so far of a text that is being read."""

    parser: xml.parsers.expat.XMLParserType
    depth: int = 0
    elements: int = 0
    attributes: dict[str, str] = field(default_factory=dict[str, str])
    root: str = ""


class _StopError(Exception):
    """The text is refused; the words are the reason."""


def demand_sound(text: str, path: str) -> None:
    """Refuse a text that is no SBML, or that could exhaust the machine.

    Raises:
        NotRepresentedError: it is not well-formed, declares entities, nests too deep,
            is no SBML, or needs a package.
    """
    parser = xml.parsers.expat.ParserCreate()
    reading = _Reading(parser)

    def start(name: str, attributes: dict[str, str]) -> None:
        reading.depth += 1
        reading.elements += 1
        if not reading.root:
            reading.root, reading.attributes = name, attributes
        if reading.depth > DEEPEST:
            raise _StopError(f"elements nest more than {DEEPEST} levels")
        if reading.elements > MOST_ELEMENTS:
            raise _StopError(f"more than {MOST_ELEMENTS} elements")

    def end(_: str) -> None:
        reading.depth -= 1

    def doctype(*_: object) -> None:
        raise _StopError("a document type or entities are declared: SBML has none")

    def declaration(_: str, encoding: str | None, __: int) -> None:
        if encoding is not None and encoding.upper() != "UTF-8":
            raise _StopError(f"the encoding is `{encoding}`: SBML is UTF-8")

    parser.XmlDeclHandler = declaration
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(text, True)  # noqa: FBT003 - its signature
        _demand_core(reading)
    except _StopError as error:
        fault = Fault(parser.CurrentLineNumber, "", str(error))
        raise NotRepresentedError(path, [fault]) from None
    except xml.parsers.expat.ExpatError as error:
        reason = f"no well-formed XML: {xml.parsers.expat.ErrorString(error.code)}"
        raise NotRepresentedError(path, [Fault(error.lineno, "", reason)]) from None


def _demand_core(reading: _Reading) -> None:
    """Refuse what is no SBML of level 2 or 3, or needs a package."""
    if reading.root.rpartition(":")[2] != "sbml":
        raise _StopError(f"the outermost element is `{reading.root}`, not `sbml`")
    level = reading.attributes.get("level", "")
    if level not in ("2", "3"):
        raise _StopError(f"SBML of level `{level}` is not read: levels 2 and 3 are")
    needed = [
        name.partition(":")[0]
        for name, value in reading.attributes.items()
        if name.endswith(":required") and value.strip() in ("true", "1")
    ]
    if needed:
        names = ", ".join(f"`{name}`" for name in sorted(needed))
        raise _StopError(f"it needs the package {names}; the core of SBML is read")
