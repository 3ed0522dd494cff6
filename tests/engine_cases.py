"""What the tests of the neural engine share: small networks, exact laws, exact batches.

The state spaces are so small that every average is a sum over all states.
"""

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from scipy.linalg import expm

from crnlang.codegen.ansatz import build_model
from crnlang.codegen.kernel import build_kernel
from crnlang.compiler import compile_text
from crnlang.nn.conditional import ConditionalNetworks, build_conditional
from crnlang.pipeline.law import enumerate_states
from crnlang.reference.fsp import generator
from crnlang.settings import TdvpSettings
from crnlang.solve.batch import Batch, Draws

#: For properties that compile a new kernel or network at every example.
FEW = settings(max_examples=max(settings.default.max_examples // 8, 1))
FLOAT64 = np.dtype("float64")

BIRTH_DEATH = """crn 1
model birth_death
species X in 0..{cap} {start}
birth: 0 -> X @ {birth}
death: X -> 0 @ 1
"""
ENZYME = """crn 1
model enzyme
species E in 0..3 = 3
species S in 0..4 = 4
species ES in 0..3 = 0
species P in 0..4 = 0
bind: E + S <-> ES @ 1, 0.5
make: ES -> E + P @ 0.7
"""
SWITCHES = """crn 1
model switches
species A in 0..1 ~ uniform(0, 1)
species B in 0..2 ~ uniform(0, 2)
on: 0 <-> A @ {on}, 0.5
rise: A -> A + B @ 1.5
fall: B -> 0 @ 1
"""
PAIR = """crn 1
model pair
species A in 0..6 = 3
species B in 0..6 = 1
swap: A <-> B @ 1, 0.7
feed: A -> A + B @ 1
decay: B -> 0 @ 1
"""
#: Reactions that conserve something; the species are A, B, C, D.
CONVERSIONS = (
    "A -> B",
    "B -> A",
    "C -> D",
    "A + B -> C",
    "C -> A + B",
    "C -> A + D",
    "A + D -> B + C",
    "2 A -> B",
    "B + D -> 2 C",
    "D -> 3 C",
)


def lower(text, **values):
    """The lowered network of a text with placeholders."""
    return compile_text(text.format(**values)).lowered


def birth_death(cap=5, birth=2.0, start="~ binomial({cap}, 0.3)"):
    """One species, made at a constant rate, each copy dying with rate 1."""
    return lower(BIRTH_DEATH, cap=cap, birth=birth, start=start.format(cap=cap))


def conserving_networks():
    """Networks of four species whose reactions conserve something, often entangled."""
    return networks_of(CONVERSIONS, fewest=1, most=4, largest_cap=4)


@st.composite
def networks_of(draw, reactions, fewest, most, largest_cap):
    """Networks of the species A, B, C, D with some of the reactions."""
    chosen = draw(
        st.lists(
            st.sampled_from(reactions), min_size=fewest, max_size=most, unique=True
        )
    )
    text = ["crn 1", "model some", "massaction falling"]
    for name in "ABCD":
        cap = draw(st.integers(1, largest_cap))
        text.append(f"species {name} in 0..{cap} = {draw(st.integers(0, cap))}")
    text += [f"r{i}: {reaction} @ 1" for i, reaction in enumerate(chosen)]
    return lower("\n".join(text) + "\n")


def with_positive_start(lowered, seed=0):
    """The same network, every state of the box possible at the start."""
    rng = np.random.default_rng(seed)
    laws = [rng.uniform(0.2, 1.0, cap + 1) for cap in lowered.space.caps.tolist()]
    return replace(lowered, initial=tuple(law / law.sum() for law in laws))


def model_of(lowered, noise=0.0, seed=0, **options):
    """The network at the initial law; `noise` scatters all its weights."""
    small = {"width": 3, "basis": 3, **options}
    model = build_model(lowered, TdvpSettings(**small), jax.random.key(seed))
    return scattered(model, noise, seed) if noise else model


def conditionals_of(lowered, noise=0.0, seed=0, **options):
    """The same, known to be one network a conditional."""
    model = model_of(lowered, noise, seed, **options)
    assert isinstance(model, ConditionalNetworks)
    return model


def summing(lowered, noise, seed=0):
    """The same, each conditional seeing random sums of the counts before it."""
    model, rng = conditionals_of(lowered), np.random.default_rng(seed)
    inputs = []
    for number in range(len(model.networks)):
        group = rng.integers(0, number // 2 + 1, number)
        sums = [tuple(np.flatnonzero(group == g).tolist()) for g in np.unique(group)]
        inputs.append(tuple(sorted(sums, key=lambda members: len(members) > 1)))
    found = build_conditional(
        model.mask,
        np.asarray(model.order),
        tuple(inputs),
        width=3,
        basis=3,
        key=jax.random.key(seed),
    )
    return scattered(jax.tree.map(jnp.asarray, found), noise, seed)


def scattered(model, noise, seed=0):
    """The same network with normal noise on every weight."""
    rng = np.random.default_rng(seed)
    blocks = model.weight_blocks()
    return model.with_weight_blocks(
        tuple(b + noise * jnp.asarray(rng.normal(size=b.shape)) for b in blocks)
    )


def kernel_of(lowered):
    """The local generator in float64."""
    return build_kernel(lowered)


def states_of(lowered):
    """Every state that obeys caps and laws, as the engine wants them."""
    return jnp.asarray(enumerate_states(lowered.space), int)


@eqx.filter_jit
def log_probs(model, states):
    """log P of every state."""
    return jax.vmap(model.log_prob)(states)


def law_of(model, states):
    """P of every state."""
    return np.exp(np.asarray(log_probs(model, states)))


def hellinger(p, q):
    """Hellinger distance of two laws on the same states."""
    return float(np.sqrt(max(1.0 - np.sqrt(p * q).sum(), 0.0)))


def exact_law(lowered, t, start=None):
    """FSP states and the law at t, propensities constant, from `start` if given."""
    states, matrix = generator(lowered)
    if start is None:
        start = np.ones(len(states))
        for variable, law in enumerate(lowered.initial):
            start *= law[states[:, variable]]
    return states, expm(t * matrix.toarray()) @ start


class ExactDraws(Draws):
    """All states, each with its own probability for weight: no sampling at all."""

    counts: jax.Array
    probabilities: jax.Array

    def weigh(self, flows):
        """The exact batch."""
        return Batch(self.counts, self.probabilities, jnp.asarray(jnp.inf))


def exact_draws(model, generator, states):
    """The exact batch of a model, to hand to a step."""
    law = jnp.exp(jax.vmap(model.log_prob)(states))
    return ExactDraws(states, law)
