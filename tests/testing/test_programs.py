"""The programs that `crnlang.testing` makes compile."""

from hypothesis import given, settings

from crnlang.compiler import compile_text
from crnlang.ir.network import Network
from crnlang.testing import programs


@settings(max_examples=15)
@given(programs())
def test_programs_compile(text):
    network: Network = compile_text(text).network
    assert {kind.name for kind in network.species} >= {"C", "D"}
    assert network.reactions
