"""Modules written out where they are used; imports read.

`use cycle(M, K) as c1` stands for the statements of the module, its arguments replaced
by the names given, and what the module itself declares called `c1_...`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cache
from typing import Any, TypeVar, cast

from crnlang.diagnostics import Report, Span, listing, suggest
from crnlang.frontend import ast
from crnlang.frontend.errors import DeclaredTwice, UnknownName, WrongArguments
from crnlang.frontend.imports import place_of, read_program
from crnlang.frontend.module_errors import BadImport, BadModule
from crnlang.frontend.names import declarations
from crnlang.frontend.syntax_errors import Unclosed

#: Most statements that all uses together may write out.
MAX_STATEMENTS = 50_000
#: Fields that hold a word of the language, not a name of the file.
_WORDS = ("word", "law", "place", "scale")
_INSIDE = (
    ast.ParameterDeclaration,
    ast.FunctionDeclaration,
    ast.SpeciesDeclaration,
    ast.InitStatement,
    ast.DiffuseStatement,
    ast.EventStatement,
    ast.ReactionStatement,
    ast.ObserveStatement,
    ast.SetStatement,
    ast.UseStatement,
    ast.Unread,
)

_Node = TypeVar("_Node")
#: What names become: another text, or a name at the place of the use.
_Names = Mapping[str, ast.Name | str]


@dataclass(frozen=True, slots=True)
class _Module:
    """A module with its body, uses written out."""

    head: ast.ModuleStatement
    body: tuple[ast.Statement, ...]


@dataclass(slots=True)
class _Reader:
    """The modules of a file so far; `files` are being read, the outermost first.

    `imported` are those that have been read, by any of the files.
    """

    report: Report
    files: tuple[str, ...]
    imported: dict[str, "_Reader"] = field(default_factory=dict[str, "_Reader"])
    modules: dict[str, _Module] = field(default_factory=dict[str, _Module])
    doubtful: set[str] = field(default_factory=set[str])
    aliases: dict[str, Span] = field(default_factory=dict[str, Span])
    written: int = 0


def expand_modules(program: ast.Program, report: Report) -> ast.Program:
    """The program without modules, uses and imports; what is wrong is reported."""
    reader = _Reader(report, (program.source.path,))
    return replace(program, statements=tuple(_expanded(program, reader)))


def _expanded(program: ast.Program, reader: _Reader) -> list[ast.Statement]:
    """The statements outside of modules, uses written out."""
    outside: list[ast.Statement] = []
    head: ast.ModuleStatement | None = None
    body: list[ast.Statement] = []
    for statement in program.statements:
        match statement:
            case ast.ModuleStatement() if head is None:
                head, body = statement, []
            case ast.ModuleEnd() if head is not None:
                _declare(head, body, reader)
                head = None
            case ast.ModuleStatement() | ast.ModuleEnd():
                pass  # inside another, or of none: told when the braces were read
            case ast.ImportStatement():
                _import(statement, reader)
            case ast.UseStatement(alias=alias):
                place = alias.text if head is None else f"{head.name.text} {alias.text}"
                if place in reader.aliases:
                    first = reader.aliases[place]
                    reader.report.add(DeclaredTwice(alias.span, alias.text, first))
                reader.aliases.setdefault(place, alias.span)
                (outside if head is None else body).extend(_use(statement, reader))
            case _ if head is None:
                outside.append(statement)
            case _:
                if not isinstance(statement, _INSIDE):
                    word = statement.span.text.split()[0]
                    fix = "write it outside of the module"
                    reason = f"`{word}` cannot stand in a module"
                    reader.report.add(BadModule(statement.span, reason, fix))
                body.append(statement)
    if head is not None:
        reader.report.add(Unclosed(head.span, "{", "}"))
        reader.doubtful.add(head.name.text)
    return outside


def _declare(
    head: ast.ModuleStatement, body: Sequence[ast.Statement], reader: _Reader
) -> None:
    name = head.name
    if name.text in reader.modules:
        first = reader.modules[name.text].head.name.span
        reader.report.add(DeclaredTwice(name.span, name.text, first))
    seen: dict[str, ast.Name] = {}
    for argument in head.arguments:
        if argument.text in seen:
            first = seen[argument.text].span
            reader.report.add(DeclaredTwice(argument.span, argument.text, first))
        seen.setdefault(argument.text, argument)
    for _, inner, _, _ in declarations(body):
        if inner.text in seen:
            first = seen[inner.text].span
            reader.report.add(DeclaredTwice(inner.span, inner.text, first))
    reader.modules[name.text] = _Module(head, tuple(body))


def _use(statement: ast.UseStatement, reader: _Reader) -> list[ast.Statement]:
    """The statements of a module, renamed; a stand-in after a refusal."""
    stand_in: list[ast.Statement] = [ast.Unread("", frozenset(), statement.span)]
    report = reader.report
    if statement.word.text != "as":
        fix = "write `use cycle(M, K) as c1`"
        reason = f"`{statement.word.text}` stands here instead of `as`"
        report.add(BadModule(statement.word.span, reason, fix))
        return stand_in
    origin = f"{statement.origin.text}." if statement.origin else ""
    name = origin + statement.module.text
    module = reader.modules.get(name)
    if module is None:
        if not reader.doubtful & {name, origin}:
            known, near = list(reader.modules), suggest(name, reader.modules)
            span = statement.module.span
            report.add(UnknownName(span, name, "module", listing(known), near))
        return stand_in
    wanted, given = module.head.arguments, statement.arguments
    if len(wanted) != len(given):
        words = f"{len(wanted)} argument{'' if len(wanted) == 1 else 's'}"
        usage = ", ".join(argument.text for argument in wanted)
        fix = f"write `use {name}({usage}) as {statement.alias.text}`"
        report.add(WrongArguments(statement.span, name, words, len(given), fix))
        return stand_in
    before, reader.written = reader.written, reader.written + len(module.body)
    if reader.written > MAX_STATEMENTS:
        if before <= MAX_STATEMENTS:  # told once
            reason = f"the modules come to more than {MAX_STATEMENTS} statements"
            report.add(BadModule(statement.span, reason, "use fewer of them"))
        return stand_in
    return _written_out(module, statement)


def _written_out(module: _Module, statement: ast.UseStatement) -> list[ast.Statement]:
    prefix = f"{statement.alias.text}_"
    names: dict[str, ast.Name | str] = {
        argument.text: given
        for argument, given in zip(
            module.head.arguments, statement.arguments, strict=True
        )
    }
    for _, name, _, _ in declarations(module.body):
        names[name.text] = prefix + name.text
    for one in module.body:
        if isinstance(one, ast.Unread):  # a name that it may declare is its own, too
            for text in one.names:
                names.setdefault(text, prefix + text)
    return [_renamed_statement(one, names, prefix) for one in module.body]


def _renamed_statement(
    statement: ast.Statement, names: _Names, prefix: str
) -> ast.Statement:
    match statement:
        case ast.Unread(names=inside):
            return replace(statement, names=frozenset(prefix + n for n in inside))
        case ast.ReactionStatement(label=ast.Name() as label):
            bare = _renamed(replace(statement, label=None), names)
            return replace(bare, label=replace(label, text=prefix + label.text))
        case ast.FunctionDeclaration(arguments=local):
            inner = _without(names, local)
            return replace(
                statement,
                name=_renamed(statement.name, names),
                body=_renamed(statement.body, inner),
            )
        case ast.ParameterDeclaration(index=local):
            inner = _without(names, local)
            return replace(
                statement,
                name=_renamed(statement.name, names),
                value=_renamed(statement.value, inner),
                range=_renamed(statement.range, names),
            )
        case _:
            return _renamed(statement, names)


def _without(names: _Names, local: Sequence[ast.Name]) -> _Names:
    """The renamings but those of names that mean something else here."""
    hidden = {name.text for name in local}
    return {old: new for old, new in names.items() if old not in hidden}


def _renamed(node: _Node, names: _Names) -> _Node:
    """The same tree with other names; words of the language stay."""
    if isinstance(node, ast.Name):
        new = names.get(node.text, node)
        return cast(_Node, replace(node, text=new) if isinstance(new, str) else new)
    if isinstance(node, ast.Reference):
        name = ast.Name(node.name, node.span)
        new = _renamed(name, names)
        return replace(node, name=new.text, span=new.span)
    if isinstance(node, tuple):
        parts = cast(tuple[object, ...], node)
        renamed = tuple(_renamed(one, names) for one in parts)
        is_same = all(a is b for a, b in zip(parts, renamed, strict=True))
        return cast(_Node, parts if is_same else renamed)
    if not is_dataclass(node) or isinstance(node, type):
        return node
    changed: dict[str, Any] = {}
    for part in _parts(type(node)):
        old = getattr(node, part)
        if (new := _renamed(old, names)) is not old:
            changed[part] = new
    return replace(node, **changed) if changed else node


@cache
def _parts(kind: type) -> tuple[str, ...]:
    """The fields of a kind of node that may hold names of the file."""
    return tuple(f.name for f in fields(kind) if f.name not in ("span", *_WORDS))


def _import(statement: ast.ImportStatement, reader: _Reader) -> None:
    """Make the modules of a file known as `alias.module`."""
    alias = statement.alias.text
    if statement.word.text != "as":
        fix = 'write `import "f.crn" as f`'
        reason = f"`{statement.word.text}` stands here instead of `as`"
        reader.report.add(BadModule(statement.word.span, reason, fix))
    place = place_of(statement.file)
    inner = reader.imported.get(place)
    if inner is None:
        program = read_program(statement.file, reader.files, reader.report)
        if isinstance(program, BadImport):
            reader.report.add(program)
            reader.doubtful.add(f"{alias}.")
            return
        files = (*reader.files, program.source.path)
        inner = _Reader(reader.report, files, reader.imported)
        _expanded(program, inner)
        reader.imported[place] = inner
    for name, module in inner.modules.items():
        if "." not in name:
            reader.modules[f"{alias}.{name}"] = module
    reader.doubtful |= {f"{alias}.{name}" for name in inner.doubtful}
