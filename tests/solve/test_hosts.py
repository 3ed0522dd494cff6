"""Several hosts: two processes of two devices each find what one finds alone."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from crnlang.solve.mesh import HOSTS, join_hosts
from crnlang.solve.outcome import EngineError

HERE = Path(__file__).parent


def test_nothing_is_joined_unless_asked_for(monkeypatch):
    monkeypatch.delenv(HOSTS, raising=False)
    join_hosts()


@pytest.mark.parametrize("text", ["here", "here:1,2", "here:1,two,0"])
def test_what_cannot_be_read_is_an_error(monkeypatch, text):
    monkeypatch.setenv(HOSTS, text)
    with pytest.raises(EngineError, match="write `first:port,number,place`"):
        join_hosts()


def start(case, out, place, port):
    """A process that is one of two hosts, or the only one."""
    paths = [str(HERE), str(HERE.parent), *sys.path]
    count = 4 if port is None else 2
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={count}",
        HOSTS: "" if port is None else f"localhost:{port},2,{place}",
    }
    command = [sys.executable, str(HERE / "host_case.py"), str(out), case]
    return subprocess.Popen(command, env=environment)


@pytest.mark.slow
@pytest.mark.parametrize("case", ["natgrad", "conditionals"])
def test_two_hosts_find_what_one_finds(case, tmp_path):
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    outs = [tmp_path / name for name in ("first.npz", "second.npz", "alone.npz")]
    pair = [start(case, out, place, port) for place, out in enumerate(outs[:2])]
    assert [process.wait() for process in pair] == [0, 0]
    assert start(case, outs[2], 0, None).wait() == 0
    first, second, alone = map(np.load, outs)
    for name in alone.files:
        np.testing.assert_array_equal(first[name], second[name])
        np.testing.assert_allclose(first[name], alone[name], rtol=1e-6, atol=1e-8)
