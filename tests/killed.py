"""Commands that are killed while they work."""

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
