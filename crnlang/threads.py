"""How to start processes that compute in one thread each."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

#: What keeps JAX, BLAS and numba to one thread; read when they are loaded.
ONE_THREAD = {
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    "NPROC": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
}


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """The environment that processes are started with meanwhile."""
    before = dict(os.environ)
    flags = f"{before.get('XLA_FLAGS', '')} {values['XLA_FLAGS']}".strip()
    os.environ.update({**values, "XLA_FLAGS": flags})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
