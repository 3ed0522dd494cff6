"""Interval arithmetic on pairs (low, high): what a propensity can reach in a window.

Exact thinning of a time-dependent propensity needs an upper bound that holds at every
moment of a window. Intervals give one for any expression; where they do not know
better they answer (-inf, inf), and the sampler takes a shorter window or refuses.
"""

import math
from typing import no_type_check

import numba
import numpy as np

INF = math.inf


@numba.njit
@no_type_check
def hull(a, b, c, d):
    """The smallest interval with four numbers; everything where one is not a number."""
    if a != a or b != b or c != c or d != d:
        return (-INF, INF)
    return (min(min(a, b), min(c, d)), max(max(a, b), max(c, d)))


@numba.njit
@no_type_check
def point(a):
    """A number as an interval."""
    return (a, a)


@numba.njit
@no_type_check
def add(a, b):
    """The sum a + b."""
    return (a[0] + b[0], a[1] + b[1])


@numba.njit
@no_type_check
def sub(a, b):
    """The difference a - b."""
    return (a[0] - b[1], a[1] - b[0])


@numba.njit
@no_type_check
def mul(a, b):
    """The product a * b."""
    return hull(a[0] * b[0], a[0] * b[1], a[1] * b[0], a[1] * b[1])


@numba.njit
@no_type_check
def div(a, b):
    """The ratio a / b; everything where b may vanish."""
    if b[0] <= 0.0 <= b[1]:
        return (-INF, INF)
    return hull(a[0] / b[0], a[0] / b[1], a[1] / b[0], a[1] / b[1])


@numba.njit
@no_type_check
def power(a, b):
    """The power a ^ b: monotone in each argument for a > 0; else whole b only."""
    if a[0] > 0.0 or (a[0] == 0.0 and b[0] > 0.0):
        return hull(a[0] ** b[0], a[0] ** b[1], a[1] ** b[0], a[1] ** b[1])
    if b[0] == b[1] and b[0] >= 1.0 and b[0] == math.floor(b[0]):
        low, high = a[0] ** b[0], a[1] ** b[0]
        if b[0] % 2.0 == 0.0 and a[1] > 0.0:
            return (0.0, max(low, high))
        return (min(low, high), max(low, high))
    return (-INF, INF)


@numba.njit
@no_type_check
def neg(a):
    """-a."""
    return (-a[1], -a[0])


@numba.njit
@no_type_check
def truth(always, never):
    """0, 1 or either."""
    if always:
        return (1.0, 1.0)
    if never:
        return (0.0, 0.0)
    return (0.0, 1.0)


@numba.njit
@no_type_check
def less(a, b):
    """Truth of a < b."""
    return truth(a[1] < b[0], a[0] >= b[1])


@numba.njit
@no_type_check
def less_equal(a, b):
    """Truth of a <= b."""
    return truth(a[1] <= b[0], a[0] > b[1])


@numba.njit
@no_type_check
def equal(a, b):
    """Truth of a == b."""
    is_point = a[0] == a[1] and b[0] == b[1]
    return truth(is_point and a[0] == b[0], a[1] < b[0] or b[1] < a[0])


@numba.njit
@no_type_check
def may_hold(a):
    """Whether a truth value can be other than 0."""
    return not (a[0] == 0.0 and a[1] == 0.0)


@numba.njit
@no_type_check
def must_hold(a):
    """Whether a truth value cannot be 0."""
    return a[0] > 0.0 or a[1] < 0.0


@numba.njit
@no_type_check
def both(a, b):
    """Truth of a and b."""
    return truth(must_hold(a) and must_hold(b), not (may_hold(a) and may_hold(b)))


@numba.njit
@no_type_check
def either(a, b):
    """Truth of a or b."""
    return truth(must_hold(a) or must_hold(b), not (may_hold(a) or may_hold(b)))


@numba.njit
@no_type_check
def negate(a):
    """Truth of not a."""
    return truth(not may_hold(a), must_hold(a))


@numba.njit
@no_type_check
def choose(condition, a, b):
    """The value a where the condition holds, b where not, the hull if unknown."""
    if must_hold(condition):
        return a
    if not may_hold(condition):
        return b
    return hull(a[0], a[1], b[0], b[1])


@numba.njit
@no_type_check
def minimum(a, b):
    """The smaller of two."""
    return (min(a[0], b[0]), min(a[1], b[1]))


@numba.njit
@no_type_check
def maximum(a, b):
    """The larger of two."""
    return (max(a[0], b[0]), max(a[1], b[1]))


@numba.njit
@no_type_check
def absolute(a):
    """|a|."""
    if a[0] <= 0.0 <= a[1]:
        return (0.0, max(-a[0], a[1]))
    return hull(abs(a[0]), abs(a[1]), abs(a[0]), abs(a[1]))


@numba.njit
@no_type_check
def sine(a):
    """Sine: 1 or -1 where a crest or a trough may lie inside."""
    if not a[1] - a[0] < 2 * math.pi:
        return (-1.0, 1.0)
    low, high = min(math.sin(a[0]), math.sin(a[1])), max(math.sin(a[0]), math.sin(a[1]))
    turn = 2 * math.pi
    if math.floor((a[1] - math.pi / 2) / turn) > math.floor(
        (a[0] - math.pi / 2) / turn
    ):
        high = 1.0
    if math.floor((a[1] + math.pi / 2) / turn) > math.floor(
        (a[0] + math.pi / 2) / turn
    ):
        low = -1.0
    return (low, high)


@numba.njit
@no_type_check
def cosine(a):
    """Cosine."""
    return sine((a[0] + math.pi / 2, a[1] + math.pi / 2))


@numba.njit
@no_type_check
def tangent(a):
    """Tangent: not bounded here."""
    if a[0] == a[1]:
        return (math.tan(a[0]), math.tan(a[0]))
    return (-INF, INF)


@numba.njit
@no_type_check
def exponential(a):
    """exp(a)."""
    return (math.exp(a[0]), math.exp(a[1]))


@numba.njit
@no_type_check
def logarithm(a):
    """log(a); everything where a may be negative."""
    if a[0] < 0.0:
        return (-INF, INF)
    return (math.log(a[0]), math.log(a[1]))


@numba.njit
@no_type_check
def root(a):
    """sqrt(a); everything where a may be negative."""
    if a[0] < 0.0:
        return (-INF, INF)
    return (math.sqrt(a[0]), math.sqrt(a[1]))


@numba.njit
@no_type_check
def hyperbolic(a):
    """tanh(a)."""
    return (math.tanh(a[0]), math.tanh(a[1]))


@numba.njit
@no_type_check
def floor(a):
    """The whole number below."""
    return (np.floor(a[0]), np.floor(a[1]))


@numba.njit
@no_type_check
def ceil(a):
    """The whole number above."""
    return (np.ceil(a[0]), np.ceil(a[1]))


@numba.njit
@no_type_check
def falling(a, order):
    """Each factor max(a - j, 0) grows with a, so the product does."""
    low = high = 1.0
    for j in range(order):
        low *= max(a[0] - j, 0.0)
        high *= max(a[1] - j, 0.0)
    return (low, high)
