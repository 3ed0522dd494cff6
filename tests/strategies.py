"""Hypothesis strategies of the tests: those of `crnlang.testing`, under one name."""

from crnlang.testing import lattice_networks as lattice_networks
from crnlang.testing import lattices as lattices
from crnlang.testing import lowered_networks as lowered_networks
from crnlang.testing import networks as networks
