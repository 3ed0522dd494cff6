"""What must not depend on the number of devices, computed with 1, 2 and 4 of them.

    XLA_FLAGS=--xla_force_host_platform_device_count=4 python device_cases.py OUT CASES

Writes one file of arrays, named `CASE/DEVICES/NUMBER`.
"""

import sys
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from engine_cases import (
    ENZYME,
    PAIR,
    kernel_of,
    lower,
    model_of,
    states_of,
    with_positive_start,
)

from crnlang.settings import AdamSettings, NatgradSettings, TdvpSettings
from crnlang.solve.batch import Batch
from crnlang.solve.estimate import estimate, jacobian_of
from crnlang.solve.evolve import evolve
from crnlang.solve.mesh import shared_by
from crnlang.solve.pieces import log_probs

DEVICES = (1, 2, 4)


def averages(text, *, is_stored, has_jacobian=True):
    """Rates, Fisher matrix, force and Jacobian of 13 states, which devices share."""
    lowered = lower(text)
    model, generator = model_of(lowered, noise=0.5), kernel_of(lowered)
    states = states_of(lowered)[:13]
    weights = jnp.exp(jax.vmap(model.log_prob)(states))
    batch = Batch(states, weights / jnp.sum(weights), jnp.asarray(jnp.inf))

    @jax.jit
    def look(t):
        now = estimate(model, generator, batch, t, is_stored=is_stored)
        force = now.force()
        if not has_jacobian:
            return now.rates, now.scores, now.blocks(), force
        jacobian = jacobian_of(model, generator, batch, now, t)
        pushed = now.apply_fisher(force, 0.1), jacobian.apply(now, force)
        if not is_stored:
            return now.rates, force, pushed
        blocks = now.blocks(), jacobian.blocks(now)
        return now.rates, now.scores, blocks, force, pushed

    return look(jnp.zeros(()))


def run(text, settings):
    """The law of the network at the end of a short run, and the health of its steps."""
    lowered = with_positive_start(lower(text))
    model = model_of(lowered, noise=0.1, ansatz=settings.ansatz)
    infos = []
    end = evolve(model, kernel_of(lowered), settings, settings.save, infos.append)
    health = [[info.dt, info.error, info.residual] for info in end.infos]
    return log_probs(end.models[-1], np.asarray(states_of(lowered))), health


def tdvp(**options):
    """Settings of a short run without an opening."""
    small = {"until": 0.1, "save": (0.1,), "opening": 0, "samples": 30, "max_steps": 3}
    return TdvpSettings(**{**small, **options})


def euler(kind, **options):
    """Settings of two Euler steps."""
    small = {"until": 0.02, "save": (0.02,), "dt": 0.01, "samples": 30, "epochs": 2}
    return kind(**{**small, **options})


CASES = {
    "sums": partial(averages, PAIR, is_stored=True, has_jacobian=False),
    "averages": partial(averages, PAIR, is_stored=True),
    "averages_by_products": partial(averages, PAIR, is_stored=False),
    "averages_under_laws": partial(averages, ENZYME, is_stored=True),
    "projection": partial(run, PAIR, tdvp(method="projection", states=16)),
    "conditionals": partial(
        run, PAIR, tdvp(method="conditionals", sampling="sobol", proposal="alpha")
    ),
    "galerkin": partial(run, PAIR, tdvp(method="galerkin")),
    "galerkin_sobol": partial(run, PAIR, tdvp(method="galerkin", sampling="sobol")),
    "natgrad": partial(run, PAIR, euler(NatgradSettings)),
    "natgrad_kernel": partial(run, PAIR, euler(NatgradSettings, solver="kernel")),
    "natgrad_cg": partial(run, PAIR, euler(NatgradSettings, solver="cg")),
    "natgrad_shared": partial(run, PAIR, euler(NatgradSettings, ansatz="nade")),
    "natgrad_proposal": partial(
        run, PAIR, euler(NatgradSettings, proposal="alpha", reweight="pareto")
    ),
    "adam": partial(run, PAIR, euler(AdamSettings)),
}


def main():
    """Compute what the command line names."""
    out, *cases = sys.argv[1:]
    jax.config.update("jax_enable_x64", True)
    found = {}
    for case in cases:
        for devices in DEVICES:
            with shared_by(devices):
                leaves = jax.tree.leaves(CASES[case]())
            for number, leaf in enumerate(leaves):
                found[f"{case}/{devices}/{number}"] = np.asarray(leaf)
    np.savez(out, **found)


if __name__ == "__main__":
    main()
