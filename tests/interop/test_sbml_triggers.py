"""Events of SBML that wait for the state: what is read, and what is refused."""

import numpy as np
import pytest

pytest.importorskip("libsbml", reason="SBML needs python-libsbml: crnlang[sbml]")

from interop.sbml_texts import event, model, parameter, reaction, species

from crnlang.compiler import compile_text
from crnlang.interop.refused import NotRepresentedError
from crnlang.interop.sbml import read_sbml
from crnlang.interop.sbml_write import write_sbml
from crnlang.ir.writer import write_program

PARTS = {
    "kinds": species("A", 4) + species("B", 0),
    "parameters": parameter("k", 2),
    "reactions": reaction("r", {"A": 1}, {"B": 1}, "k*A"),
}


def read(events, **parts):
    return read_sbml(model(**{**PARTS, **parts}, events=events), "m.xml").network


def refusal(events, **parts):
    with pytest.raises(NotRepresentedError) as error:
        read(events, **parts)
    return "\n".join(f"{one.element}: {one.reason}" for one in error.value.faults)


def test_events_are_read_and_written():
    network = read(event("e", "B > 2", {"A": "A + B", "B": "0"}))
    assert "event when B > 2: A = A + B, B = 0" in write_program(network)
    assert read_sbml(write_sbml(network, "m.crn")[0], "m.xml").network == network


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        (event("e", "A > 2", {"B": "0"}), "it happens at the start"),
        (event("e", "B > 2 && time > 1", {"B": "0"}), "what changes with time"),
        (event("e", "B > 2", {"B": "0"}, delay="1"), "and for a delay after that"),
        (event("e", "B > 2", {"k": "0"}), "changes `k`, which is no copy number"),
        (event("e", "k > 3", {"B": "0"}), "reads no copy number"),
        (
            event("e", "B > 2", {"B": "A"}, use="false")
            + event("f", "B > 3", {"A": "1"}),
            "it reads what another event may change before it",
        ),
    ],
)
def test_what_would_happen_otherwise_is_refused(events, reason):
    found = refusal(events)
    assert found.startswith("event `e`: ")
    assert reason in found


def test_another_simulator_follows_events_alike():
    """Means and standard deviations of libRoadRunner's trajectories."""
    roadrunner = pytest.importorskip("roadrunner", reason="needs libroadrunner")
    from crnlang.reference.fsp import solve_fsp
    from crnlang.settings import FspSettings

    text = (
        "crn 1\nspecies X in 0..40 = 3\nspecies Y in 0..20\n0 -> X @ 4\nX -> 0 @ 0.1\n"
        "X -> Y @ 0.05\nY -> 0 @ 0.3\nevent when X >= 12: X = 2, Y = min(Y + 4, 20)\n"
        "event when Y > 7: Y = 1\n"
    )
    compiled = compile_text(text, "m.crn")
    exact = solve_fsp(compiled.lowered, FspSettings(until=4.0, save=(2.0, 4.0)))
    engine = roadrunner.RoadRunner(write_sbml(compiled.network, "m.crn")[0])
    engine.setIntegrator("gillespie")
    engine.getIntegrator().setValue("seed", 1)
    engine.getIntegrator().setValue("variable_step_size", False)
    number = 2000
    counts = []
    for _ in range(number):
        engine.reset()
        counts.append(np.array(engine.simulate(0, 4, 3, ["X", "Y"]))[1:])
    sampled = np.array(counts)
    for place, law in enumerate(exact.probabilities):
        mean = law @ exact.states
        spread = np.sqrt(law @ exact.states.astype(float) ** 2 - mean**2)
        found = sampled[:, place]
        assert np.abs(found.mean(0) - mean).max() < (4 * spread / number**0.5).max()
        assert found.std(0) == pytest.approx(spread, rel=0.1)
