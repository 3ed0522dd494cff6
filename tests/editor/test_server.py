"""An exchange with `crnc lsp`, byte for byte as an editor has it."""

import contextlib
import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    find_spec("pygls") is None, reason="crnc lsp needs pygls (the extra `lsp`)"
)

MODEL = """crn 1 # πρώτο 🧬
param k = 1
species X in 0..9 = 3
grow: 0 -> X @ k
die: X -> 0 @ 2*k # 🧬
"""


class Editor:
    """Speaks JSON-RPC with a server process."""

    def __init__(self, process, encodings):
        self.process = process
        self.number = 0
        general = {"positionEncodings": list(encodings)} if encodings else {}
        wanted = {"processId": None, "rootUri": None}
        self.answer = self.ask(
            "initialize", {**wanted, "capabilities": {"general": general}}
        )
        self.tell("initialized", {})

    def send(self, message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def receive(self):
        size = 0
        while line := self.process.stdout.readline().strip():
            if line.lower().startswith(b"content-length:"):
                size = int(line.split(b":")[1])
        assert size, self.process.stderr.read().decode()
        return json.loads(self.process.stdout.read(size))

    def tell(self, method, params):
        self.send({"method": method, "params": params})

    def ask(self, method, params):
        self.number += 1
        self.send({"id": self.number, "method": method, "params": params})
        while (message := self.receive()).get("id") != self.number:
            pass
        assert "error" not in message, message
        return message["result"]

    def open(self, uri, text):
        document = {"uri": uri, "languageId": "crn", "version": 1, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": document})

    def published(self):
        """The next diagnostics."""
        while True:
            message = self.receive()
            if message.get("method") == "textDocument/publishDiagnostics":
                return message["params"]

    def at(self, method, uri, line, character):
        place = {"line": line, "character": character}
        wanted = {"textDocument": {"uri": uri}, "position": place}
        return self.ask(f"textDocument/{method}", wanted)

    def close(self):
        self.ask("shutdown", None)
        self.tell("exit", None)
        return self.process.wait(timeout=20)


@pytest.fixture
def start():
    """A function that starts a server, which ends with the test."""
    with contextlib.ExitStack() as stack:

        def begin(encodings=()):
            process = subprocess.Popen(
                [sys.executable, "-m", "crnlang", "lsp"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return Editor(process, encodings)

        yield begin


def test_an_exchange(start, tmp_path):
    editor = start()
    uri = (tmp_path / "model.crn").as_uri()
    capabilities = editor.answer["capabilities"]
    assert capabilities["hoverProvider"]
    assert capabilities["positionEncoding"] == "utf-16"
    editor.open(uri, MODEL)
    assert editor.published() == {"uri": uri, "version": 1, "diagnostics": []}

    hover = editor.at("hover", uri, 4, 1)
    assert "die: X -> 0 @ propensity(2 * k * X)" in hover["contents"]["value"]
    line = {"line": 4, "character": 0}, {"line": 4, "character": 17}
    assert hover["range"] == dict(zip(("start", "end"), line, strict=True))

    place = editor.at("definition", uri, 4, 16)
    assert place["uri"] == uri
    assert place["range"]["start"] == {"line": 1, "character": 6}

    items = editor.at("completion", uri, 3, 11)
    assert [item["label"] for item in items] == ["X"]

    options = {"tabSize": 2, "insertSpaces": True}
    wanted = {"textDocument": {"uri": uri}, "options": options}
    (edit,) = editor.ask("textDocument/formatting", wanted)
    assert "die:  X -> 0  @ 2*k  # 🧬\n" in edit["newText"]
    assert edit["range"]["end"] == {"line": 5, "character": 0}

    symbols = editor.ask("textDocument/documentSymbol", {"textDocument": {"uri": uri}})
    assert [one["name"] for one in symbols] == ["k", "X", "grow", "die"]
    assert editor.close() == 0


def test_changes_are_looked_at_in_the_columns_of_the_client(start, tmp_path):
    editor = start()
    uri = (tmp_path / "model.crn").as_uri()
    editor.open(uri, MODEL)
    assert editor.published()["diagnostics"] == []
    typed = [MODEL.replace("2*k", text) for text in ("2*", "2*kk")]
    for version, text in enumerate(typed, start=2):
        document = {"uri": uri, "version": version}
        change = {"textDocument": document, "contentChanges": [{"text": text}]}
        editor.tell("textDocument/didChange", change)
    found = editor.published()
    assert found["version"] == 3  # the text between was not worth a word
    (fault,) = found["diagnostics"]
    assert fault["code"] == "CRN201"
    assert fault["severity"] == 1
    assert "did you mean `k`?" in fault["message"]
    assert fault["range"]["start"] == {"line": 4, "character": 16}
    assert fault["range"]["end"] == {"line": 4, "character": 18}
    editor.tell("textDocument/didClose", {"textDocument": {"uri": uri}})
    assert editor.published()["diagnostics"] == []


def test_a_unit_is_in_the_outline_and_its_definition_is_found(start, tmp_path):
    editor = start()
    uri = (tmp_path / "units.crn").as_uri()
    editor.open(uri, "crn 1\nunit week = 7 [d]\nparam k = 1 [1/week]\n")
    symbols = editor.ask("textDocument/documentSymbol", {"textDocument": {"uri": uri}})
    assert [one["name"] for one in symbols] == ["week", "k"]
    place = editor.at("definition", uri, 2, 16)
    assert place["range"]["start"] == {"line": 1, "character": 5}
    assert editor.close() == 0


@pytest.mark.parametrize(
    ("encodings", "column"),
    [(["utf-16"], 13), (["utf-8"], 15), (["utf-32", "utf-16"], 12)],
)
def test_an_emoji_before_an_error_counts_as_agreed(encodings, column, start, tmp_path):
    editor = start(encodings)
    uri = (tmp_path / "model.crn").as_uri()
    editor.open(uri, 'crn 1\nmodel m "🧬" 7 # 🧬\nspecies X in 0..3\n0 -> X @ 1\n')
    (fault,) = editor.published()["diagnostics"]
    assert fault["range"]["start"] == {"line": 1, "character": column}
    assert fault["range"]["end"] == {"line": 1, "character": column + 1}
    assert editor.close() == 0


def test_missing_pygls_is_told(tmp_path):
    code = "import sys; sys.modules['pygls'] = None; sys.modules['lsprotocol'] = None\n"
    code += "from crnlang.cli import main; main(['lsp'])"
    process = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert process.returncode == 2
    assert "pip install 'crnlang[lsp]'" in process.stderr
