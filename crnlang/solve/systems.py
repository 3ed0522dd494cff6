"""The linear systems of a step: over all weights, known only through samples.

    (S + shift) x = b      and, linearly implicit,      (S + shift - h A) x = b

| solver     | the matrix behind it                    | then                       |
|------------|-----------------------------------------|----------------------------|
| `cholesky` | the diagonal blocks, `weights weights`  | GMRES, `krylov` steps      |
| `kernel`   | O O^T over the samples, `batch batch`   | exact; GMRES for the other |
| `cg`       | none: products, nothing stored          | CG; GMRES for the other    |

The exact Fisher matrix of separate conditionals is block-diagonal, its estimate on a
batch is not: scores of different conditionals correlate by chance. Solving with the
blocks alone leaves that chance as noise; solving the full sampled system removes it,
since then a local generator that lies in the span of the scores is reproduced exactly.
The blocks remain as preconditioner, so a few Krylov steps suffice and no matrix beyond
them is formed.

Source of the kernel form: Rende et al., Communications Physics 7 (2024) 260; Chen and
Heyl, Nature Physics 20 (2024) 1476 (minSR), there for wave functions.
"""

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
from jax.scipy.linalg import cho_factor, cho_solve
from jax.scipy.sparse.linalg import cg
from jaxtyping import Array, Float

from crnlang.nn.base import SUMS, AbstractAutoregressive, Blocks
from crnlang.solve.estimate import Estimate, Jacobian, add, scaled
from crnlang.solve.linear import (
    AbstractProducts,
    Scores,
    combine,
    factor_blocks,
    factor_positive,
    project,
    shift_diagonal,
    solve_krylov,
    weighted_square,
)

#: A solution, from its right-hand side.
Solve = Callable[[Blocks], Blocks]
#: First extra damping of a matrix that is not positive, where there is no damping.
SMALLEST_EXTRA = 1e-6
#: Relative residual and most steps of conjugate gradients.
CLOSE, MOST_STEPS = 1e-4, 200
#: Krylov steps where the preconditioner knows nothing of A.
BLIND_STEPS = 32
#: Beyond so many weights and samples no matrix is formed.
LARGE = 8192


def choose_solver(
    solver: str, model: AbstractAutoregressive, samples: int, *, is_whole: bool
) -> str:
    """The solver that `auto` stands for: the one with the smaller matrix.

    `is_whole`: the matrix over all weights is factorised, not its blocks.
    """
    if solver != "auto":
        return solver
    blocks = model.weight_blocks()
    if len(blocks) > 1 and not is_whole:
        return "cholesky"
    weights = sum(block.size for block in blocks)
    if min(weights, samples) > LARGE:
        return "cg"
    return "cholesky" if weights <= samples else "kernel"


class KernelSolver(eqx.Module):
    """(S + shift)^-1 by a matrix over the samples.

    (L^T L + s)^-1 b = (b - L^T (L L^T + s)^-1 L b) / s,    L = sqrt(w) O
    """

    scores: Scores
    root: Float[Array, " batch"]
    factor: Float[Array, "batch batch"]
    shift: Float[Array, ""]

    def __call__(self, b: Blocks) -> Blocks:
        """The solution."""
        inner = cho_solve((self.factor, True), self.root * combine(self.scores, b))
        seen = project(self.scores, self.root * inner)
        return scaled(add(b, seen, -1.0), 1.0 / self.shift)


def factor_kernel(
    scores: Scores, weights: Float[Array, " batch"], shift: float
) -> KernelSolver:
    """Factorise over the samples; `shift` is above 0."""
    assert not isinstance(scores, AbstractProducts)
    root = jnp.sqrt(weights)
    rows = root[:, None] * flatten(scores).astype(SUMS)
    gram = rows @ rows.T + shift * jnp.eye(len(rows), dtype=rows.dtype)
    factor, _ = cho_factor(gram, lower=True)
    return KernelSolver(scores, root, factor, jnp.asarray(shift, rows.dtype))


def flatten(scores: Scores) -> Float[Array, "batch all_weights"]:
    """The scores of all blocks side by side."""
    assert not isinstance(scores, AbstractProducts)
    return jnp.concatenate([o.reshape(len(o), -1) for o in scores], axis=1)


def solve_whole(
    solver: str,
    scores: Scores,
    weights: Float[Array, " batch"],
    shift: float,
    b: Blocks,
    close: float = CLOSE,
) -> Blocks:
    """(S + shift)^-1 b, S over all weights at once.

    Exact; with `cg` up to the relative residual `close`.
    """
    if solver == "kernel":
        return factor_kernel(scores, weights, shift)(b)
    if solver == "cg":

        def apply(x: Blocks) -> Blocks:
            return add(project(scores, weights * combine(scores, x)), x, shift)

        return cg(apply, b, tol=close, maxiter=MOST_STEPS)[0]
    fisher = weighted_square(flatten(scores), weights)
    factor = cho_factor(fisher + shift * jnp.eye(len(fisher), dtype=fisher.dtype))
    flat = jnp.concatenate([block.ravel() for block in b])
    sizes = [block.size for block in b]
    parts = jnp.split(
        cho_solve(factor, flat), [sum(sizes[:i]) for i in range(1, len(sizes))]
    )
    return tuple(p.reshape(o.shape) for p, o in zip(parts, b, strict=True))


def solve_fisher(
    solver: str, now: Estimate, shift: float, krylov: int, b: Blocks
) -> Blocks:
    """(S + shift)^-1 b; with `cholesky` as far as `krylov` steps go."""
    if solver != "cholesky":
        return solve_whole(solver, now.scores, now.weights, shift, b)
    blocks = factor_blocks(shift_diagonal(now.blocks(), shift))
    return solve_krylov(lambda x: now.apply_fisher(x, shift), b, blocks, krylov)


def implicit_systems(
    solver: str, now: Estimate, jacobian: Jacobian, shift: float, krylov: int
) -> Callable[[Float[Array, ""]], Solve]:
    """What solves (S + shift - h A) x = b, for any h.

    With `cholesky` a little more damping is added where a block is not positive.
    """

    def apply(x: Blocks, h: Array, damping: float | Array) -> Blocks:
        return add(now.apply_fisher(x, damping), jacobian.apply(now, x), -h)

    if solver != "cholesky":
        before = _nothing
        if solver == "kernel":
            before = factor_kernel(now.scores, now.weights, shift)

        def blindly(h: Float[Array, ""]) -> Solve:
            return lambda b: solve_krylov(
                lambda x: apply(x, h, shift), b, before, BLIND_STEPS
            )

        return blindly

    fisher, slopes = now.blocks(), jacobian.blocks(now)

    def by_blocks(h: Float[Array, ""]) -> Solve:
        blocks = tuple(s - h * a for s, a in zip(fisher, slopes, strict=True))
        damped = shift_diagonal(blocks, shift)
        factors, extra = factor_positive(damped, max(shift, SMALLEST_EXTRA))
        return lambda b: solve_krylov(
            lambda x: apply(x, h, shift + extra), b, factors, krylov
        )

    return by_blocks


def _nothing(b: Blocks) -> Blocks:
    return b
