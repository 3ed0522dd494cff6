"""The reaction rate equations of a network: the slope of the means, ignoring noise.

    d<n_v>/dt = sum_k s_kv a_k(<n>, t)

with the propensity a_k and the net change s_k of every channel. A factor n (n-1) ...
(n-m+1) becomes <n>^m, as it is on average under a Poisson law, and the power that the
law of mass action has for large numbers. Caps play no part.
"""

import math
from dataclasses import replace

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from crnlang.codegen.kernel import Family, build_family
from crnlang.ir.expr import Call, Expr, Function, Number, call, number
from crnlang.ir.lowered import LoweredNetwork


class RateEquations(eqx.Module):
    """The slope of the means of all variables."""

    families: tuple[Family, ...]
    parameters: Float[Array, " parameters"]

    def __call__(
        self, t: Float[Array, ""], means: Float[Array, " variables"], _: object = None
    ) -> Float[Array, " variables"]:
        """The slope at a time; rounding below zero counts as zero."""
        slope = jnp.zeros_like(means)
        present = jnp.where(means >= 0, means, jnp.zeros_like(means))
        for family in self.families:
            local = present[family.variables]
            speeds = family.propensities(local, self.parameters, t)
            changes = jnp.asarray(family.net_change, means.dtype)
            slope = slope.at[family.variables].add(speeds[:, None] * changes[None, :])
        return slope


def build_rates(lowered: LoweredNetwork) -> RateEquations:
    """The rate equations in 64 bits; they need `jax_enable_x64`."""
    families = tuple(
        build_family(replace(one, propensity=with_powers(one.propensity)), lowered)
        for one in lowered.families
    )
    return RateEquations(families, jnp.asarray(lowered.parameters, float))


def with_powers(expr: Expr) -> Expr:
    """The expression with powers for falling factorials and binomials."""
    if not isinstance(expr, Call):
        return expr
    arguments = tuple(map(with_powers, expr.arguments))
    if expr.function not in (Function.FALLING, Function.BINOMIAL):
        return Call(expr.function, arguments)
    base, order = arguments
    assert isinstance(order, Number)
    power = call(Function.POW, base, order)
    if expr.function is Function.FALLING:
        return power
    return call(Function.DIV, power, number(math.factorial(int(order.value))))
