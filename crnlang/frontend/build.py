"""Parse tree of one statement -> surface tree."""

from collections.abc import Callable

from lark import Token

from crnlang.diagnostics import Report, SourceText
from crnlang.frontend import ast
from crnlang.frontend.build_parts import PartBuilder
from crnlang.frontend.depth import MAX_DEPTH
from crnlang.frontend.shapes import Node
from crnlang.frontend.syntax_errors import TooDeep


def build_statement(
    tree: Node, source: SourceText, report: Report
) -> tuple[ast.Statement, ...]:
    """The statement (several for a `param` list); none when it nests too deeply."""
    builder = _Builder(source, report)
    if tree.height > MAX_DEPTH:
        report.add(TooDeep(builder.span(tree), MAX_DEPTH))
        return ()
    return builder.statement(tree)


class _Builder(PartBuilder):
    """One method for each kind of statement."""

    def statement(self, tree: Node) -> tuple[ast.Statement, ...]:
        if tree.data == "param":
            return tuple(self.declaration(c) for c in tree.children)
        return (_BUILDERS[tree.data](self, tree),)

    def header(self, node: Node) -> ast.Header:
        return ast.Header(float(str(node.children[0])), self.span(node))

    def model(self, node: Node) -> ast.ModelStatement:
        name, title = node.children
        text = str(title)[1:-1] if title is not None else ""
        return ast.ModelStatement(self.name(name), text, self.span(node))

    def massaction(self, node: Node) -> ast.MassActionStatement:
        return ast.MassActionStatement(self.name(node.children[0]), self.span(node))

    def unit(self, node: Node) -> str:
        return self.span(node).text[1:-1].strip()

    def unit_definition(self, node: Node) -> ast.UnitDefinition:
        name, value, unit = node.children
        return ast.UnitDefinition(
            self.name(name), self.expression(value), self.unit(unit), self.span(node)
        )

    def volume(self, node: Node) -> ast.VolumeStatement:
        value, unit = node.children
        return ast.VolumeStatement(
            self.expression(value), self.unit(unit), self.span(node)
        )

    def lattice(self, node: Node) -> ast.LatticeStatement:
        shape, inside, *options = node.children
        file = inside if inside is not None and inside.data == "file" else None
        return ast.LatticeStatement(
            self.name(shape),
            () if file else self.expressions(inside),
            self.file(file) if file else None,
            tuple(map(self.lattice_option, options)),
            self.span(node),
        )

    def lattice_option(self, node: Node) -> ast.LatticeOption:
        key, *values = node.children
        is_file = values[0].data == "file"
        return ast.LatticeOption(
            self.name(key),
            () if is_file else tuple(map(self.expression, values)),
            self.file(values[0]) if is_file else None,
            self.span(node),
        )

    def file(self, node: Node) -> ast.File:
        return ast.File(str(node.children[0])[1:-1], self.span(node))

    def declaration(self, node: Node) -> ast.ParameterDeclaration:
        parameter, value, unit, range_ = node.children
        is_single = isinstance(parameter, Token)
        name, index = (parameter, None) if is_single else parameter.children
        return ast.ParameterDeclaration(
            self.name(name),
            self.names(index),
            self.expression(value),
            self.unit(unit) if unit else None,
            self.range(range_) if range_ else None,
            self.span(node),
        )

    def range(self, node: Node) -> ast.Range:
        low, high, scale = node.children
        return ast.Range(
            self.expression(low),
            self.expression(high),
            self.name(scale) if scale is not None else None,
            self.span(node),
        )

    def func(self, node: Node) -> ast.FunctionDeclaration:
        name, arguments, body = node.children
        return ast.FunctionDeclaration(
            self.name(name),
            self.names(arguments),
            self.expression(body),
            self.span(node),
        )

    def species(self, node: Node) -> ast.SpeciesDeclaration:
        names, bounds, place, start = node.children
        return ast.SpeciesDeclaration(
            self.names(names),
            self.interval(bounds) if bounds else None,
            self.name(place.children[0]) if place else None,
            self.start(start) if start else None,
            self.span(node),
        )

    def init(self, node: Node) -> ast.InitStatement:
        element, start = node.children
        return ast.InitStatement(
            self.element(element), self.start(start), self.span(node)
        )

    def diffuse(self, node: Node) -> ast.DiffuseStatement:
        names, diffusion = node.children
        *word, rate = diffusion.children
        return ast.DiffuseStatement(
            self.names(names),
            self.name(word[0]) if word else None,
            self.expression(rate),
            self.span(node),
        )

    def start(self, node: Node) -> ast.Start:
        children = node.children
        if node.data == "start_table":
            law, file = children
            return ast.StartTable(self.name(law), self.file(file), self.span(node))
        if node.data == "start_count":
            return ast.StartCount(self.expression(children[0]), self.span(node))
        law, arguments = children
        return ast.StartLaw(
            self.name(law), self.expressions(arguments), self.span(node)
        )

    def event(self, node: Node) -> ast.EventStatement:
        word, moment, *changes = node.children
        return ast.EventStatement(
            self.name(word),
            self.expression(moment),
            tuple(map(self.change, changes)),
            self.span(node),
        )

    def module(self, node: Node) -> ast.ModuleStatement:
        name, arguments = node.children
        return ast.ModuleStatement(
            self.name(name), self.names(arguments), self.span(node)
        )

    def use(self, node: Node) -> ast.UseStatement:
        origin, module, arguments, word, alias = node.children
        return ast.UseStatement(
            self.name(origin.children[0]) if origin else None,
            self.name(module),
            self.names(arguments),
            self.name(word),
            self.name(alias),
            self.span(node),
        )

    def import_(self, node: Node) -> ast.ImportStatement:
        path, word, alias = node.children
        file = ast.File(str(path)[1:-1], self.span(path))
        return ast.ImportStatement(
            file, self.name(word), self.name(alias), self.span(node)
        )

    def change(self, node: Node) -> ast.Change:
        target, value = node.children
        element = None if isinstance(target, Token) else self.element(target)
        name = self.name(target) if element is None else element.name
        return ast.Change(name, element, self.expression(value), self.span(node))

    def reaction(self, node: Node) -> ast.ReactionStatement:
        label: ast.Name | None = None
        catalysts: tuple[ast.Name, ...] = ()
        sides: list[ast.Side] = []
        arrows: list[ast.Arrow] = []
        laws: list[ast.Law] = []
        for child in node.children:
            match child.data if child else None:
                case "label":
                    label = self.name(child.children[0])
                case "via":
                    catalysts = self.names(child.children[0])
                case "side":
                    sides.append(self.side(child))
                case "arrow":
                    is_reversible = child.children[0].type == "BOTH_ARROW"
                    arrows.append(ast.Arrow(is_reversible, self.span(child)))
                case "constant_law":
                    value = self.expression(child.children[0])
                    laws.append(ast.ConstantLaw(value, self.span(child)))
                case "propensity_law":
                    value = self.expression(child.children[0])
                    laws.append(ast.PropensityLaw(value, self.span(child)))
                case _:
                    pass  # an optional part that is absent
        return ast.ReactionStatement(
            label,
            tuple(sides),
            tuple(arrows),
            catalysts,
            tuple(laws),
            self.span(node),
        )

    def observe(self, node: Node) -> ast.ObserveStatement:
        name, value = node.children
        return ast.ObserveStatement(
            self.name(name), self.expression(value), self.span(node)
        )

    def state_set(self, node: Node) -> ast.SetStatement:
        name, condition = node.children
        return ast.SetStatement(
            self.name(name), self.expression(condition), self.span(node)
        )

    def query(self, node: Node) -> ast.QueryStatement:
        label, kind, *parts = node.children
        present = [part for part in parts if part is not None]
        given = ("keyword", "site_count")
        return ast.QueryStatement(
            self.name(label.children[0]) if label else None,
            self.name(kind),
            tuple(self.expression(p) for p in present if p.data not in given),
            tuple(self.keyword(p) for p in present if p.data == "keyword"),
            tuple(self.site_count(p) for p in present if p.data == "site_count"),
            self.span(node),
        )

    def site_count(self, node: Node) -> ast.SiteCount:
        element, value = node.children
        return ast.SiteCount(
            self.element(element), self.expression(value), self.span(node)
        )

    def solve(self, node: Node) -> ast.SolveStatement:
        name, engine, *rest = node.children
        settings = [s for block in rest for s in block.children]
        return ast.SolveStatement(
            self.name(name),
            self.name(engine),
            tuple(self.keyword(s) for s in settings),
            self.span(node),
        )


#: The method for each rule.
_BUILDERS: dict[str, Callable[[_Builder, Node], ast.Statement]] = {
    "header": _Builder.header,
    "model": _Builder.model,
    "massaction": _Builder.massaction,
    "unit_definition": _Builder.unit_definition,
    "volume": _Builder.volume,
    "lattice": _Builder.lattice,
    "func": _Builder.func,
    "species": _Builder.species,
    "init": _Builder.init,
    "diffuse": _Builder.diffuse,
    "event": _Builder.event,
    "module": _Builder.module,
    "use": _Builder.use,
    "import_": _Builder.import_,
    "reaction": _Builder.reaction,
    "observe": _Builder.observe,
    "state_set": _Builder.state_set,
    "query": _Builder.query,
    "solve": _Builder.solve,
    "end": lambda builder, node: ast.ModuleEnd(builder.span(node)),
}
