"""What no other format holds: refused, or left out with a note."""

from crnlang.diagnostics import listing
from crnlang.interop.refused import Fault
from crnlang.ir.network import Delta, Network


def not_held(network: Network, format_: str) -> list[Fault]:
    """Lattices and random starts, for which `format_` has no words."""
    faults: list[Fault] = []
    if network.lattice is not None:
        reason = f"{format_} has no lattice: write one well-mixed site"
        faults.append(Fault(0, "lattice", reason))
    for kind in network.species:
        if not isinstance(kind.initial, Delta):
            line, _ = network.source.locate(kind.span.start)
            reason = f"{format_} has no random start: write a fixed one"
            faults.append(Fault(line, f"species `{kind.name}`", reason))
    return faults


def left_out(network: Network) -> list[str]:
    """What other formats do not hold and do not need."""
    notes: list[str] = []
    capped = [kind.name for kind in network.species if kind.cap is not None]
    if capped:
        told = "there reactions fire beyond them"
        notes.append(f"the caps of {listing(capped)} are left out: {told}")
    for what, things in (
        ("set", network.sets),
        ("query", network.queries),
        ("solve", network.solves),
    ):
        if things:
            names = listing(one.name for one in things)
            notes.append(f"`{what}` is left out: {names}")
    return notes
