"""A file of another format -> its network, and back."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crnlang.diagnostics import Refusal
from crnlang.interop.bionetgen import read_net
from crnlang.interop.bionetgen_write import write_net
from crnlang.interop.parts import Imported
from crnlang.interop.refused import Fault, NotRepresentedError
from crnlang.ir.network import Network

ENDINGS = ".net (BioNetGen), .xml or .sbml (SBML), .ant (Antimony)"
_KNOWN = (".net", ".xml", ".sbml", ".ant")
#: Largest file that is read, in bytes.
MAX_BYTES = 64_000_000


class UnknownFormatError(Refusal):
    """A file whose name does not say what it is."""

    exit_code = 2

    def __init__(self, path: Path, known: str) -> None:
        super().__init__(f"{path}: the name must end in {known}")


class MissingLibraryError(Refusal):
    """A format whose library is an optional extra."""

    exit_code = 2

    def __init__(self, name: str, library: str) -> None:
        extra = name.lower()
        super().__init__(f"{name} needs {library}: `pip install 'crnlang[{extra}]'`")


@contextmanager
def _missing_told(ending: str) -> Iterator[None]:
    """Say which extra is missing where a library is."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name == "antimony":
            raise MissingLibraryError("Antimony", "antimony") from None
        if error.name == "libsbml":
            name = "Antimony" if ending == ".ant" else "SBML"
            raise MissingLibraryError(name, "python-libsbml") from None
        raise


def read_model(path: Path, *, is_rounded: bool = False) -> Imported:
    """The network of a file, read as its ending says; with `is_rounded`, whole starts.

    Raises:
        UnknownFormatError: the ending is not one of a format that is read.
        NotRepresentedError: with everything that cannot be taken over.
        MissingLibraryError: the library of the format is not installed.
    """
    ending = path.suffix.lower()
    if ending not in _KNOWN:
        raise UnknownFormatError(path, ENDINGS)
    if (size := path.stat().st_size) > MAX_BYTES:
        reason = f"{size / 1e6:.0f} MB are more than {MAX_BYTES // 1_000_000}"
        raise NotRepresentedError(str(path), [Fault(0, "", reason)])
    text = _text(path)
    # the libraries only where they are needed: they are optional, and slow to load
    with _missing_told(ending):
        if ending == ".net":
            return read_net(text, str(path), is_rounded=is_rounded)
        if ending == ".ant":
            from crnlang.interop.antimony_text import read_antimony

            return read_antimony(text, str(path), is_rounded=is_rounded)
        from crnlang.interop.sbml import read_sbml

        return read_sbml(text, str(path), is_rounded=is_rounded)


def write_model(network: Network, path: Path, out: Path) -> tuple[str, list[str]]:
    """The text of a network, in the format that `out` ends in, and what it leaves out.

    `path` is what messages call the model.

    Raises:
        UnknownFormatError: the ending is not one of a format that is written.
        NotRepresentedError: with everything that the format cannot hold.
        MissingLibraryError: the library of the format is not installed.
    """
    ending = out.suffix.lower()
    if ending not in _KNOWN:
        raise UnknownFormatError(out, ENDINGS)
    with _missing_told(ending):
        if ending == ".net":
            return write_net(network, str(path))
        if ending == ".ant":
            from crnlang.interop.antimony_text import write_antimony

            return write_antimony(network, str(path))
        from crnlang.interop.sbml_write import write_sbml

        return write_sbml(network, str(path))


def _text(path: Path) -> str:
    """The text of a file.

    Raises:
        NotRepresentedError: it is no UTF-8 text.
    """
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        reason = f"byte {error.start} is no UTF-8 text"
        raise NotRepresentedError(str(path), [Fault(0, "", reason)]) from None
