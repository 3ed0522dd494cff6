"""Scores of a batch as a matrix `batch weights`, and matrices made of its blocks.

Scores are stored in the type of the network; sums over the batch are `SUMS`.
"""

from abc import abstractmethod
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.scipy.linalg import cho_solve
from jax.scipy.sparse.linalg import gmres
from jaxtyping import Array, Float

from crnlang.nn.base import SUMS, Blocks
from crnlang.solve.pieces import sum_over_batch

#: Scores (or their time derivatives) of a batch, block by block.
BlockScores = tuple[Float[Array, "batch _blocks _weights"], ...]
#: Rows at once in sums over scores that are stored in less than `SUMS`.
ROWS = 1024
#: Extra damping beyond which a matrix counts as broken.
MOST_EXTRA = 1e6
BlockMatrices = tuple[Float[Array, "_blocks _weights _weights"], ...]


class AbstractProducts(eqx.Module):
    """Scores known only by their products: nothing of the size of a batch of scores."""

    @abstractmethod
    def combine(self, x: Blocks) -> Float[Array, " batch"]:
        """x . O(n) for every sample."""

    @abstractmethod
    def project(self, values: Float[Array, " batch"]) -> Blocks:
        """sum_b values_b O(n_b)."""


Scores = BlockScores | AbstractProducts


def combine(scores: Scores, x: Blocks) -> Float[Array, " batch"]:
    """x . O(n) for every sample: the change of log P that the weights x make."""
    if isinstance(scores, AbstractProducts):
        return scores.combine(x)
    pairs = zip(scores, x, strict=True)
    parts = [jnp.einsum("bpw,pw->b", o.astype(SUMS), v) for o, v in pairs]
    return jnp.sum(jnp.stack(parts), axis=0)


def project(scores: Scores, values: Float[Array, " batch"]) -> Blocks:
    """sum_b values_b O(n_b): the other way round.

    A row times a matrix: six times as fast on a CPU as its transpose times a column.
    """
    if isinstance(scores, AbstractProducts):
        return scores.project(values)
    return tuple(
        _summed(_row_times, values, o.reshape(len(o), -1)).reshape(o.shape[1:])
        for o in scores
    )


def _row_times(
    values: Float[Array, " rows"], of: Float[Array, "rows weights"]
) -> Float[Array, " weights"]:
    return values @ of


def weighted_square(
    rows: Float[Array, "batch weights"], weights: Float[Array, " batch"]
) -> Float[Array, "weights weights"]:
    """sum_b w_b rows_b rows_b^T."""
    return _summed(_weighted_square, weights, rows)


def _weighted_square(
    weights: Float[Array, " rows"], of: Float[Array, "rows weights"]
) -> Float[Array, "weights weights"]:
    return (of * weights[:, None]).T @ of


def _summed(
    function: Callable[..., Array], values: Float[Array, " batch"], *stored: Array
) -> Array:
    """A sum over the batch, as `SUMS`: of what is stored in less, `ROWS` at a time."""
    if stored[0].dtype == SUMS:
        return function(values, *stored)

    def part(given: tuple[Array, ...]) -> Array:
        return function(*(each.astype(SUMS) for each in given))

    return sum_over_batch(part, (values, *stored), ROWS)


def block_products(
    left: BlockScores, right: BlockScores, weights: Float[Array, " batch"]
) -> BlockMatrices:
    """sum_b w_b left_b right_b^T, block by block."""
    return tuple(
        _summed(_block_product, weights, a, b) for a, b in zip(left, right, strict=True)
    )


def _block_product(
    weights: Float[Array, " rows"],
    left: Float[Array, "rows blocks weights"],
    right: Float[Array, "rows blocks weights"],
) -> Float[Array, "blocks weights weights"]:
    return jnp.einsum("bpv,bpw->pvw", left * weights[:, None, None], right)


class BlockSolver(eqx.Module):
    """Cholesky factors of the symmetric parts of block matrices.

    NOTE: Cholesky, not LU: on jax 0.10.2 with two CPU cores an LU solve followed by a
    matrix product inside one jitted function waits for ever (both with and without
    `--xla_cpu_multi_thread_eigen`).
    """

    factors: BlockMatrices

    def __call__(self, b: Blocks) -> Blocks:
        """The solutions of all block systems; nan where a block is not positive."""
        return tuple(
            jax.vmap(lambda factor, rhs: cho_solve((factor, True), rhs))(factor, rhs)
            for factor, rhs in zip(self.factors, b, strict=True)
        )


def factor_blocks(matrices: BlockMatrices) -> BlockSolver:
    """Factorise the symmetric part of every block."""
    return BlockSolver(tuple(jnp.linalg.cholesky(m) for m in matrices))


def factor_positive(
    matrices: BlockMatrices, first: float
) -> tuple[BlockSolver, Float[Array, ""]]:
    """Factors of M + extra I with the smallest `extra` that makes every block positive.

    `extra` is 0, or `first` times a power of 4: sampling noise may leave a block with a
    negative eigenvalue, most often in a direction that few samples see.
    """
    dtype = matrices[0].dtype
    start = jnp.zeros((), dtype)

    def factors(extra: Float[Array, ""]) -> BlockSolver:
        return factor_blocks(shift_diagonal(matrices, extra))

    def is_broken(state: tuple[BlockSolver, Float[Array, ""]]) -> Array:
        sums = [jnp.sum(factor) for factor in state[0].factors]
        return ~jnp.isfinite(jnp.sum(jnp.stack(sums))) & (state[1] < MOST_EXTRA)

    def stronger(
        state: tuple[BlockSolver, Float[Array, ""]],
    ) -> tuple[BlockSolver, Float[Array, ""]]:
        extra = jnp.where(state[1] > 0, 4 * state[1], jnp.asarray(first, dtype))
        return factors(extra), extra

    return jax.lax.while_loop(is_broken, stronger, (factors(start), start))


def shift_diagonal(
    matrices: BlockMatrices, shift: float | Float[Array, ""]
) -> BlockMatrices:
    """M + shift I."""
    return tuple(m + shift * jnp.eye(m.shape[-1], dtype=m.dtype) for m in matrices)


def solve_krylov(
    apply: Callable[[Blocks], Blocks],
    b: Blocks,
    precondition: Callable[[Blocks], Blocks],
    iterations: int,
) -> Blocks:
    """GMRES with a preconditioner; `iterations` 0 is the preconditioner alone."""
    if iterations == 0:
        return precondition(b)
    solution, _ = gmres(
        apply,
        b,
        x0=precondition(b),
        M=precondition,
        restart=iterations,
        maxiter=1,
        tol=1e-6,
        solve_method="incremental",
    )
    return solution
