"""Commands that are killed while they work."""

import json
import subprocess
import sys

#: Runs `crnc`, and kills the process after so many checkpoints.
KILLED = """
import os, sys
import crnlang.pipeline.keeping as keeping

left, write = [int(sys.argv.pop(1))], keeping.replace_file

def write_and_die(*arguments):
    write(*arguments)
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), 9)

keeping.replace_file = write_and_die
from crnlang.cli import main
main()
"""


def killed_after(writes, *arguments):
    """Run `crnc` in a process that is killed right after so many checkpoints."""
    command = [sys.executable, "-c", KILLED, str(writes), *arguments]
    process = subprocess.run(command, capture_output=True, check=False)
    assert process.returncode == -9, process.stderr


#: Compiles a model with numba, then does the same in a fork for each of some commands.
IN_TURN = """
import json, os, sys
import crnlang.pipeline.keeping as keeping
from crnlang.cli import main
from crnlang.compiler import compile_file
from crnlang.pipeline import ensembles, witnesses
from crnlang.reference.ssa import build_simulator

lowered, write = compile_file(sys.argv[1]).lowered, keeping.replace_file
simulator = build_simulator(lowered, ensembles._targets(lowered))
ensembles.build_simulator = witnesses.build_simulator = lambda *_: simulator

def killed_after(writes, *arguments):
    left = [writes]
    def write_and_die(*given):
        write(*given)
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), 9)
    keeping.replace_file = write_and_die
    main(arguments)

for writes, *arguments in json.loads(sys.argv[2]):
    child = os.fork()
    if not child:
        killed_after(writes, *arguments)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == 9, (arguments, status)
"""


def killed_in_turn(model, folder, *commands):
    """Run `crnc` commands about one model in a folder, one after the other.

    Each is the number of checkpoints after which it is killed, and its arguments.
    """
    command = [sys.executable, "-c", IN_TURN, str(model), json.dumps(commands)]
    process = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    assert process.returncode == 0, process.stderr
