"""The rules of the house that no other tool checks, and import-linter's contracts."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from crnlang.ir.lowered import StateSpace

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "crnlang"
MODULES = sorted(PACKAGE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
LONGEST_FUNCTION, LONGEST_FILE = 60, 400

#: What may stand at the top of the repository, beside files that begin with a dot.
TOP_LEVEL = {
    "crnlang",
    "docs",
    "examples",
    "grammar",
    "tests",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "requirements.lock",
}


def short(path):
    return str(path.relative_to(ROOT))


def length(function):
    """Lines of a function without its docstring."""
    lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function, clean=False) is not None:
        docstring = function.body[0]
        lines -= docstring.end_lineno - docstring.lineno + 1
    return lines


def test_imports_keep_the_contracts():
    code = "import sys\nfrom importlinter.cli import lint_imports\n"
    code += "sys.exit(lint_imports(no_cache=True))"
    process = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert process.returncode == 0, process.stdout + process.stderr


@pytest.mark.parametrize("path", MODULES + TESTS, ids=short)
def test_files_and_functions_are_short(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST_FILE
    functions = (
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    assert [f.name for f in functions if length(f) > LONGEST_FUNCTION] == []


def test_importing_the_package_loads_no_engine_and_no_command_line():
    heavy = {"jax", "equinox", "optax", "numba", "scipy", "xarray", "matplotlib"}
    code = "import sys, crnlang\n"
    code += f"print(*({heavy | {'click', 'rich', 'hypothesis'}} & set(sys.modules)))"
    process = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert process.returncode == 0, process.stderr
    assert process.stdout.split() == []


@pytest.mark.parametrize(
    "path", [path for path in MODULES if PACKAGE / "cli" not in path.parents], ids=short
)
def test_only_the_command_line_prints_and_exits(path):
    loud = {"print", "input", "breakpoint"}
    streams = {"stdout", "stderr", "exit"}
    found = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Name) and node.id in loud)
        or (
            isinstance(node, ast.Attribute)
            and node.attr in streams
            and isinstance(node.value, ast.Name)
            and node.value.id == "sys"
        )
    ]
    assert found == []


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_annotations_are_not_postponed(path):
    """Postponed annotations would hide types from jaxtyping."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    futures = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "__future__"
    ]
    assert futures == []


def test_the_top_of_the_repository_is_the_agreed_one():
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listing.returncode:
        pytest.skip(f"no git checkout: {listing.stderr.strip()}")
    names = {line.split("/")[0] for line in listing.stdout.splitlines()}
    assert {name for name in names if not name.startswith(".")} <= TOP_LEVEL


def test_folders_of_tests_are_rooms():
    with (ROOT / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    layers = next(c["layers"] for c in contracts if c["type"] == "layers")
    rooms = {room.strip() for layer in layers for room in layer.split("|")}
    folders = {path.parent.relative_to(ROOT / "tests").parts for path in TESTS}
    assert {parts[0] for parts in folders if parts} <= rooms | {"benchmarks"}


def test_shapes_are_checked_while_the_tests_run():
    caps, none = np.array([3]), np.zeros(0, int)
    laws = np.zeros((0, 1), int)
    StateSpace(names=("X",), caps=caps, laws=laws, totals=none, order=np.arange(1))
    with pytest.raises(TypeCheckError):
        StateSpace(names=("X",), caps=caps, laws=laws, totals=none, order=np.arange(2))
