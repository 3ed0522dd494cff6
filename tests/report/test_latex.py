"""LaTeX of networks: well formed, complete, and accepted by pdfLaTeX where it is."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crnlang.compiler import compile_file, compile_text
from crnlang.ir.network import Network
from crnlang.report.latex import format_latex
from crnlang.report.latex_math import escape_latex
from crnlang.testing import lowered_networks

ROOT = Path(__file__).parents[2]
PROGRAMS = sorted(
    [*(ROOT / "examples").glob("*.crn"), *(ROOT / "tests" / "golden").glob("*.crn")]
)
FRAME = (
    "\\documentclass{article}\n\\usepackage{amsmath}\n\\begin{document}\n"
    "%s\n\\end{document}\n"
)


def latex_of(body):
    return format_latex(compile_text(f"crn 1\nmodel m\n{body}\n").lowered)


def law_of(law, declared="param k = 1, k_on = 2, alpha = 3"):
    text = latex_of(
        f"massaction falling\n{declared}\nspecies X, X2, Y in 0..9 = 1\n"
        f"r: X -> 0 @ {law}"
    )
    (row,) = re.findall(r"&& (.*)$", text, re.MULTILINE)
    return row.replace(r"\mathrm", "").replace(r"\mathit", "")


def assert_well_formed(text):
    """Braces, environments and fences close in order; `$` comes in pairs."""
    bare = re.sub(r"\\[\\{}&%$#_]", "", text)
    opened = []
    for piece in re.findall(
        r"\\begin\{\w+\*?\}|\\end\{\w+\*?\}|\\left|\\right|[{}]", bare
    ):
        if piece.startswith("\\end"):
            assert opened.pop() == piece.replace("end", "begin")
        elif piece in ("}", "\\right"):
            assert opened.pop() == {"}": "{", "\\right": "\\left"}[piece]
        else:
            opened.append(piece)
    assert opened == []
    assert bare.count("$") % 2 == 0


@given(lowered_networks())
def test_random_networks_are_well_formed_and_complete(lowered):
    text = format_latex(lowered)
    assert_well_formed(text)
    network: Network = lowered.network
    table = text.split("\\end{tabular}")[0]
    for kind in network.species:
        assert f"\\texttt{{{kind.name}}} &" in table
    rows = re.findall(r"texttt\{(\w+)\}\}\\colon .*\\longrightarrow", text)
    assert rows == [reaction.name for reaction in network.reactions]
    assert ("Conserved" in text) == bool(len(lowered.space.laws))


@given(st.text(max_size=40))
def test_text_is_escaped(text):
    escaped = escape_latex(text)
    assert_well_formed(escaped)
    assert all(char.isprintable() and ord(char) < 0x180 for char in escaped)
    assert re.search(r"(?<!\\)[#%&_]", escaped) is None


@pytest.mark.parametrize(
    ("law", "expected"),
    [
        ("k_on", r"{k}_{{on}} \, {X}"),
        ("alpha*k", r"\alpha \, {k} \, {X}"),
        ("1e-6", r"10^{-6} \, {X}"),
        ("2.5e-7*k", r"2.5 \times 10^{-7} \, {k} \, {X}"),
        ("k*(1 + sin(2*pi*t))", None),
        ("propensity(k*X*X2)", r"{k} \, {X} \, {X}_{2}"),
        ("propensity(hill(X, k, 2, 3))", r"\frac{{k} \, {X}^{3}}{{X}^{3} + 2^{3}}"),
        ("propensity(mm(X, 1, k))", r"\frac{{X}}{{X} + {k}}"),
        ("propensity((X + 1)*X/k)", None),
        ("propensity(ma(2 X))", r"{X} \, ({X} - 1)"),
        ("propensity(binomial(X, 2))", r"\binom{{X}}{2}"),
        ("propensity((X + 1)^2*X)", r"\left({X} + 1\right)^{2} \, {X}"),
        ("propensity(X*(2 - 1/k))", None),
        ("propensity(X/(1e300*1e300))", r"\frac{{X}}{\infty}"),
        (
            "propensity(if(X > 0, X, 0/0))",
            r"\begin{cases} {X} & \text{if } {X} > 0 \\ "
            r"\text{undefined} & \text{otherwise} \end{cases}",
        ),
        (
            "propensity(if(X > 1 and not Y == 2, X, 0))",
            r"\begin{cases} {X} & \text{if } {X} > 1 \land \lnot \left({Y} = 2\right) "
            r"\\ 0 & \text{otherwise} \end{cases}",
        ),
        ("propensity(max(X, 2)*0.5*X*3)", None),
    ],
)
def test_laws(law, expected):
    others = {
        "k*(1 + sin(2*pi*t))": (
            r"{k} \, \left(1 + \sin\left(2 \pi \, t\right)\right) \, {X}"
        ),
        "propensity((X + 1)*X/k)": r"\frac{\left({X} + 1\right) \, {X}}{{k}}",
        "propensity(X*(2 - 1/k))": r"{X} \, \left(2 - \frac{1}{{k}}\right)",
        "propensity(max(X, 2)*0.5*X*3)": (
            r"\max\left({X}, 2\right) \cdot 0.5 \, {X} \cdot 3"
        ),
    }
    assert law_of(law) == others.get(law, expected)


def test_names_that_would_look_alike_are_spelled_out():
    text = latex_of("species X2, X_2 in 0..3\nr: X2 -> X_2 @ 1")
    assert r"\mathtt{X2} &\longrightarrow \mathtt{X\_2}" in text


def test_names_without_a_symbol_are_spelled_out():
    text = latex_of("species _a, b__c, d_ in 0..3\nr: _a + b__c -> d_ @ 1")
    assert r"\mathtt{\_a} + \mathtt{b\_\_c} &\longrightarrow \mathtt{d\_}" in text


def test_tables_and_laws():
    text = latex_of(
        "param k = 0.5 [s^-1] in 1e-2..1 log\n"
        "species A, B = 2\nspecies C in 0..40 ~ poisson(0.5)\n"
        "a: A <-> B @ 1, 2\nc: 0 -> C @ propensity(k)"
    )
    assert r"\texttt{A} & $0, \dots, 4$ & $2$ \\" in text
    assert r"\mathrm{Poisson}(0.5)" in text
    assert r"$0.5$ & s\textasciicircum{}-1 & $[0.01, 1]$ (log) \\" in text
    assert r"\mathrm{A} + \mathrm{B} &= 4" in text
    assert r"\emptyset &\longrightarrow \mathrm{C} && \mathit{k}" in text


def compile_latex(text, folder):
    (folder / "m.tex").write_text(FRAME % text, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "m.tex"]
    process = subprocess.run(command, cwd=folder, capture_output=True, timeout=60)
    assert process.returncode == 0, process.stdout.decode(errors="replace")[-2000:]


needs_latex = pytest.mark.skipif(
    shutil.which("pdflatex") is None, reason="pdflatex is not installed"
)


@needs_latex
@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_pdflatex_accepts_every_program(path, tmp_path):
    compile_latex(format_latex(compile_file(path).lowered), tmp_path)


@needs_latex
@settings(max_examples=5)
@given(st.text(max_size=40).filter(lambda text: '"' not in text and "\n" not in text))
def test_pdflatex_accepts_every_title(tmp_path_factory, title):
    text = f'crn 1\nmodel m "{title}"\nspecies X in 0..3\nr: 0 -> X @ 1\n'
    compile_latex(
        format_latex(compile_text(text).lowered), tmp_path_factory.mktemp("t")
    )
