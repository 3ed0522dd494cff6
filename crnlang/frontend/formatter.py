"""Text -> the same text in its canonical layout, for `crnc fmt`.

The result is a function of the words, the comments and the blank lines alone, so that
formatting twice changes nothing more.
"""

from collections.abc import Sequence

from crnlang.diagnostics import Report, SourceText
from crnlang.frontend.layout import (
    INDENT,
    WIDTH,
    Leaf,
    Node,
    build_nodes,
    flat,
    lay_out,
)
from crnlang.frontend.parse import parse_program
from crnlang.frontend.script import (
    Block,
    Item,
    Statement,
    comments_of,
    read_script,
)

#: Most blanks that line up `=`, `in` and labels, or comments; else they stay apart.
MOST_PADDING, MOST_COMMENT_PADDING = 12, 24

#: Words that begin the columns of each kind of statement that is lined up.
_COLUMNS = {
    "param": ("_ASSIGN", "_IN"),
    "species": ("_IN", "_ASSIGN", "_TILDE"),
    "observe": ("_ASSIGN",),
    "set": ("_ASSIGN",),
    "init": ("_ASSIGN", "_TILDE"),
    "diffuse": ("_AT",),
    "reaction": ("_AT",),
}
_COMMENT_GAP = "  "


def format_source(source: SourceText) -> str:
    """The canonical layout of a file; its kind of line end stays.

    Raises:
        CrnError: the text has a syntax error.
        RuntimeError: the result would mean something else (a bug of the formatter).
    """
    before = SourceText(source.path, source.text.replace("\r\n", "\n"))
    statements = _parse(before)
    lines = _write_items(read_script(before.text), "")
    after = SourceText(source.path, "".join(f"{line}\n" for line in lines))
    if after.text != before.text and (
        comments_of(after.text) != comments_of(before.text)
        or _parse(after) != statements
    ):
        raise RuntimeError(f"formatting {source.path} would change what it says")
    first_break = source.text.find("\n")
    if first_break > 0 and source.text[first_break - 1] == "\r":
        return after.text.replace("\n", "\r\n")
    return after.text


def _parse(source: SourceText) -> object:
    report = Report()
    program = parse_program(source, report)
    report.stop_on_errors()
    return program.statements


def _write_items(items: Sequence[Item], indent: str) -> list[str]:
    """The lines of statements and comments, blocks of the same kind lined up."""
    lines: list[str] = []
    for block in _blocks(items):
        if block[0].has_blank_before:
            lines.append("")
        kind = block[0].kind if isinstance(block[0], Statement) else ""
        if kind == "end":
            indent = indent.removesuffix(INDENT)
        lines += _write_block(block, indent)
        if kind == "module":
            indent += INDENT
    return lines


def _blocks(items: Sequence[Item]) -> list[list[Item]]:
    """Runs of items without a blank line, cut where the kind of statement changes."""
    blocks: list[list[Item]] = []
    kind = ""
    for item in items:
        here = item.kind if isinstance(item, Statement) else ""
        is_new = (
            not blocks
            or item.has_blank_before
            or (here and kind not in ("", here))
            or kind in ("module", "end")
        )
        if is_new:
            blocks.append([])
            kind = ""
        kind = here or kind
        blocks[-1].append(item)
    return blocks


def _write_block(block: Sequence[Item], indent: str) -> list[str]:
    statements = [item for item in block if isinstance(item, Statement)]
    written_out = [_write_body(statement, indent) for statement in statements]
    bodies = iter(_line_up(written_out, statements, indent))
    written = [
        (next(bodies), item.comments)
        if isinstance(item, Statement)
        else ([indent + item.text], ())
        for item in block
    ]
    lines: list[str] = []
    column = _comment_column([(body[-1], bool(behind)) for body, behind in written])
    for body, behind in written:
        *first, last = body
        lines += first
        gap = max(column - len(last), len(_COMMENT_GAP)) if behind else 0
        place = " " * (len(last) + gap)
        lines += [(place if i else last + " " * gap) + c for i, c in enumerate(behind)]
        lines += [] if behind else [last]
    return lines


def _comment_column(lines: Sequence[tuple[str, bool]]) -> int:
    """Where comments are lined up; 0 where the lines are too different in length."""
    lengths = [len(line) for line, has_comment in lines if has_comment]
    if not lengths or max(lengths) - min(lengths) > MOST_COMMENT_PADDING:
        return 0
    return max(lengths) + len(_COMMENT_GAP)


def _write_body(statement: Statement, indent: str) -> list[str]:
    """The lines of one statement without the comments behind it."""
    lines = lay_out(_nodes(statement), indent)
    if statement.block is None:
        return lines
    head = lines[-1]
    return [*lines[:-1], *_write_braces(head, statement.block, indent)]


