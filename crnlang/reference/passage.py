r"""Mean time and rate of a first passage, on every state that it can reach.

Let Q be the generator between the states outside of the target. The mean times tau from
each of them solve -Q^T tau = 1. The survival probability falls, for long times, like
exp(-r t), where -r is the largest eigenvalue of Q: r is the rate of leaving the
quasi-stationary law, the eigenvector.

-Q^T is an M-matrix: its inverse has no negative entries, and times 1 it is tau. So a
solution with the residual 1 + Q^T tau of at most e is off by at most e times the exact
one. For the eigenvalue, the residual of the eigenvector v is weighted with the left
eigenvector w: (w . |Q v + r v|) / (w . v) is the error to first order, not known where
v and w have no state in common.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import scipy.linalg
from jaxtyping import Bool, Float
from scipy import sparse
from scipy.sparse.csgraph import breadth_first_order
from scipy.sparse.linalg import ArpackError, LinearOperator, eigs

from crnlang.ir.expr import Expr
from crnlang.ir.lowered import LoweredNetwork
from crnlang.reference.departure import check_steady, flows_of, holds
from crnlang.reference.elimination import factorise
from crnlang.reference.equation import master_equation
from crnlang.reference.refusals import PassageError
from crnlang.reference.states import initial_law

EPS = float(np.finfo(float).eps)
#: Up to so many states all eigenvalues are computed.
FEW = 50


@dataclass(frozen=True, eq=False)
class Passage:
    """The part of a master equation outside of a target, all of it reachable.

    `start` is the law at the start there; the rest of it lies in the target. A passage
    that `can_fail` reaches states from which there is no way to the target.
    """

    generator: Any
    start: Float[np.ndarray, " states"]
    can_fail: bool

    def mean_time(self) -> tuple[float, float]:
        """The mean time until the target is entered, and a bound of its error.

        inf where it may never be.

        Raises:
            PassageError: there are too many states.
        """
        if self.can_fail:
            return np.inf, 0.0
        if not self.start.any():
            return 0.0, 0.0
        matrix = -self.generator.T
        times = factorise(matrix).solve(np.ones(len(self.start)))
        residual = np.abs(1 - matrix @ times) + _rounding(matrix, times)
        mean, worst = float(self.start @ times), float(residual.max())
        return mean, mean * worst / (1 - worst) if worst < 1 else np.inf

    def rate(self) -> tuple[float, float]:
        """The decay rate of the survival probability, and its error to first order.

        0 where the target may never be entered, inf where the start lies inside.

        Raises:
            PassageError: there are too many states, or the iteration does not converge.
        """
        if self.can_fail:
            return 0.0, 0.0
        if not self.start.any():
            return np.inf, 0.0
        rate, right, left = _leading(self.generator)
        residual = np.abs(self.generator @ right + rate * right)
        residual += _rounding(self.generator, right)
        overlap = float(left @ right)
        return rate, float(left @ residual) / overlap if overlap else np.inf


def find_passage(absorbing: LoweredNetwork, target: Expr, max_states: int) -> Passage:
    """The passage of a network that `target` absorbs, from its start.

    Raises:
        PassageError: the network changes with time.
        TooManyStatesError: more than `max_states` states can be reached.
    """
    equation = master_equation(absorbing, max_states)
    check_steady(absorbing, equation, "the process must not change with time")
    size = equation.size
    matrix = equation.steady[:size, :size]
    inside = holds(absorbing, target, equation.states)
    states, weights = initial_law(absorbing, max_states)
    start = np.zeros(size)
    start[equation.index.positions(states)] = weights
    return Passage(
        matrix[~inside][:, ~inside].tocsc(),
        start[~inside],
        can_fail=not _leads_to(matrix, inside).all(),
    )


def _leads_to(
    matrix: Any, inside: Bool[np.ndarray, " states"]
) -> Bool[np.ndarray, " states"]:
    """Whether some way leads from each state into a set: a search backwards from it."""
    size, ends = len(inside), np.flatnonzero(inside)
    sources, targets = flows_of(matrix)
    rows = np.concatenate([targets, np.full(len(ends), size)])
    columns = np.concatenate([sources, ends])
    graph = sparse.csr_array(
        (np.ones(len(rows)), (rows, columns)), (size + 1, size + 1)
    )
    found = breadth_first_order(graph, size, return_predecessors=False)
    leads = np.zeros(size + 1, dtype=bool)
    leads[found] = True
    return leads[:-1]


def _leading(
    generator: Any,
) -> tuple[float, Float[np.ndarray, " states"], Float[np.ndarray, " states"]]:
    """Minus the largest eigenvalue; its right and left eigenvectors, not negative.

    Raises:
        PassageError: there are too many states, or the iteration does not converge.
    """
    if generator.shape[0] <= FEW:
        found: Any = scipy.linalg.eig(generator.toarray(), left=True, right=True)
        values, left, right = found
        place = int(values.real.argmax())
        rate = -float(values[place].real)
        return rate, np.abs(right[:, place]), np.abs(left[:, place])
    factors = factorise(generator)
    rate, right = _nearest(generator, factors.solve)
    _, left = _nearest(generator.T, partial(factors.solve, trans="T"))
    return rate, right, left


def _nearest(
    matrix: Any, solve: Callable[..., Any]
) -> tuple[float, Float[np.ndarray, " states"]]:
    """Minus the eigenvalue next to 0, and its eigenvector, not negative.

    Raises:
        PassageError: the iteration does not converge.
    """
    make: Any = LinearOperator
    inverse = make(matrix.shape, matvec=solve)
    first = np.ones(matrix.shape[0])
    try:
        found: Any = eigs(matrix, k=1, sigma=0, OPinv=inverse, v0=first)
    except ArpackError as error:
        reason = f"the leading eigenvalue was not found ({error})"
        raise PassageError(reason, "ask `mfpt`") from error
    values, vectors = found
    return -float(values[0].real), np.abs(vectors[:, 0])


def _rounding(
    matrix: Any, vector: Float[np.ndarray, " states"]
) -> Float[np.ndarray, " states"]:
    """A bound of the rounding in a product of a sparse matrix with a vector."""
    most = int(np.diff(matrix.tocsr().indptr).max())
    return (most + 2) * EPS * (abs(matrix) @ np.abs(vector))
