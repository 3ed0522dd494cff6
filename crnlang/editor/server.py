"""The Language Server Protocol around the functions of this room."""

import asyncio
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer
from pygls.uris import from_fs_path, to_fs_path

from crnlang.compiler import Analysis, analyse_text
from crnlang.diagnostics import CrnError, SourceText, Span
from crnlang.editor.completion import Candidate, find_completions
from crnlang.editor.faults import Fault, find_faults
from crnlang.editor.hover import find_hover
from crnlang.editor.places import find_declaration
from crnlang.editor.positions import offset_at, position_at
from crnlang.editor.symbols import Symbol, find_symbols
from crnlang.frontend.formatter import format_source

#: Seconds without another change before a file is looked at.
PAUSE = 0.15

_Found = TypeVar("_Found")
_SEVERITIES = {
    "error": lsp.DiagnosticSeverity.Error,
    "warning": lsp.DiagnosticSeverity.Warning,
}
_ITEMS = {
    "keyword": lsp.CompletionItemKind.Keyword,
    "value": lsp.CompletionItemKind.EnumMember,
    "setting": lsp.CompletionItemKind.Property,
    "unit": lsp.CompletionItemKind.Unit,
    "argument": lsp.CompletionItemKind.Variable,
    "parameter": lsp.CompletionItemKind.Constant,
    "species": lsp.CompletionItemKind.Variable,
    "function": lsp.CompletionItemKind.Function,
    "observable": lsp.CompletionItemKind.Value,
    "set": lsp.CompletionItemKind.Value,
    "module": lsp.CompletionItemKind.Module,
}
_SYMBOLS = {
    "model": lsp.SymbolKind.File,
    "unit": lsp.SymbolKind.Constant,
    "lattice": lsp.SymbolKind.Array,
    "module": lsp.SymbolKind.Module,
    "parameter": lsp.SymbolKind.Constant,
    "species": lsp.SymbolKind.Variable,
    "function": lsp.SymbolKind.Function,
    "reaction": lsp.SymbolKind.Event,
    "observable": lsp.SymbolKind.Number,
    "set": lsp.SymbolKind.Boolean,
    "query": lsp.SymbolKind.Method,
    "solve": lsp.SymbolKind.Object,
}


class CrnServer(LanguageServer):
    """Keeps the analysis of every open file, for the text that it is of."""

    def __init__(self) -> None:
        # whole texts: an editor and pygls need not agree on what ends a line
        super().__init__("crnc", version("crnlang"), lsp.TextDocumentSyncKind.Full)
        self._analyses: dict[str, Analysis] = {}

    @property
    def encoding(self) -> str:
        """How the client counts columns."""
        chosen = self.workspace.position_encoding or lsp.PositionEncodingKind.Utf16
        return lsp.PositionEncodingKind(chosen).value

    def analysis(self, uri: str) -> Analysis:
        """What the compiler makes of an open file as it is now."""
        text = self.workspace.get_text_document(uri).source
        found = self._analyses.get(uri)
        if found is None or found.program.source.text != text:
            found = analyse_text(text, to_fs_path(uri) or uri)
            self._analyses[uri] = found
        return found

    def forget(self, uri: str) -> None:
        """Drop a file that was closed, and what is underlined in it."""
        self._analyses.pop(uri, None)
        empty = lsp.PublishDiagnosticsParams(uri, [])
        self.text_document_publish_diagnostics(empty)

    def range(self, span: Span) -> lsp.Range:
        """A span as the client counts."""
        return lsp.Range(
            self._position(span, span.start), self._position(span, span.end)
        )

    def _position(self, span: Span, offset: int) -> lsp.Position:
        return lsp.Position(*position_at(span.source, offset, self.encoding))

    def location(self, span: Span, uri: str) -> lsp.Location:
        """A span in the file `uri`, or in another one."""
        if span.source.path != self.analysis(uri).program.source.path:
            uri = from_fs_path(str(Path(span.source.path).absolute())) or uri
        return lsp.Location(uri, self.range(span))

    def ask(
        self,
        find: Callable[[Analysis, int], _Found],
        params: lsp.HoverParams | lsp.CompletionParams | lsp.DefinitionParams,
    ) -> _Found:
        """What a function of this room finds at a position."""
        analysis = self.analysis(params.text_document.uri)
        place, source = params.position, analysis.program.source
        offset = offset_at(source, place.line, place.character, self.encoding)
        return find(analysis, offset)