def _nodes(statement: Statement) -> tuple[Node, ...]:
    has_label = statement.kind in ("reaction", "event")
    return build_nodes(statement.words, has_label=has_label)


def _write_braces(head: str, block: Block, indent: str) -> list[str]:
    """A `solve` block: on one line where it was and fits, else a setting a line."""
    settings = [s for s in block.items if isinstance(s, Statement)]
    if block.is_on_one_line or not (block.items or block.comments):
        inside = "; ".join(flat(_nodes(setting)) for setting in settings)
        line = f"{head} {{ {inside} }}" if inside else f"{head} {{}}"
        if len(line) <= WIDTH:
            return [line]
    opening = f"{head} {{"
    place = " " * (len(opening) + len(_COMMENT_GAP))
    first = block.comments[:1]
    lines = [opening + "".join(_COMMENT_GAP + comment for comment in first)]
    lines += [place + comment for comment in block.comments[1:]]
    return [*lines, *_write_items(block.items, indent + INDENT), f"{indent}}}"]


def _line_up(
    bodies: Sequence[list[str]], statements: Sequence[Statement], indent: str
) -> list[list[str]]:
    """The statements of one block with their columns lined up, where that reads well.

    A statement over several lines, or with a comment inside, stays as it is.
    """
    result = list(bodies)
    rows: dict[int, dict[str, str]] = {}
    for i, (body, statement) in enumerate(zip(bodies, statements, strict=True)):
        nodes = _nodes(statement)
        is_plain = len(body) == 1 and statement.kind in _COLUMNS
        if is_plain and not _is_list(statement, nodes):
            rows[i] = _cells(statement, nodes)
    for i, line in _table(rows, indent).items():
        result[i] = [line]
    return result


def _is_list(statement: Statement, nodes: Sequence[Node]) -> bool:
    """Whether it is a `param` list, which has no columns."""
    kinds = [n.kind for n in nodes if isinstance(n, Leaf)]
    return statement.kind == "param" and "_COMMA" in kinds


def _cells(statement: Statement, nodes: Sequence[Node]) -> dict[str, str]:
    """The statement cut into columns, by the name of the column."""
    starts = {
        ("start" if node.kind == "_TILDE" else node.kind): i
        for i, node in reversed(list(enumerate(nodes)))
        if isinstance(node, Leaf) and node.kind in _COLUMNS[statement.kind]
    }
    colon = next((i for i, n in enumerate(nodes) if _is_label_end(n)), None)
    if statement.kind == "reaction" and colon is not None:
        starts["equation"] = colon + 1
    cuts = sorted([("head", 0), *starts.items()], key=lambda pair: pair[1])
    ends = [place for _, place in cuts[1:]] + [len(nodes)]
    return {
        ("start" if name == "_ASSIGN" and statement.kind == "species" else name): flat(
            nodes[place:end]
        )
        for (name, place), end in zip(cuts, ends, strict=True)
    }


def _is_label_end(node: Node) -> bool:
    return isinstance(node, Leaf) and node.kind == "_COLON"


def _table(rows: dict[int, dict[str, str]], indent: str) -> dict[int, str]:
    """Each row as a line; a column starts at one place in the rows that have it."""
    texts = {i: indent + cells["head"] for i, cells in rows.items()}
    for column in ("equation", "_ASSIGN", "_IN", "start", "_AT"):
        members = [i for i, cells in rows.items() if column in cells]
        bounded = [i for i in members if column == "start" and "_IN" in rows[i]]
        gap = len(_COMMENT_GAP) if column == "_AT" else 1
        for part in (bounded, [i for i in members if i not in bounded]):
            ends = {i: len(texts[i]) for i in part}
            chosen = _aligned(ends, rows, column, gap)
            target = max((ends[i] for i in chosen), default=0)
            for i in part:
                place = (target if i in chosen else ends[i]) + gap
                texts[i] = texts[i].ljust(place) + rows[i][column]
    return texts


def _aligned(
    ends: dict[int, int], rows: dict[int, dict[str, str]], column: str, gap: int
) -> set[int]:
    """The rows that are lined up in this column.

    Laws behind `@`: all rows that then fit on a line. Other columns: all or none.
    """
    chosen = set(ends)
    if column != "_AT":
        spread = max(ends.values(), default=0) - min(ends.values(), default=0)
        return chosen if spread <= MOST_PADDING else set()
    while chosen:
        target = max(ends[i] for i in chosen) + gap
        longest = max(target + len(rows[i][column]) for i in chosen)
        if longest <= WIDTH or len(chosen) == 1:
            break
        chosen.remove(max(chosen, key=lambda i: (ends[i], i)))
    return chosen
