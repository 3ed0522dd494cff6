"""The law on a set of states after a time, by uniformisation.

    p(t) = sum_j Poisson(j; q t) x_j,   x_{j+1} = (1 + W/q) x_j + b/q,   x_0 = p(0)

solves dp/dt = W p + b with constant b >= 0, q being the largest exit rate. All terms
are positive: nothing cancels, so the smallest probabilities are as exact as the largest
and none can become negative. Source: A. Jensen, Skand. Aktuarietidskr. 36 (1953) 87.
"""

import numpy as np
from jaxtyping import Float
from scipy.sparse import csr_matrix, identity
from scipy.stats import poisson

#: Jumps taken at once: the Poisson weights of more would underflow.
AT_ONCE = 400.0
#: Mass of the Poisson law that is left out.
LEFT_OUT = 1e-13


def uniformize(
    w: csr_matrix,
    source: Float[np.ndarray, " states"],
    law: Float[np.ndarray, " states"],
    dt: float,
) -> Float[np.ndarray, " states"]:
    """p(dt) from p(0) = `law` under dp/dt = W p + source."""
    fastest = float(-w.diagonal().min(initial=0.0))
    if fastest == 0.0:
        return law + dt * source
    pieces = int(np.ceil(fastest * dt / AT_ONCE))
    jumps = fastest * dt / pieces
    shares = poisson.pmf(np.arange(int(poisson.isf(LEFT_OUT, jumps)) + 2), jumps)
    jump = (w / fastest + identity(len(law), format="csr")).tocsr()
    entry = source / fastest
    for _ in range(pieces):
        term, law = law, shares[0] * law
        for share in shares[1:]:
            term = jump @ term + entry
            law = law + share * term
    return law
