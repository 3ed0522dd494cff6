"""Parse tree below statements -> surface tree."""

import math
import re
from typing import Any

from lark import Token

from crnlang.diagnostics import Report, SourceText, Span
from crnlang.frontend import ast
from crnlang.frontend.shapes import Node
from crnlang.frontend.syntax_errors import BadCoefficient, NumberTooLarge
from crnlang.ir.expr import Function

_OPERATORS = {
    "+": Function.ADD,
    "-": Function.SUB,
    "*": Function.MUL,
    "/": Function.DIV,
    "^": Function.POW,
    "**": Function.POW,
    **{
        function.value: function
        for function in (
            Function.LT,
            Function.LE,
            Function.GT,
            Function.GE,
            Function.EQ,
            Function.NE,
        )
    },
}
_WORD_OPERATORS = {
    "either": Function.OR,
    "both": Function.AND,
    "negation": Function.NOT,
    "negative": Function.NEG,
}
_UNITED = re.compile(r"(\d+)([eE]\d+)$")


class PartBuilder:
    """One method for each rule below statements that is not a plain operator."""

    def __init__(self, source: SourceText, report: Report) -> None:
        self.source = source
        self.report = report

    def span(self, node: Node | Token) -> Span:
        start: Any = node.start_pos
        end: Any = node.end_pos
        return Span(self.source, start, end)

    def name(self, token: Any) -> ast.Name:
        return ast.Name(str(token), self.span(token))

    def names(self, node: Any) -> tuple[ast.Name, ...]:
        return tuple(self.name(token) for token in node.children) if node else ()

    def element(self, node: Node) -> ast.Element:
        name, index = node.children
        return ast.Element(self.name(name), self.expressions(index), self.span(node))

    def side(self, node: Node) -> ast.Side:
        parts = [c for c in node.children if isinstance(c, Node)]
        if len(parts) == 1 and self._is_empty(parts[0]):
            return ast.Side((), self.span(node))
        terms = [term for part in parts if (term := self.term(part)) is not None]
        return ast.Side(tuple(terms), self.span(node))

    def _is_empty(self, part: Node) -> bool:
        return part.data == "empty" or (
            part.data == "bare_number" and str(part.children[0]) == "0"
        )

    def term(self, node: Node) -> ast.Term | None:
        """`2 X`; also `2E1`, which the lexer sees as one number."""
        span = self.span(node)
        if node.data == "bare_number":
            if united := _UNITED.match(span.text):
                place = Span(self.source, span.start + len(united[1]), span.end)
                name = ast.Name(united[2], place)
                return self._checked_term(united[1], name, span)
            self.report.add(BadCoefficient(span, span.text))
            return None
        if node.data == "empty":
            self.report.add(BadCoefficient(span, span.text))
            return None
        number, _, name = node.children
        text = "1" if number is None else str(number)
        return self._checked_term(text, self.name(name), span)

    def _checked_term(self, number: str, name: ast.Name, span: Span) -> ast.Term:
        if number.isdigit() and len(number) <= 3 and int(number) > 0:
            return ast.Term(int(number), name, span)
        place = Span(self.source, span.start, span.start + len(number))
        self.report.add(BadCoefficient(place, number))
        return ast.Term(0, name, span)

    def keyword(self, node: Node) -> ast.Keyword:
        key, value = node.children
        return ast.Keyword(self.name(key), self.value(value), self.span(node))

    def value(self, node: Node) -> ast.Value:
        match node.data:
            case "list":
                items = self.expressions(node.children[0])
                return ast.ValueList(items, self.span(node))
            case "steps":
                start, end, step = node.children
                return ast.Steps(
                    self.expression(start),
                    self.expression(end),
                    self.expression(step) if step else None,
                    self.span(node),
                )
            case "interval":
                return self.interval(node)
            case _:
                return self.expression(node)

    def interval(self, node: Node) -> ast.Interval:
        low, high = node.children
        return ast.Interval(
            self.expression(low), self.expression(high), self.span(node)
        )

    def expressions(self, node: Any) -> tuple[ast.Expression, ...]:
        return tuple(self.expression(c) for c in node.children) if node else ()

    def literal(self, text: str, span: Span) -> ast.Literal:
        value = float(text)
        if not math.isfinite(value):
            self.report.add(NumberTooLarge(span, text))
            value = 1.0
        return ast.Literal(value, span)

    def expression(self, node: Node) -> ast.Expression:
        span = self.span(node)
        children = node.children
        match node.data:
            case "number":
                return self.literal(str(children[0]), span)
            case "reference":
                return ast.Reference(str(children[0]), span)
            case "element":
                return self.element(node)
            case "application":
                name, arguments = children
                return ast.Application(
                    self.name(name), self.expressions(arguments), span
                )
            case "mass_action_factor":
                return ast.MassActionFactor(self.side(children[0]), span)
            case "operation" | "comparison":
                left, operator, right = children
                operands = self.expression(left), self.expression(right)
                return ast.Operation(_OPERATORS[str(operator)], operands, span)
            case rule:
                inner = [c for c in children if isinstance(c, Node)]
                operands = tuple(map(self.expression, inner))
                return ast.Operation(_WORD_OPERATORS[rule], operands, span)
