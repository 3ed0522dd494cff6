"""Invariants of the whole compiler and the engines, on generated networks.

`crnc selftest` runs them; `crnlang.testing` generates the networks.
"""

from crnlang.selftest.examine import Counterexample as Counterexample
from crnlang.selftest.examine import Tally as Tally
from crnlang.selftest.examine import examine_networks as examine_networks
from crnlang.selftest.invariants import INVARIANTS as INVARIANTS
from crnlang.selftest.processes import examine_in_processes as examine_in_processes
