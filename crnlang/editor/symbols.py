"""The outline of a file: what it declares, modules with what is inside."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from crnlang.diagnostics import Span
from crnlang.frontend import ast


@dataclass(slots=True)
class Symbol:
    """One declaration; `name_span` lies inside of `span`."""

    name: str
    kind: str
    span: Span
    name_span: Span
    inside: "list[Symbol]" = field(default_factory=list["Symbol"])


def find_symbols(program: ast.Program) -> list[Symbol]:
    """Every declaration, reaction, query and `solve` block, in order."""
    found: list[Symbol] = []
    module: Symbol | None = None
    for statement in program.statements:
        if isinstance(statement, ast.ModuleStatement):
            name = statement.name
            module = Symbol(name.text, "module", statement.span, name.span)
            found.append(module)
        elif isinstance(statement, ast.ModuleEnd):
            if module is not None:
                module.span = module.span.to(statement.span)
            module = None
        else:
            (found if module is None else module.inside).extend(_symbols(statement))
    return found


def _symbols(statement: ast.Statement) -> Iterator[Symbol]:
    span = statement.span
    match statement:
        case ast.SpeciesDeclaration(names=names):
            for name in names:
                yield Symbol(name.text, "species", span, name.span)
        case ast.ReactionStatement(label=label):
            text, place = (label.text, label.span) if label else (span.text, span)
            yield Symbol(" ".join(text.split()), "reaction", span, place)
        case ast.QueryStatement(name=name, kind=kind):
            place = name or kind
            yield Symbol(" ".join(span.text.split()), "query", span, place.span)
        case ast.LatticeStatement(shape=shape):
            yield Symbol(shape.text, "lattice", span, shape.span)
        case ast.UseStatement(alias=name) | ast.ImportStatement(alias=name):
            yield Symbol(name.text, "module", span, name.span)
        case (
            ast.ModelStatement(name=name)
            | ast.UnitDefinition(name=name)
            | ast.ParameterDeclaration(name=name)
            | ast.FunctionDeclaration(name=name)
            | ast.ObserveStatement(name=name)
            | ast.SetStatement(name=name)
            | ast.SolveStatement(name=name)
        ):
            kind = _KINDS[type(statement)]
            yield Symbol(name.text, kind, span, name.span)
        case _:
            pass  # declares nothing


_KINDS: dict[type, str] = {
    ast.ModelStatement: "model",
    ast.UnitDefinition: "unit",
    ast.ParameterDeclaration: "parameter",
    ast.FunctionDeclaration: "function",
    ast.ObserveStatement: "observable",
    ast.SetStatement: "set",
    ast.SolveStatement: "solve",
}
