"""README and `docs/`: outputs shown are real, programs compile, links lead somewhere.

A ```console block holds commands, each after `$ `, and what they print. The commands
run in a shell, in a folder with a copy of `examples/` and with the programs above them
that have a `<!-- file: NAME -->`; `pytest --update-golden` writes what they print now
into the page. A ```pycon block is a session of Python, in such a folder with all these
programs, and goes on where the one above it ends.
"""

import doctest
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from crnlang.cli import main
from crnlang.compiler import compile_text
from crnlang.editor.options import describe_setting, settings_of
from crnlang.frontend.grammar import reserved_words
from crnlang.frontend.rooms import BUILT_IN_FUNCTIONS
from crnlang.settings import SOLVERS

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
CONSOLE = re.compile(
    r"(?<=```console\n)(?P<session>.*?)(?=```)"
    r"|<!-- file: (?P<name>[\w.]+) -->\n```crn\n(?P<program>.*?)```",
    re.DOTALL,
)
PROGRAM = re.compile(r"(?<=```crn\n).*?(?=```)", re.DOTALL)
PYTHON = re.compile(r"(?<=```python\n).*?(?=```)", re.DOTALL)
PYCON = re.compile(r"(?<=```pycon\n).*?(?=```)", re.DOTALL)
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
SHIM = f'#!/bin/sh\nexec "{sys.executable}" -m crnlang "$@"\n'


@pytest.fixture
def folder(tmp_path):
    """Where commands of the pages run: `examples/`, and `crnc` on the path."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    shim = tmp_path / "bin" / "crnc"
    shim.parent.mkdir()
    shim.write_text(SHIM, encoding="utf-8")
    shim.chmod(0o755)
    return tmp_path


def session(block, folder):
    """The commands of a console block with what they print now."""
    path = os.pathsep.join([str(folder / "bin"), os.environ["PATH"]])
    package = {"PATH": path, "PYTHONPATH": str(ROOT)}
    lines = []
    for command in (line for line in block.splitlines() if line.startswith("$ ")):
        process = subprocess.run(
            command.removeprefix("$ "),
            shell=True,
            cwd=folder,
            env={**os.environ, **package},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        lines += [command, *process.stdout.rstrip("\n").splitlines()]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_outputs_are_what_the_commands_print(page, golden, folder):
    def renewed(block):
        if block["session"] is not None:
            return session(block["session"], folder)
        (folder / block["name"]).write_text(block["program"], encoding="utf-8")
        return block[0]

    golden(CONSOLE.sub(renewed, page.read_text(encoding="utf-8")), page)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_programs_compile_without_a_warning(page):
    for program in PROGRAM.findall(page.read_text(encoding="utf-8")):
        assert compile_text(program).warnings == ()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_python_runs_and_its_tests_pass(page):
    for code in PYTHON.findall(page.read_text(encoding="utf-8")):
        scope = {}
        exec(compile(code, str(page), "exec"), scope)
        for name, function in scope.items():
            if name.startswith("test_"):
                function()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_sessions_of_python_print_what_they_show(page, folder, monkeypatch):
    monkeypatch.chdir(folder)
    text = page.read_text(encoding="utf-8")
    for block in CONSOLE.finditer(text):
        if block["name"] is not None:
            (folder / block["name"]).write_text(block["program"], encoding="utf-8")
    text = "\n".join(PYCON.findall(text))
    session = doctest.DocTestParser().get_doctest(text, {}, page.name, None, 0)
    found = []
    doctest.DocTestRunner(verbose=False).run(session, out=found.append)
    assert found == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page):
    links = LINK.findall(page.read_text(encoding="utf-8"))
    local = [link for link in links if not re.match(r"https?:", link)]
    assert [link for link in local if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_exist(page):
    named = re.findall(r"\bcrnc ([a-z]+)\b", page.read_text(encoding="utf-8"))
    context = click.Context(main)
    assert [name for name in named if main.get_command(context, name) is None] == []


def test_the_reference_speaks_of_every_rule_and_every_word():
    page = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
    grammar = (ROOT / "grammar" / "crn.lark").read_text(encoding="utf-8")
    rules = set(re.findall(r"^[?]?([a-z_]+):", grammar, re.MULTILINE))
    table = page.split("## The grammar, rule by rule")[1].split("## Reserved")[0]
    assert set(re.findall(r"`([a-z_]+)`", table)) == rules
    reserved = page.split("## Reserved words")[1].split("`")[1]
    assert set(reserved.split()) == set(reserved_words().values())
    functions = page.split("## Expressions")[1].split("## Queries")[0]
    assert [
        f for f in BUILT_IN_FUNCTIONS if not re.search(rf"\b{f}\b", functions)
    ] == []


def test_links_to_sections_lead_somewhere():
    page = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
    titles = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
    known = {
        re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles
    }
    assert set(re.findall(r"\]\(#([^)]*)\)", page)) <= known


def test_every_setting_is_documented(golden):
    golden(settings_page(), ROOT / "docs" / "settings.md")


def settings_page():
    """The settings of every engine, from the records that define them."""
    lines = [
        "# Settings of the engines",
        "",
        "<!-- written by `pytest --update-golden tests/test_docs.py` -->",
        "",
        "What may stand in `solve NAME with ENGINE { ... }` and behind `--set` of",
        "`crnc run`. Which engine to take: see [method](method.md).",
    ]
    for engine, record in SOLVERS.items():
        lines += ["", f"## {engine}", "", record.__doc__.strip(), ""]
        lines += [
            f"- {describe_setting(name, option)}"
            for name, option in settings_of(engine).items()
        ]
    return "\n".join(lines) + "\n"


def test_the_index_lists_every_page():
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    pages = {page.name for page in PAGES if page.parent.name == "docs"}
    assert pages - {"index.md"} <= set(LINK.findall(index))


def test_the_readme_is_short():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 120


def test_the_life_of_a_model_names_real_functions():
    page = (ROOT / "docs" / "life_of_a_model.md").read_text(encoding="utf-8")
    hops = re.findall(r"^\| [\d]+ \| `([^`]+)`: ([^|]+) \|", page, re.MULTILINE)
    assert len(hops) == 7
    for place, names in hops:
        path = ROOT / "crnlang" / place
        files = path.rglob("*.py") if path.is_dir() else [path]
        code = "".join(file.read_text(encoding="utf-8") for file in files)
        for name in re.findall(r"`(\w+)`", names):
            assert f"\ndef {name}(" in code, f"no {name} in {place}"


def test_numbers_of_the_limits_stand_on_the_pages_that_they_come_from():
    def read(name):
        return (ROOT / "docs" / name).read_text(encoding="utf-8")

    known = "".join(map(read, ("method.md", "gallery.md")))
    known += read("settings.md").replace("2000000", "2 000 000")
    found = re.findall(
        r"(?<![\w.])\d+(?:\.\d+(?:e-?\d+)?|e-?\d+)(?![\w.])", read("limits.md")
    )
    assert len(found) > 20
    assert [number for number in found if number not in known] == []
