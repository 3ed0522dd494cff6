"""Sparse linear equations of Markov processes, solved by elimination.

Generators, transposed or shifted, are M-matrices up to the sign: diagonally dominant,
so that elimination needs no pivots. The order of the unknowns is then free to keep the
factors small, and where most reactions have a way back the pattern is nearly symmetric.
"""

from typing import Any

from scipy.sparse.linalg import splu

from crnlang.reference.refusals import PassageError

#: Most unknowns: on a box of three species they cost minutes, and some gigabytes.
MOST_UNKNOWNS = 100_000


def factorise(matrix: Any) -> Any:
    """The LU factors of a sparse M-matrix, or minus one; `solve` takes right sides.

    Raises:
        PassageError: there are more than `MOST_UNKNOWNS`.
    """
    size = matrix.shape[0]
    if size > MOST_UNKNOWNS:
        raise PassageError(
            f"it needs the solution of {size:,} equations, more than {MOST_UNKNOWNS:,}",
            "lower the caps, or ask `hit`",
        )
    return splu(
        matrix.tocsc(),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
