"""What stands under the pointer, in Markdown: propensities, declarations, words."""

from dataclasses import dataclass

from crnlang.compiler import Analysis
from crnlang.diagnostics import Span
from crnlang.editor.options import describe_engine, describe_setting, settings_of
from crnlang.editor.places import Word, find_declaration, is_unit, statement_at, word_at
from crnlang.editor.words import FUNCTIONS, INSIDE, NUMBERS, QUERIES, STATEMENTS
from crnlang.frontend import ast
from crnlang.frontend.grammar import reserved_words
from crnlang.ir.expr import Count, Function, call
from crnlang.ir.network import Network
from crnlang.ir.printer import format_equation, format_initial
from crnlang.ir.spelling import format_expression, format_number
from crnlang.settings import SOLVERS


@dataclass(frozen=True, slots=True)
class Hover:
    """Markdown, and the place that it is about."""

    text: str
    span: Span


def find_hover(analysis: Analysis, offset: int) -> Hover | None:
    """What the name at an offset is, or else what the reaction around it does."""
    word = word_at(analysis.program.source, offset)
    if word is None:
        return None
    statement = statement_at(analysis, offset)
    is_label = (
        isinstance(statement, ast.ReactionStatement)
        and statement.label is not None
        and statement.label.span == word.span
    )
    about = "" if is_label else _about_word(analysis, word, statement)
    if about:
        return Hover(about, word.span)
    if not isinstance(statement, ast.ReactionStatement | ast.DiffuseStatement):
        return None
    channels = _channels(analysis, statement.span)
    return Hover(_code("\n".join(channels)), statement.span) if channels else None


def _code(text: str) -> str:
    return f"```crn\n{text}\n```"


def _about_word(analysis: Analysis, word: Word, statement: ast.Statement | None) -> str:
    if isinstance(statement, ast.SolveStatement) and word.kind == "NAME":
        return _about_setting(statement, word)
    if isinstance(statement, ast.QueryStatement) and word.span == statement.kind.span:
        usage, what = QUERIES.get(word.text, ("", ""))
        return f"{_code(usage)}\n{what}" if usage else ""
    if word.kind in ("NAME", "INDEXED"):
        place = find_declaration(analysis, word.span.start)
        if place is not None:
            return _about_declaration(analysis, word.text, place)
        if is_unit(analysis, word):
            return ""
        if word.text in FUNCTIONS:
            usage, value = FUNCTIONS[word.text]
            return f"{_code(usage)}\n{value}"
        return NUMBERS.get(word.text, "")
    text = reserved_words().get(word.kind, "")
    if text in STATEMENTS:
        usage, what = STATEMENTS[text]
        return f"{_code(usage)}\n{what}"
    return INSIDE.get(text, "")


def _about_setting(solve: ast.SolveStatement, word: Word) -> str:
    if word.span == solve.engine.span and word.text in SOLVERS:
        return describe_engine(word.text)
    options = settings_of(solve.engine.text)
    is_key = any(setting.key.span == word.span for setting in solve.settings)
    return (
        describe_setting(word.text, options[word.text])
        if (is_key and word.text in options)
        else ""
    )


def _about_declaration(analysis: Analysis, name: str, place: Span) -> str:
    """The statement that declares a name, and what the compiler makes of it."""
    if place.source.path != analysis.program.source.path:
        return _code(place.source.line(place.source.locate(place.start)[0]).strip())
    statement = statement_at(analysis, place.start)
    if statement is None:
        return ""
    text = statement.span.text
    if isinstance(statement, ast.ParameterDeclaration):
        text = f"param {text}"
    is_definition = isinstance(statement, ast.UnitDefinition)
    facts = "" if is_definition else _facts(analysis, name)
    return _code(text) + (f"\n{facts}" if facts else "")


def _facts(analysis: Analysis, name: str) -> str:
    """Values that the declaration itself may leave open."""
    network = _network(analysis)
    for i, kind in enumerate(network.species):
        if kind.name == name:
            cap = kind.cap
            if analysis.lowered is not None:
                cap = int(analysis.lowered.space.caps[network.blocks()[i][0]])
            origin = "" if kind.cap is not None else ", cap from a conservation law"
            box = "" if cap is None else f" in 0..{cap}"
            start = format_initial(kind.initial)
            return f"`{name}{box}{' per site' * kind.is_per_site} {start}`{origin}"
    for parameter in network.parameters:
        if parameter.name == name and not parameter.site_values:
            unit = f" {parameter.unit}" if parameter.unit else ""
            return f"`{name} = {format_number(parameter.value)}`{unit}"
    constants = [parameter.name for parameter in network.parameters]
    named = [(one.name, one.value) for one in network.observables]
    named += [(one.name, one.condition) for one in network.sets]
    for other, value in named:
        if other == name:
            return f"`{format_expression(value, network.variable_names(), constants)}`"
    return ""


def _network(analysis: Analysis) -> Network:
    """The network after the passes; before them where the file has errors."""
    return analysis.network if analysis.lowered is None else analysis.lowered.network


def _channels(analysis: Analysis, place: Span) -> list[str]:
    """The channels that a statement makes, each with its propensity."""
    if not analysis.report.is_sound(place):
        return []
    network = _network(analysis)
    species = [kind.name for kind in network.species]
    constants = [parameter.name for parameter in network.parameters]
    lines: list[str] = []
    for reaction in network.reactions:
        if reaction.span == place:
            local = [species[v] for v in reaction.variables]
            law = format_expression(reaction.propensity, local, constants)
            equation = format_equation(reaction, species)
            lines.append(f"{reaction.name}: {equation} @ propensity({law})")
    for hop in network.hops:
        if hop.span == place:
            flux = call(Function.MUL, hop.rate, Count(0))
            name = species[hop.species]
            law = format_expression(flux, [name], constants)
            lines.append(f"{name} to each neighbour: propensity({law})")
    return lines
