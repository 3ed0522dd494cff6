"""`crnc selftest`: all is well as it stands, and what is broken on purpose is found."""

import re

import jax.numpy as jnp
import numpy as np
import pytest
from click.testing import CliRunner

from crnlang.cli import main
from crnlang.codegen.kernel import LocalGenerator
from crnlang.compiler import compile_text
from crnlang.nn.base import AbstractAutoregressive
from crnlang.selftest import INVARIANTS, examine_networks, invariants

KERNEL = "kernel equals generator matrix"


def silent(done):
    """Hears how many networks are done."""


def examine(count, *names):
    chosen = {name: INVARIANTS[name] for name in names}
    return examine_networks(count, 1, silent, chosen)


def test_every_invariant_holds(monkeypatch):
    monkeypatch.setattr(invariants, "SSA_SHARE", 4)
    heard = []
    tallies = examine_networks(6, 1, heard.append)
    assert heard == list(range(1, 7))
    assert tallies.keys() == INVARIANTS.keys()
    for name, tally in tallies.items():
        assert tally.counterexample is None, (name, tally.counterexample)
        assert tally.checked > 0, name


def test_a_kernel_without_the_firing_rule_is_caught(monkeypatch):
    def outflux(self, counts, t):
        return self._propensities(counts, t)

    monkeypatch.setattr(LocalGenerator, "outflux", outflux)
    tallies = examine(60, KERNEL, "probability is conserved")
    found = tallies[KERNEL].counterexample
    assert "differ by" in found.reason
    lowered = compile_text(found.text).lowered
    assert len(lowered.network.reactions) == 1  # as small as can be
    assert len(lowered.network.species) == 1
    other = tallies["probability is conserved"]
    assert (other.checked, other.counterexample) == (60, None)


def test_samples_beyond_a_cap_are_caught(monkeypatch):
    real = AbstractAutoregressive.sample

    def sample(self, uniforms):
        return real(self, uniforms) + jnp.asarray(uniforms[0] > 0.5, int)

    monkeypatch.setattr(AbstractAutoregressive, "sample", sample)
    (tally,) = examine(40, "samples obey caps and laws").values()
    assert "a sample breaks" in tally.counterexample.reason


def test_a_printer_that_rounds_is_caught(monkeypatch):
    def rounded(value):
        return f"{value:.1g}"

    monkeypatch.setattr("crnlang.ir.writer.format_number", rounded)
    (tally,) = examine(40, "print, format, parse: the same").values()
    assert "parameters" in tally.counterexample.reason


def test_an_order_that_matters_is_caught(monkeypatch):
    real = invariants.full_generator

    def ordered(lowered, t):
        states, matrix = real(lowered, t)
        is_turned = lowered.space.names[0].startswith("renamed")
        return states, matrix * (2.0 if is_turned else 1.0)

    monkeypatch.setattr(invariants, "full_generator", ordered)
    (tally,) = examine(40, "names and order do not matter").values()
    assert "the generators differ" in tally.counterexample.reason


@pytest.mark.parametrize("is_broken", [False, True])
def test_the_command_prints_a_table_and_the_counterexample(is_broken, monkeypatch):
    few = {name: INVARIANTS[name] for name in (KERNEL, "probability is conserved")}

    def broken(case):
        if is_broken and np.any(case.lowered.space.caps > 1):
            raise invariants.BrokenError("a cap above 1")

    few["broken"] = broken
    monkeypatch.setattr("crnlang.selftest.examine.INVARIANTS", few)
    result = CliRunner().invoke(main, ["selftest", "--examples", "12", "--seed", "2"])
    assert result.exit_code == (1 if is_broken else 0)
    assert re.search(rf"^{KERNEL} +12 ", result.stdout, re.MULTILINE)
    if is_broken:
        assert "1 of 3 fail: seed 2" in result.stdout
        text = result.stdout.split("# broken: BrokenError: a cap above 1\n")[1]
        network = compile_text(text.rsplit("\n\n", 1)[0] + "\n").network
        assert [kind.cap for kind in network.species] == [2]
    else:
        assert "all hold: seed 2" in result.stdout
