"""Autoregressive ansatz: normalised by construction, exact samples, exact log P.

NOTE: importing this package sets one XLA flag, unless the user has set it. With the
concurrency-optimised scheduler of jax 0.10.2 a CPU of two cores can wait for ever
inside a function that mixes LAPACK calls with matrix products under `vmap` or
`lax.map`; without it the same functions run at the same speed. XLA reads its flags
when JAX first computes, and only from the environment (`compiler_options` of `jit` did
not help), so this is the last moment.
"""

import os

_SCHEDULER = "--xla_cpu_enable_concurrency_optimized_scheduler"
if _SCHEDULER not in os.environ.get("XLA_FLAGS", ""):
    _flags = f"{os.environ.get('XLA_FLAGS', '')} {_SCHEDULER}=false"
    os.environ["XLA_FLAGS"] = _flags.strip()
