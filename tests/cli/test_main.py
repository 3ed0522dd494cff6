"""`crnc` itself: what it imports, lists and says, and how it ends."""

import platform
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from crnlang.cli import COMMANDS, main

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "mapk_cascade.crn"
#: None of them is needed to read a file and to say what is wrong with it.
HEAVY = {"equinox", "jax", "matplotlib", "networkx", "numba", "optax", "scipy"}
HEAVY |= {"rich", "xarray", "zarr"}


def crnc(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def heavy_imports_of(*arguments):
    """Which of `HEAVY` a command loads, in a process of its own."""
    code = "import sys\nfrom crnlang.cli import main\n"
    code += f"main({[str(a) for a in arguments]!r}, standalone_mode=False)\n"
    code += f"print('loaded:', *sorted({HEAVY!r} & set(sys.modules)))"
    process = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert process.returncode == 0, process.stderr
    return process.stdout.splitlines()[-1].split()[1:]


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", EXAMPLE],
        ["explain", EXAMPLE],
        ["show", EXAMPLE],
        ["fmt", "--check", EXAMPLE],
        ["--help"],
        ["--version"],
    ],
    ids=lambda arguments: str(arguments[0]),
)
def test_no_command_waits_for_the_libraries_of_another(arguments):
    assert heavy_imports_of(*arguments) == []


def test_every_command_has_a_module_and_a_line_of_help():
    context = click.Context(main)
    modules = {path.stem for path in (ROOT / "crnlang" / "cli").glob("*.py")}
    assert main.list_commands(context) == sorted(COMMANDS)
    for name, line in COMMANDS.items():
        assert name in modules or f"{name}_" in modules  # `import`
        command = main.get_command(context, name)
        assert command.name == name
        first_sentence = " ".join(command.help.split("\n\n")[0].split())
        assert first_sentence == line


def test_help_lists_every_command():
    for arguments in ([], ["--help"], ["-h"]):
        found = crnc(*arguments)
        assert found.exit_code == 0
        assert found.stderr == ""
        listed = found.stdout.split("Commands:")[1]
        assert re.findall(r"^  (\w+) ", listed, re.MULTILINE) == list(COMMANDS)


def test_version_tells_what_a_report_of_a_bug_needs():
    found = crnc("--version")
    assert found.exit_code == 0
    for fact in (version("crnlang"), platform.python_version(), platform.system()):
        assert fact in found.stdout
    assert len(found.stdout.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["chek", "a.crn"], "did you mean `check`?"),
        (["xyzzy"], "No such command 'xyzzy'"),
        (["--nope"], "No such option '--nope'"),
        (["check"], "Missing argument 'FILE'"),
        (["check", "modle.crn"], "does not exist. Did you mean 'model.crn'?"),
        (["check", "zzz.crn"], "File 'zzz.crn' does not exist."),
        (
            ["check", "examples/model.crn"],
            "There is no folder 'examples'. Did you mean 'model.crn'?",
        ),
        (["check", "a/b/c.crn"], "There is no folder 'a/b'."),
        (["check", "."], "'.' is a directory; models in it: 'model.crn'."),
    ],
)
def test_wrong_usage_says_what_is_right(arguments, words, tmp_path, monkeypatch):
    (tmp_path / "model.crn").touch()
    monkeypatch.chdir(tmp_path)
    found = crnc(*arguments)
    assert found.exit_code == 2
    assert found.stdout == ""
    assert words in " ".join(found.stderr.split())


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "CRN301"),
        (b"\n# nothing\n", "CRN301"),
        (b"\x7fELF\x02\x01\x01\x00\x00", "CRN100"),
        (b"\xff\xfec\x00r\x00n\x00", "CRN100"),
        (b"crn 1\nspecies A in 0..3\nA -> 0 @ 1\x1b[31m", "CRN102"),
    ],
    ids=["empty", "comment", "binary", "utf-16", "escape"],
)
def test_a_file_that_is_no_model_is_one_error(content, code, tmp_path):
    path = tmp_path / "strange.crn"
    path.write_bytes(content)
    found = crnc("check", path)
    assert found.exit_code == 1
    assert found.stdout == ""
    assert f"error[{code}]" in found.stderr
    assert found.stderr.endswith("\n1 error\n")
    assert all(char.isprintable() or char == "\n" for char in found.stderr)
