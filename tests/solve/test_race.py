"""The race: every state is in it as often as its inclusion probability says."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from engine_cases import conserving_networks, law_of, model_of, states_of
from hypothesis import given, settings
from hypothesis import strategies as st

from crnlang.solve.race import race

RACES = 1000
#: States that one may wait for; see `crnlang.solve.race.NEVER`.
LIKELY = 1e-20


@settings(max_examples=3)
@given(conserving_networks(), st.floats(0.1, 0.9), st.integers(0, 99))
def test_inclusion_weights_are_exact_on_average(lowered, share, seed):
    states = states_of(lowered)
    size = max(int(share * len(states)), 1)
    model = model_of(lowered, noise=0.7, seed=seed)
    law = jnp.asarray(law_of(model, states))

    @eqx.filter_jit
    def weights(keys):
        """1 / (inclusion probability) of the states that arrived, 0 of the others."""

        def one(key):
            found = race(model, size, key)
            same = jnp.all(states[:, None] == found.counts[None], axis=2)
            times = jnp.sum(same & found.arrived, axis=1)
            return times, jnp.where(times > 0, -1 / jnp.expm1(-found.limit * law), 0.0)

        return jax.lax.map(one, keys, batch_size=200)

    keys = jax.random.split(jax.random.key(seed), RACES)
    times, inverse = (np.asarray(x) for x in weights(keys))
    assert times.max() <= 1
    arrived = times.sum(axis=1)
    assert (arrived >= min(size, int((np.asarray(law) > LIKELY).sum()))).all()
    assert (arrived <= min(size, len(states))).all()
    error = inverse.std(axis=0, ddof=1) / np.sqrt(RACES)
    often = times.sum(axis=0) >= 50
    assert (np.abs(inverse.mean(axis=0) - 1)[often] < 5.5 * error[often] + 1e-9).all()
