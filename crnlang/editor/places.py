"""What stands at a place of a file, and where its name is declared."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from crnlang.compiler import Analysis
from crnlang.diagnostics import Report, SourceText, Span
from crnlang.frontend import ast
from crnlang.frontend.imports import read_program
from crnlang.frontend.names import declarations
from crnlang.frontend.tokens import split_statements


@dataclass(frozen=True, slots=True)
class Word:
    """A token and its terminal in the grammar."""

    text: str
    kind: str
    span: Span


def words_of(source: SourceText, start: int, end: int) -> list[Word]:
    """The tokens of a part of the text; comments are none."""
    return [
        Word(
            str(token),
            token.type,
            Span(source, start + (token.start_pos or 0), start + (token.end_pos or 0)),
        )
        for group in split_statements(source.text[start:end])
        for token in group.tokens
    ]


def word_at(source: SourceText, offset: int) -> Word | None:
    """The token at an offset, or that ends there; `None` in blanks and comments."""
    line, column = source.locate(offset)
    start = offset - column + 1
    words = words_of(source, start, start + len(source.line(line)))
    here = [word for word in words if word.span.start <= offset <= word.span.end]
    names = [word for word in here if word.text[0].isalnum() or word.text[0] == "_"]
    return next(iter([*names, *reversed(here)]), None)


def statement_at(analysis: Analysis, offset: int) -> ast.Statement | None:
    """The statement at an offset, the last where several begin in one line."""
    found: ast.Statement | None = None
    for statement in analysis.program.statements:
        if statement.span.start <= offset <= statement.span.end:
            found = statement
    return found


def find_declaration(analysis: Analysis, offset: int) -> Span | None:
    """Where the name at an offset is declared; perhaps in another file."""
    word = word_at(analysis.program.source, offset)
    if word is None or word.kind not in ("NAME", "INDEXED"):
        return None
    if is_unit(analysis, word):
        return _unit(analysis, word.text)
    for _, name in local_names(analysis, offset):
        if name.text == word.text:
            return name.span
    if (declared := analysis.names.table.get(word.text)) is not None:
        return declared.span
    statement = statement_at(analysis, offset)
    if isinstance(statement, ast.UseStatement):
        return _module(analysis, statement, word.text)
    return None


def is_unit(analysis: Analysis, word: Word) -> bool:
    """Whether a name is one of a unit, which has nothing to do with other names."""
    statement = statement_at(analysis, word.span.start)
    match statement:
        case ast.UnitDefinition(name=name) if name.span == word.span:
            return True
        case ast.UnitDefinition() | ast.VolumeStatement() | ast.ParameterDeclaration():
            source, start = statement.span.source, statement.span.start
            kinds = [one.kind for one in words_of(source, start, word.span.start)]
        case _:
            return False
    brackets = [i for i, kind in enumerate(kinds) if kind in ("_LSQB", "_RSQB")]
    if not brackets or kinds[brackets[-1]] == "_RSQB":
        return False
    return kinds[brackets[-1] - 1] != "INDEXED"  # else the index of a site


def _unit(analysis: Analysis, name: str) -> Span | None:
    """The definition of a unit; `None` for one of the language."""
    defined = [
        s for s in analysis.program.statements if isinstance(s, ast.UnitDefinition)
    ]
    return next((one.name.span for one in defined if one.name.text == name), None)


def local_names(analysis: Analysis, offset: int) -> Iterator[tuple[str, ast.Name]]:
    """Names that are known at this place only with their kinds, the nearest first."""
    match statement_at(analysis, offset):
        case ast.FunctionDeclaration(arguments=names):
            yield from (("argument", name) for name in names)
        case ast.ParameterDeclaration(index=names):
            yield from (("argument", name) for name in names)
        case _:
            pass
    head: ast.ModuleStatement | None = None
    body: list[ast.Statement] = []
    for statement in analysis.program.statements:
        if isinstance(statement, ast.ModuleStatement):
            head, body = statement, []
        elif head is not None and isinstance(statement, ast.ModuleEnd):
            if head.span.start <= offset <= statement.span.end:
                break
            head = None
        else:
            body.append(statement)
    if head is not None and head.span.start <= offset:
        yield from (("argument", name) for name in head.arguments)
        yield from ((kind, name) for _, name, kind, _ in declarations(body))


def _module(analysis: Analysis, use: ast.UseStatement, name: str) -> Span | None:
    """The module, or the import, that a name in a `use` stands for."""
    statements: Sequence[ast.Statement] = analysis.program.statements
    imports = [s for s in statements if isinstance(s, ast.ImportStatement)]
    if use.origin is not None:
        origin = next((s for s in imports if s.alias.text == use.origin.text), None)
        if origin is None or name == use.origin.text:
            return origin and origin.alias.span
        path = analysis.program.source.path
        other = read_program(origin.file, (path,), Report())
        statements = other.statements if isinstance(other, ast.Program) else ()
    modules = [s for s in statements if isinstance(s, ast.ModuleStatement)]
    return next((m.name.span for m in modules if m.name.text == name), None)
