"""`crnc import`: a model of another format into a `.crn` file."""

import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import click

from crnlang.cli.examples import examples
from crnlang.cli.outputs import check_output, output_options, write_output
from crnlang.diagnostics import Refusal, Report, listing, render_all
from crnlang.interop.files import read_model
from crnlang.interop.parts import Imported
from crnlang.interop.refused import NotRepresentedError
from crnlang.ir.network import MAX_CAP, Network
from crnlang.ir.writer import write_program
from crnlang.passes import run_passes
from crnlang.passes.declare import declare_caps
from crnlang.passes.laws import Laws, find_laws

#: Renamed things are listed in the file up to so many.
MOST_RENAMED = 1000


class Caps(click.ParamType):
    """`200`, `X=200` or several with commas: caps by name, `""` for all others."""

    name = "N|X=N,..."

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Mapping[str, int]:
        """The caps, or wrong usage."""
        found: dict[str, int] = {}
        for part in str(value).split(","):
            name, _, cap = part.rpartition("=")
            if not cap.strip().isdecimal() or not 1 <= int(cap) <= MAX_CAP:
                self.fail(f"'{part}' is no cap: write 200 or X=200, up to {MAX_CAP}.")
            found[name.strip()] = int(cap)
        return found


class NoCapsError(Refusal):
    """Species that nothing limits, and no cap was given for them."""

    exit_code = 1

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        super().__init__(
            f"{path}: nothing in the model limits {listing(names)}. Say how far to "
            f"count: `--cap 1000` for all of them, `--cap {names[0]}=1000` for one. "
            "A reaction that would lead beyond a cap does not fire."
        )


@click.command(
    "import",
    epilog=examples(
        "crnc import model.xml -o model.crn",
        "crnc import model.net -o model.crn --cap 1000",
    ),
)
@click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE"
)
@output_options(help="The `.crn` file to write.")
@click.option(
    "--cap",
    type=Caps(),
    multiple=True,
    help="Largest copy number of species that no conservation law limits, or of one.",
)
@click.option(
    "--round", "is_rounded", is_flag=True, help="Round starts to copy numbers."
)
def import_(
    file: Path,
    out: Path,
    overwrite: bool,
    cap: Sequence[Mapping[str, int]],
    is_rounded: bool,
) -> None:
    """Read a model in SBML, Antimony or BioNetGen `.net` into a file.

    What the language cannot hold is refused, all at once. The file that is written
    holds the physics alone: queries and `solve` blocks are yours to add.
    """
    check_output(out, overwrite=overwrite)
    try:
        found = read_model(file, is_rounded=is_rounded)
    except NotRepresentedError as error:
        click.echo(str(error), err=True)
        sys.exit(error.exit_code)
    caps = {name: n for one in cap for name, n in one.items()}
    report = Report()
    network, laws = _capped(found.network, caps, file, report)
    run_passes(network, report, laws)
    if report.found:
        click.echo(render_all(report.found), err=True)
    text = _head(found, file) + write_program(network)
    write_output(out, text, overwrite=overwrite)
    for note in found.notes:
        click.echo(f"note: {note}", err=True)
    parts = f"species: {len(network.species)}, channels: {len(network.reactions)}"
    click.echo(f"{out}: {network.name}: {parts}")


def _capped(
    network: Network, caps: Mapping[str, int], path: Path, report: Report
) -> tuple[Network, Laws]:
    """The network with the given caps, and its conservation laws.

    Raises:
        NoCapsError: a species has no cap after that.
    """
    names = {kind.name for kind in network.species}
    if unknown := sorted({*caps} - names - {""}):
        raise click.UsageError(
            f"--cap: no species {listing(unknown)}; there are {listing(sorted(names))}"
        )
    laws = find_laws(network, report)
    capped, free = declare_caps(network, laws, caps, caps.get(""))
    if free:
        raise NoCapsError(path, free)
    return capped, laws


def _head(found: Imported, file: Path) -> str:
    """Comments that say where the file comes from, and what things were called."""
    lines = [f"Imported from {_plain(file.name)} by crnc {version('crnlang')}."]
    lines += map(_plain, found.notes)
    lines += [f"{_plain(old)} is {new}" for old, new in found.renamed[:MOST_RENAMED]]
    if len(found.renamed) > MOST_RENAMED:
        lines.append(f"and {len(found.renamed) - MOST_RENAMED} more names")
    return "".join(f"# {line}\n" for line in lines)


def _plain(text: str) -> str:
    """A text on one line."""
    return " ".join(text.split())
