"""Tables in files beside the `.crn` file: edges of graphs, masks, initial laws."""

import math
from pathlib import Path

from crnlang.frontend import ast
from crnlang.frontend.lattice_errors import BadFile
from crnlang.frontend.scope import Refused
from crnlang.ir.lattice import MAX_SITES

#: Largest file that is read, in bytes.
MAX_BYTES = 16_000_000

Row = list[float]


def read_rows(file: ast.File) -> list[Row]:
    """The rows of numbers in a file: comma-separated, one line a row.

    Empty lines and lines that begin with `#` do not count, nor does a first line
    without numbers, which names the columns.

    Raises:
        Refused: the file cannot be read, is too large, or holds something else.
    """
    path = Path(file.span.source.path).parent / file.path
    fix = "write numbers with commas between them, one row a line"
    try:
        if path.stat().st_size > MAX_BYTES:
            reason = f"it is larger than {MAX_BYTES // 1_000_000} MB"
            raise Refused(BadFile(file.span, file.path, reason, fix))
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise Refused(BadFile(file.span, file.path, reason.lower(), fix)) from error
    rows: list[Row] = []
    is_first = True
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        row = _row(line)
        if row is not None:
            rows.append(row)
        elif not is_first:
            reason = f"line {number} holds something else than finite numbers"
            raise Refused(BadFile(file.span, file.path, reason, fix))
        is_first = False
    if not rows:
        raise Refused(BadFile(file.span, file.path, "it holds no numbers", fix))
    return rows


def _row(line: str) -> Row | None:
    """The numbers of a line; `None` where one is none, or not finite."""
    try:
        row = [float(cell) for cell in line.split(",")]
    except ValueError:
        return None
    return row if all(map(math.isfinite, row)) else None


def links(rows: list[Row], file: ast.File) -> tuple[int, list[tuple[int, int]]]:
    """The number of sites of a graph, and its pairs of neighbours, each once.

    Raises:
        Refused: a row is no pair of different sites.
    """
    fix = "each row is a pair of sites, counted from 0: `0, 1`"
    found: set[tuple[int, int]] = set()
    for row in rows:
        is_pair = len(row) == 2 and row[0] != row[1]
        if not is_pair or any(not 0 <= v < MAX_SITES or v != int(v) for v in row):
            text = ", ".join(f"{value:g}" for value in row)
            reason = f"`{text}` is no pair of sites of at most {MAX_SITES}"
            raise Refused(BadFile(file.span, file.path, reason, fix))
        low, high = sorted(map(int, row))
        found.add((low, high))
    return 1 + max(high for _, high in found), sorted(found)


def kept_places(rows: list[Row], file: ast.File, places: int) -> list[int]:
    """The places that a mask keeps, in rows.

    Raises:
        Refused: not one 0 or 1 for each place, or all 0.
    """
    cells = [cell for row in rows for cell in row]
    fix = "write 1 for each place of the lattice that is a site, and 0 for the others"
    reason = ""
    if len(cells) != places:
        reason = f"it has {len(cells)} entries, the lattice {places} places"
    elif not set(cells) <= {0.0, 1.0}:
        reason = "an entry is neither 0 nor 1"
    elif not any(cells):
        reason = "it leaves no site"
    if reason:
        raise Refused(BadFile(file.span, file.path, reason, fix))
    return [place for place, cell in enumerate(cells) if cell]


def probabilities(rows: list[Row], file: ast.File) -> list[float]:
    """The probabilities of 0, 1, 2, ... copies, made to add up to 1.

    Raises:
        Refused: a row is no single number, one is negative, or all are 0.
    """
    fix = "write the probability of 0 copies in the first row, of 1 in the next, ..."
    found = [row[0] for row in rows]
    if any(len(row) > 1 for row in rows):
        reason = "a row holds more than one number"
    elif min(found) < 0:
        reason = f"the probability {min(found):g} is negative"
    elif abs(sum(found) - 1) > 1e-6:
        reason = f"the probabilities add up to {sum(found):g}, not 1"
    else:
        return [one / sum(found) for one in found]
    raise Refused(BadFile(file.span, file.path, reason, fix))
