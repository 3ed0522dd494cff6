"""Words of one statement -> lines: spaces between words, breaks inside brackets."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from crnlang.frontend.script import Comment, Word

#: Longest line, where a bracket allows a break.
WIDTH = 88
INDENT = "  "

_CLOSER = {"_LPAR": "_RPAR", "_LSQB": "_RSQB"}
_CLOSERS = frozenset(_CLOSER.values())
_TIGHT = frozenset({"STAR", "SLASH", "POWER", "_DOTDOT"})
#: Behind one of these a minus stands between two operands.
_OPERAND_ENDS = frozenset({"NAME", "NUMBER", "EMPTY", "UNIT", "OPTION", *_CLOSERS})
#: Behind one of these an opening bracket belongs to a call.
_CALLED = frozenset({"NAME", "INDEXED", "_MA", "_PROPENSITY"})
#: Where a range like `0..a+1` begins or ends.
_RANGE_EDGES = frozenset({"_COMMA", "_ASSIGN", "_IN", "_TILDE", "_AT"})
#: Operators before which a long line is broken, the loosest first.
_BREAKABLE = {"_OR": 1, "_AND": 2, "PLUS": 3, "MINUS": 3}


@dataclass(frozen=True, slots=True)
class Leaf:
    """A word, the gap before it, and the comments behind it.

    `looseness` is the rank of an operator between two operands, 0 for other words.
    """

    kind: str
    text: str
    gap: str
    looseness: int
    comments: tuple[Comment, ...]

    @property
    def flat(self) -> str:
        """The text on one line, without the gap before it."""
        return self.text


@dataclass(frozen=True, slots=True)
class Group:
    """A bracket with its parts; every part but the last ends with its comma."""

    opening: Leaf
    parts: "tuple[tuple[Node, ...], ...]"
    closing: Leaf

    @property
    def gap(self) -> str:
        """The gap before the bracket."""
        return self.opening.gap

    @property
    def flat(self) -> str:
        """The text on one line, comments left out."""
        inside = "".join(" " * (i > 0) + flat(p) for i, p in enumerate(self.parts))
        return f"{self.opening.text}{inside}{self.closing.text}"

    def has_comment(self) -> bool:
        """Whether a comment stands inside, so that it cannot be on one line."""
        return bool(self.opening.comments) or any(map(_has_comment, self.parts))


Node = Leaf | Group


def flat(nodes: Sequence[Node]) -> str:
    """The nodes on one line, comments left out."""
    return "".join((n.gap if i else "") + n.flat for i, n in enumerate(nodes))


def _has_comment(nodes: Sequence[Node]) -> bool:
    """Whether a comment stands inside or behind one of the nodes."""
    return any(
        bool(n.comments) if isinstance(n, Leaf) else _group_has_comment(n)
        for n in nodes
    )


def _group_has_comment(group: Group) -> bool:
    return group.has_comment() or bool(group.closing.comments)


# --- words to nodes --------------------------------------------------------------


def build_nodes(words: Sequence[Word], *, has_label: bool) -> tuple[Node, ...]:
    """The words of a statement with their gaps, brackets nested."""
    ranges = _ranges(words, has_label=has_label)
    leaves: list[Leaf] = []
    depth = 0
    for i, word in enumerate(words):
        previous = words[i - 1] if i else None
        before = words[i - 2] if i > 1 else None
        depth -= word.kind in _CLOSERS
        tight = i in ranges
        is_label = has_label and depth == 0
        gap = _gap(before, previous, word, depth=depth, tight=tight, label=is_label)
        depth += word.kind in _CLOSER
        rank = _BREAKABLE.get(word.kind, 0) if _ends_operand(previous) else 0
        leaves.append(Leaf(word.kind, word.text, gap, rank, word.comments))
    return _nest(iter(leaves), None)[0][0]


def _ends_operand(word: Word | None) -> bool:
    return word is not None and word.kind in _OPERAND_ENDS


def _ranges(words: Sequence[Word], *, has_label: bool) -> frozenset[int]:
    """Places of the words that belong to a range: `0..a+1` is written without gaps."""
    closed: list[list[int]] = []
    stack: list[list[int]] = [[]]
    for i, word in enumerate(words):
        if word.kind in _CLOSERS and len(stack) > 1:
            closed.append(stack.pop())
        elif word.kind in _CLOSER:
            stack.append([])
        elif word.kind in _RANGE_EDGES:
            closed.append(stack[-1])
            stack[-1] = []
        elif word.kind == "_COLON" and has_label and len(stack) == 1:
            stack[-1] = []
        else:
            stack[-1].append(i)
    closed.append(stack[-1])
    return frozenset(
        i
        for members in closed
        if {"_DOTDOT", "_COLON"} & {words[i].kind for i in members}
        for i in members
    )


def _gap(
    before: Word | None,
    previous: Word | None,
    word: Word,
    *,
    depth: int,
    tight: bool,
    label: bool,
) -> str:
    """The blanks between `previous` and `word`; `before` stands before `previous`."""
    if previous is None or previous.kind in _CLOSER or word.kind in _CLOSERS:
        return ""
    if word.kind in ("_COMMA", "_COLON"):
        return ""
    if word.kind == "_AT":
        return "  "
    if previous.kind == "_COLON":
        return " " if label else ""
    if "_DOT" in (previous.kind, word.kind):
        return ""
    if previous.text.endswith(".") and word.kind == "_DOTDOT":
        return " "  # `1.` and `..`: without a blank they would read `1` and `...`
    if previous.kind in _TIGHT or word.kind in _TIGHT:
        return ""
    if depth > 0 and "_ASSIGN" in (previous.kind, word.kind):
        return ""
    if previous.kind == "MINUS" and not _ends_operand(before):
        return ""
    if tight and (previous.kind in _BREAKABLE or word.kind in _BREAKABLE):
        is_sign = {previous.kind, word.kind} & {"PLUS", "MINUS"}
        return "" if is_sign else " "
    if word.kind in _CLOSER and previous.kind in _CALLED:
        return ""
    return " "


def _nest(
    leaves: Iterator[Leaf], opening: Leaf | None
) -> tuple[list[tuple[Node, ...]], Leaf | None]:
    """The parts up to the closing bracket of `opening`, and that bracket."""
    parts: list[tuple[Node, ...]] = []
    part: list[Node] = []
    for leaf in leaves:
        if opening is not None and leaf.kind == _CLOSER[opening.kind]:
            return ([*parts, tuple(part)] if part else parts), leaf
        if leaf.kind in _CLOSER:
            inner, closing = _nest(leaves, leaf)
            assert closing is not None
            part.append(Group(leaf, tuple(inner), closing))
        elif leaf.kind == "_COMMA" and opening is not None:
            parts.append(_with_comma(part, leaf))
            part = []
        else:
            part.append(leaf)
    return [tuple(part)], None


def _with_comma(part: list[Node], comma: Leaf) -> tuple[Node, ...]:
    """The part with its comma; comments before the comma move behind it."""
    last = part[-1]
    if isinstance(last, Leaf):
        bare: Node = Leaf(last.kind, last.text, last.gap, last.looseness, ())
        moved = last.comments
    else:
        closing = last.closing
        end = Leaf(closing.kind, closing.text, closing.gap, closing.looseness, ())
        bare, moved = Group(last.opening, last.parts, end), closing.comments
    comments = (*moved, *comma.comments)
    return (
        *part[:-1],
        bare,
        Leaf(comma.kind, comma.text, comma.gap, comma.looseness, comments),
    )


# --- nodes to lines --------------------------------------------------------------


def lay_out(nodes: Sequence[Node], indent: str) -> list[str]:
    """The nodes as lines, the first at `indent`; broken inside brackets if too long."""
    page = _Page(indent)
    page.write(nodes, indent)
    page.end_line()
    return page.lines


class _Page:
    """Lines written so far, and the line being written."""

    def __init__(self, indent: str) -> None:
        self.lines: list[str] = []
        self.line = indent
        self.is_fresh = True

    def end_line(self, indent: str = "") -> None:
        """Finish the line, if anything stands on it; the next one has this indent."""
        if not self.is_fresh:
            self.lines.append(self.line)
        self.line, self.is_fresh = indent, True

    def put(self, text: str, gap: str) -> None:
        self.line += text if self.is_fresh else gap + text
        self.is_fresh = False

    def leaf(self, leaf: Leaf, gap: str, indent: str) -> None:
        self.put(leaf.text, gap)
        for comment in leaf.comments:
            if not comment.is_trailing:
                self.end_line(indent)
            self.put(comment.text, "  ")
            self.end_line(indent)

    def write(self, nodes: Sequence[Node], indent: str) -> None:
        """Write nodes on from the current line; `indent` is that of their lines."""
        broken = _to_break(nodes, len(self.line), indent)
        for node in nodes:
            if isinstance(node, Leaf):
                self.leaf(node, node.gap, indent)
            elif id(node) in broken:
                self.group(node, indent)
            else:
                self.put(node.flat, node.gap)
                self.leaf_comments(node.closing, indent)

    def leaf_comments(self, closing: Leaf, indent: str) -> None:
        empty = Leaf(closing.kind, "", "", 0, closing.comments)
        self.leaf(empty, "", indent)

    def group(self, group: Group, indent: str) -> None:
        """A bracket over several lines."""
        inner = indent + INDENT
        self.leaf(group.opening, group.gap, inner)
        self.end_line(inner)
        is_list = group.opening.kind == "_LSQB"
        if is_list and not group.has_comment():
            self.fill(group.parts, inner)
        else:
            further = inner if len(group.parts) == 1 else inner + INDENT
            for part in group.parts:
                self.part(part, inner, further)
                self.end_line(inner)
        self.end_line(indent)
        self.line = indent
        self.leaf(group.closing, "", indent)

    def fill(self, parts: Sequence[Sequence[Node]], indent: str) -> None:
        """As many parts on each line as fit."""
        for part in parts:
            text = flat(part)
            if len(self.line) + 1 + len(text) > WIDTH:
                self.end_line(indent)
            self.put(text, " ")
        self.end_line(indent)

    def part(self, part: Sequence[Node], indent: str, further: str) -> None:
        """One part of a bracket; too long, it goes on at `further` before operators."""
        ranks = [n.looseness for n in part[1:] if isinstance(n, Leaf) and n.looseness]
        if len(self.line) + len(flat(part)) <= WIDTH or not ranks:
            self.write(part, indent)
            return
        loosest = min(ranks)
        chunk: list[Node] = []
        for node in part:
            if chunk and isinstance(node, Leaf) and node.looseness == loosest:
                self.part(chunk, indent, further)
                self.end_line(further)
                chunk, indent = [], further
            chunk.append(node)
        self.part(chunk, indent, further)


def _to_break(nodes: Sequence[Node], start: int, indent: str) -> set[int]:
    """Identities of the brackets to break: the widest on each line that is too long."""
    groups = [n for n in nodes if isinstance(n, Group)]
    broken = {id(g) for g in groups if g.has_comment()}
    while True:
        column = start
        line: list[Group] = []
        for i, node in enumerate(nodes):
            column += len(node.gap) if i else 0
            if isinstance(node, Group) and id(node) in broken:
                column += 1
                if column > WIDTH and line:
                    break
                column, line = len(indent) + 1, []
                continue
            column += len(node.flat)
            if isinstance(node, Group) and node.parts:
                line.append(node)
        if column <= WIDTH or not line:
            return broken
        broken.add(id(max(line, key=lambda g: len(g.flat))))