def build_server() -> CrnServer:
    """A server with every feature, not yet connected."""
    server = CrnServer()
    server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)(_opened)
    server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)(_changed)
    server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)(_closed)
    server.feature(lsp.TEXT_DOCUMENT_HOVER)(_hover)
    server.feature(lsp.TEXT_DOCUMENT_COMPLETION)(_complete)
    server.feature(lsp.TEXT_DOCUMENT_DEFINITION)(_define)
    server.feature(lsp.TEXT_DOCUMENT_FORMATTING)(_format)
    server.feature(lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL)(_outline)
    return server


def _opened(server: CrnServer, params: lsp.DidOpenTextDocumentParams) -> None:
    _publish(server, params.text_document.uri, params.text_document.version)


async def _changed(server: CrnServer, params: lsp.DidChangeTextDocumentParams) -> None:
    """Look at the file once the user pauses."""
    uri, version_ = params.text_document.uri, params.text_document.version
    await asyncio.sleep(PAUSE)
    document = server.workspace.text_documents.get(uri)
    if document is not None and document.version == version_:
        _publish(server, uri, version_)


def _closed(server: CrnServer, params: lsp.DidCloseTextDocumentParams) -> None:
    server.forget(params.text_document.uri)


def _publish(server: CrnServer, uri: str, version_: int) -> None:
    faults = find_faults(server.analysis(uri))
    found = [_diagnostic(server, fault, uri) for fault in faults]
    params = lsp.PublishDiagnosticsParams(uri, found, version_)
    server.text_document_publish_diagnostics(params)


def _diagnostic(server: CrnServer, fault: Fault, uri: str) -> lsp.Diagnostic:
    related = [
        lsp.DiagnosticRelatedInformation(server.location(span, uri), label)
        for span, label in fault.related
    ]
    return lsp.Diagnostic(
        range=server.range(fault.span),
        message=fault.message,
        severity=_SEVERITIES[fault.severity],
        code=fault.code,
        source="crnc",
        related_information=related,
    )


def _hover(server: CrnServer, params: lsp.HoverParams) -> lsp.Hover | None:
    if (found := server.ask(find_hover, params)) is None:
        return None
    text = lsp.MarkupContent(lsp.MarkupKind.Markdown, found.text)
    return lsp.Hover(text, server.range(found.span))


def _complete(
    server: CrnServer, params: lsp.CompletionParams
) -> list[lsp.CompletionItem]:
    return [_item(one) for one in server.ask(find_completions, params)]


def _item(candidate: Candidate) -> lsp.CompletionItem:
    text = lsp.MarkupContent(lsp.MarkupKind.Markdown, candidate.detail)
    kind = _ITEMS[candidate.kind]
    return lsp.CompletionItem(candidate.label, kind=kind, documentation=text)


def _define(server: CrnServer, params: lsp.DefinitionParams) -> lsp.Location | None:
    span = server.ask(find_declaration, params)
    return None if span is None else server.location(span, params.text_document.uri)


def _format(
    server: CrnServer, params: lsp.DocumentFormattingParams
) -> list[lsp.TextEdit] | None:
    """The layout of `crnc fmt`; nothing for a file with a syntax error."""
    source: SourceText = server.analysis(params.text_document.uri).program.source
    try:
        result = format_source(source)
    except CrnError:
        return None
    if result == source.text:
        return []
    return [lsp.TextEdit(server.range(Span(source, 0, len(source.text))), result)]


def _outline(
    server: CrnServer, params: lsp.DocumentSymbolParams
) -> list[lsp.DocumentSymbol]:
    program = server.analysis(params.text_document.uri).program
    return [_symbol(server, one) for one in find_symbols(program)]


def _symbol(server: CrnServer, symbol: Symbol) -> lsp.DocumentSymbol:
    return lsp.DocumentSymbol(
        symbol.name,
        _SYMBOLS[symbol.kind],
        server.range(symbol.span),
        server.range(symbol.name_span),
        children=[_symbol(server, one) for one in symbol.inside],
    )
