"""Coefficients of Rosenbrock-W methods; their order holds for any Jacobian.

In the usual notation, for y' = f(t, y), a Jacobian A and gamma = gamma_ii:

    k_i = h f(t + alpha_i h, y + sum_j alpha_ij k_j)
          + h A sum_j gamma_ij k_j + h^2 gamma_i df/dt
    y  <-  y + sum_j b_j k_j
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True, eq=False)
class Tableau:
    """One method: `alpha` strictly lower triangular, `gamma` with its diagonal.

    `embedded` are the weights of the solution of lower order.
    """

    order: int
    alpha: Float[np.ndarray, "stages stages"]
    gamma: Float[np.ndarray, "stages stages"]
    weights: Float[np.ndarray, " stages"]
    embedded: Float[np.ndarray, " stages"]

    @property
    def diagonal(self) -> float:
        """gamma: the same at every stage."""
        return float(self.gamma[0, 0])

    @property
    def nodes(self) -> Float[np.ndarray, " stages"]:
        """alpha_i: where in the step each stage is evaluated."""
        return self.alpha.sum(axis=1)

    @property
    def drifts(self) -> Float[np.ndarray, " stages"]:
        """gamma_i: how much each stage takes of df/dt."""
        return self.gamma.sum(axis=1)

    def solved(
        self,
    ) -> tuple[Float[np.ndarray, "stages stages"], Float[np.ndarray, "stages stages"]]:
        """a_ij and c_ij of the form without products with the Jacobian.

        With u_i = sum_j gamma_ij k_j / gamma,

            (1 - gamma h A) u_i = h f(y + sum_j a_ij u_j) + sum_j c_ij u_j
                                  + h^2 gamma_i df/dt

        Source: Hairer, Wanner, Solving Ordinary Differential Equations II, IV.7 (there
        with u_i gamma).
        """
        inverse = np.linalg.inv(self.gamma / self.diagonal)
        return self.alpha @ inverse, np.eye(len(inverse)) - inverse

    def solved_weights(
        self, weights: Float[np.ndarray, " stages"]
    ) -> Float[np.ndarray, " stages"]:
        """The weights of the u_i that stand for weights of the k_i."""
        return weights @ np.linalg.inv(self.gamma / self.diagonal)


def _tableau(
    order: int,
    gamma: float,
    alphas: tuple[tuple[float, ...], ...],
    gammas: tuple[tuple[float, ...], ...],
    weights: tuple[float, ...],
    embedded: tuple[float, ...],
) -> Tableau:
    """A method from the rows below the diagonal of `alpha` and of `gamma`."""
    stages = len(weights)
    below = np.zeros((2, stages, stages))
    for matrix, rows in zip(below, (alphas, gammas), strict=True):
        for number, row in enumerate(rows, start=1):
            matrix[number, :number] = row
    return Tableau(
        order,
        below[0],
        below[1] + gamma * np.eye(stages),
        np.array(weights),
        np.array(embedded),
    )


_ROS2 = 1.0 - 0.5**0.5
#: ROS2-W: Verwer, Spee, Blom, Hundsdorfer, SIAM J. Sci. Comput. 20 (1999) 1456.
ROS2 = _tableau(2, _ROS2, ((1.0,),), ((-2.0 * _ROS2,),), (0.5, 0.5), (1.0, 0.0))
#: ROS34PW2: Rang, Angermann, BIT Numer. Math. 45 (2005) 761; L-stable.
ROS34PW2 = _tableau(
    3,
    4.3586652150845900e-01,
    (
        (8.7173304301691801e-01,),
        (8.4457060015369423e-01, -1.1299064236484185e-01),
        (0.0, 0.0, 1.0),
    ),
    (
        (-8.7173304301691801e-01,),
        (-9.0338057013044082e-01, 5.4180672388095326e-02),
        (2.4212380706095346e-01, -1.2232505839045147e00, 5.4526025533510214e-01),
    ),
    (
        2.4212380706095346e-01,
        -1.2232505839045147e00,
        1.5452602553351020e00,
        4.3586652150845900e-01,
    ),
    (
        3.7810903145819369e-01,
        -9.6042292212423178e-02,
        5.0000000000000000e-01,
        2.1793326075422950e-01,
    ),
)
