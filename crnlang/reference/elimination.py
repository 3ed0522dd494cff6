"""Sparse linear equations solved by elimination, of a size that memory allows."""

from typing import Any

from scipy.sparse.linalg import splu

from crnlang.reference.refusals import PassageError

#: Most unknowns: on a box of three species their factors take some gigabytes.
MOST_UNKNOWNS = 200_000


def factorise(matrix: Any) -> Any:
    """The LU factors of a sparse square matrix; `solve` takes right-hand sides.

    Raises:
        PassageError: there are more than `MOST_UNKNOWNS`.
    """
    size = matrix.shape[0]
    if size > MOST_UNKNOWNS:
        raise PassageError(
            f"it needs the solution of {size:,} equations, more than {MOST_UNKNOWNS:,}",
            "lower the caps, or ask `hit`",
        )
    return splu(matrix.tocsc())
