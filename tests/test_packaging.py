"""What is installed: the wheel and the checkout both compile; the lock covers it."""

import ast
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("hatchling", reason="the wheel is built with hatchling")

ROOT = Path(__file__).parent.parent
MODEL = "crn 1\nmodel tiny\nspecies X in 0..3\nbirth: 0 -> X @ 1\n"
COMPILE = f"""
from crnlang import compile_text
import crnlang
print(crnlang.__file__)
print(compile_text({MODEL!r}).lowered.network.name)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """An unpacked wheel of the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (archive,) = folder.glob("crnlang-*.whl")
    with zipfile.ZipFile(archive) as file:
        file.extractall(folder / "unpacked")
    return folder / "unpacked"


def compile_with(place, elsewhere):
    """What `COMPILE` prints where crnlang is imported from `place`."""
    process = subprocess.run(
        [sys.executable, "-c", COMPILE],
        cwd=elsewhere,
        env={**os.environ, "PYTHONPATH": str(place)},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout.split()


def project():
    with (ROOT / "pyproject.toml").open("rb") as file:
        return tomllib.load(file)["project"]


def plain(requirement):
    """The normalised name of a distribution in a requirement."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", requirement)[0]).lower()


def test_the_wheel_compiles_with_the_grammar_inside(wheel, tmp_path):
    file, name = compile_with(wheel, tmp_path)
    assert Path(file).is_relative_to(wheel)
    assert name == "tiny"
    packaged = (wheel / "crnlang" / "grammar" / "crn.lark").read_bytes()
    assert packaged == (ROOT / "grammar" / "crn.lark").read_bytes()


def test_the_checkout_compiles_with_the_grammar_beside(tmp_path):
    file, name = compile_with(ROOT, tmp_path)
    assert Path(file).is_relative_to(ROOT)
    assert name == "tiny"
    assert not (ROOT / "crnlang" / "grammar").exists()


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    information = f"crnlang-{project()['version']}.dist-info"
    assert {path.name for path in wheel.iterdir()} == {"crnlang", information}
    assert (wheel / information / "licenses" / "LICENSE").is_file()
    scripts = (wheel / information / "entry_points.txt").read_text(encoding="utf-8")
    assert "crnc = crnlang.cli:main" in scripts
    modules = {path.relative_to(ROOT) for path in (ROOT / "crnlang").rglob("*.py")}
    assert {p.relative_to(wheel) for p in wheel.rglob("*.py")} == modules
    page = Path("crnlang", "report", "page")
    names = {path.name for path in (wheel / page).iterdir()}
    assert names == {path.name for path in (ROOT / page).iterdir()}


def test_the_lock_pins_every_requirement_by_version_alone():
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert [pin for pin in pins if not re.fullmatch(r"[\w.-]+==[\w.+!]+", pin)] == []
    wanted = [
        *project()["dependencies"],
        *(r for extra in project()["optional-dependencies"].values() for r in extra),
    ]
    locked = {plain(pin) for pin in pins}
    assert {plain(requirement) for requirement in wanted} - {"crnlang"} <= locked


def test_every_import_is_declared():
    trees = [
        ast.parse(path.read_text(encoding="utf-8"))
        for path in (ROOT / "crnlang").rglob("*.py")
    ]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = {a.name for n in nodes if isinstance(n, ast.Import) for a in n.names}
    names |= {str(n.module) for n in nodes if isinstance(n, ast.ImportFrom)}
    imported = {name.split(".")[0] for name in names} - sys.stdlib_module_names
    extras = project()["optional-dependencies"]
    declared = [
        *project()["dependencies"],
        *(r for extra in ("antimony", "plot", "lsp", "sbml") for r in extras[extra]),
    ]
    # each of them has one name for its distribution and for its module, but libsbml
    names = {plain(r).removeprefix("python-") for r in declared}
    assert imported - names == {"crnlang"}
