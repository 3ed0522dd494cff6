"""Random networks and programs, as hypothesis strategies, for property tests."""

from crnlang.testing.expressions import expressions as expressions
from crnlang.testing.lattices import lattice_networks as lattice_networks
from crnlang.testing.lattices import lattices as lattices
from crnlang.testing.networks import lower as lower
from crnlang.testing.networks import lowered_networks as lowered_networks
from crnlang.testing.networks import networks as networks
from crnlang.testing.programs import programs as programs
