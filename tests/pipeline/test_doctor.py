"""Whether an installation is fit: each trap is noticed, and a way out is told."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement

from crnlang.compiler import compile_text
from crnlang.pipeline import machine
from crnlang.pipeline.choose import resolve_solve
from crnlang.pipeline.doctor import (
    LEAST_MEMORY,
    Level,
    check_command,
    check_devices,
    check_directories,
    check_extras,
    check_memory,
    check_precision,
    check_switches,
    check_threads,
    check_versions,
    judge_engine,
)
from crnlang.pipeline.self_check import (
    ASKED,
    END,
    MODEL,
    Checked,
    check_engine,
    check_engines,
    closed_form,
)


def levels(findings):
    return {one.level for one in findings}


def test_versions_out_of_range_and_missing_libraries_are_wrong():
    fine = check_versions([Requirement("numpy>=1"), Requirement("jax>0; extra=='x'")])
    assert levels(fine) == {Level.FINE}
    (_, old) = check_versions([Requirement("numpy<1")])
    assert old.level is Level.WRONG
    assert old.fix == "pip install 'numpy<1'"
    (_, none) = check_versions([Requirement("no-such-library>=2")])
    assert "is not installed" in none.sentence


def test_jax_and_jaxlib_of_two_versions_are_wrong(monkeypatch):
    versions = {"jax": "0.10.2", "jaxlib": "0.10.1"}
    monkeypatch.setattr("crnlang.pipeline.doctor._installed", versions.get)
    found = check_versions([])
    assert found[-1].level is Level.WRONG
    assert "jaxlib==0.10.2" in found[-1].fix


def test_missing_extras_are_told_with_what_goes_without_them():
    requirement = Requirement("no-such-library; extra == 'plot'")
    (found,) = check_extras([requirement])
    assert found.level is Level.NOTE
    assert "crnlang[plot]" in found.fix
    assert levels(check_extras([Requirement("numpy; extra == 'plot'")])) == {Level.FINE}


def test_another_crnc_on_the_path_is_noticed():
    assert levels(check_command("/elsewhere/bin/crnc")) == {Level.NOTE}
    assert levels(check_command(None)) == {Level.NOTE}


def test_devices_and_precision_are_those_of_jax():
    assert "cpu" in check_devices()[0].sentence
    assert check_precision({})[0].level is Level.FINE
    off = check_precision({"JAX_ENABLE_X64": "0"})
    assert [one.level for one in off] == [Level.FINE, Level.NOTE]
    fast = {"XLA_FLAGS": "--xla_cpu_enable_fast_math=true"}
    assert levels(check_precision(fast)) == {Level.WRONG}


@pytest.mark.parametrize(
    ("environment", "cores", "allowed", "words"),
    [
        ({}, 8, None, ""),
        ({}, 64, 2.0, "OMP_NUM_THREADS=2"),
        ({"OMP_NUM_THREADS": "16"}, 8, None, "OMP_NUM_THREADS=8"),
        ({"OMP_NUM_THREADS": "1"}, 8, None, "unset OMP_NUM_THREADS"),
        ({"OMP_NUM_THREADS": "2"}, 64, 2.0, ""),
        ({"OMP_NUM_THREADS": "many"}, 8, None, ""),
    ],
)
def test_threads_are_as_many_as_cores_can_be_used(environment, cores, allowed, words):
    found = check_threads(environment, cores, allowed)
    assert words in "".join(one.fix for one in found)
    assert (len(found) == 1) == (words == "")


def test_memory_and_directories(tmp_path, monkeypatch):
    assert levels(check_memory(LEAST_MEMORY)) == {Level.FINE}
    assert levels(check_memory(LEAST_MEMORY - 1)) == {Level.NOTE}
    assert levels(check_memory(None)) == {Level.NOTE}
    assert levels(check_directories(tmp_path, tmp_path / "a" / "b")) == {Level.FINE}
    assert levels(check_directories(tmp_path, None)) == {Level.NOTE}
    monkeypatch.setattr(machine, "why_not_writable", lambda _: "Permission denied")
    both = check_directories(tmp_path, tmp_path)
    assert [one.level for one in both] == [Level.WRONG, Level.NOTE]


def test_a_file_is_no_place_for_a_directory(tmp_path):
    (tmp_path / "file").write_text("")
    assert machine.why_not_writable(tmp_path / "file")
    assert machine.why_not_writable(tmp_path / "new" / "one") == ""


def test_limits_of_containers_are_read(tmp_path):
    (tmp_path / "cpu.max").write_text("150000 100000\n")
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("400\n")
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable: 2 kB\n")
    assert machine.allowed_cores(tmp_path) == 1.5
    assert machine.available_memory(tmp_path, tmp_path / "meminfo") == 600
    (tmp_path / "cpu.max").write_text("max 100000\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert machine.allowed_cores(tmp_path) is None
    assert machine.available_memory(tmp_path, tmp_path / "meminfo") == 2048
    assert machine.available_memory(Path("/none"), Path("/none")) is None


def test_switches_that_were_left_on_are_told():
    assert levels(check_switches({})) == {Level.FINE}
    (found,) = check_switches({"NUMBA_DISABLE_JIT": "1"})
    assert found.fix == "unset NUMBA_DISABLE_JIT"


def test_the_closed_form_is_the_law_of_poisson():
    law = closed_form(24, END)
    counts = np.arange(25)
    assert law.sum() == pytest.approx(1)
    assert law @ counts == pytest.approx(5 * (1 - np.exp(-2)), rel=1e-9)
    assert law[1:] * counts[1:] / law[:-1] == pytest.approx(5 * (1 - np.exp(-2)))


def test_an_engine_that_is_right_is_told_from_one_that_is_not():
    right = check_engine("fsp")
    assert judge_engine(right).level is Level.FINE
    wrong = replace(right, distance=0.1)
    assert "its numbers are wrong" in judge_engine(wrong).sentence
    ended = Checked("tdvp", np.inf, 0.0, 1.0, "its process was ended by signal 4")
    assert judge_engine(ended).level is Level.WRONG


def test_what_an_engine_raises_is_told(monkeypatch):
    def fail(*_):
        raise OSError("no such library")

    monkeypatch.setattr("crnlang.pipeline.self_check.run_compiled", fail)
    assert check_engine("fsp").trouble == "OSError: no such library"


def test_engines_that_are_not_done_in_time_are_told():
    found = check_engines(limit=0.01)
    assert [one.engine for one in found] == list(ASKED)
    assert {one.trouble for one in found} == {"not done after 0.01 s"}
    assert levels(map(judge_engine, found)) == {Level.NOTE}


def test_the_settings_of_the_check_are_settings():
    network = compile_text(MODEL).network
    for engine, values in ASKED.items():
        assert resolve_solve(network, None, engine, values).engine == engine
