"""One of two hosts of two devices each: what it finds, or what four devices find alone.

CRNC_HOSTS=localhost:PORT,2,0 python host_case.py OUT CASE
"""

import sys

import jax
import numpy as np
from device_cases import CASES

from crnlang.solve.mesh import join_hosts, shared_by


def main():
    """Compute a case with all devices."""
    out, case = sys.argv[1:]
    jax.config.update("jax_enable_x64", True)
    join_hosts()
    with shared_by(4):
        leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(CASES[case]())]
    np.savez(out, *leaves)


if __name__ == "__main__":
    main()
