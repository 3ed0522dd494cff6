"""Formulas of `latex` as MathML, which browsers set by themselves.

latex2mathml does the work, letter by letter; here the letters of one name become one
word again. MathML Core knows no fonts but upright and italic: others are classes.
"""

from html import unescape
from xml.etree.ElementTree import Element, tostring

from latex2mathml.converter import convert_to_element

#: Elements of which neighbours in one font are one word.
_LETTERS = ("mi", "mn", "mo")
#: Fonts in which a name may be written.
_FONTS = ("normal", "italic", "monospace")


def to_mathml(formula: str) -> str:
    """A formula of LaTeX as a `math` element, everything in it escaped."""
    element: Element = convert_to_element(formula)
    for part in element.iter():
        _unescape(part)
    _join_letters(element)
    return tostring(element, encoding="unicode")


def _unescape(part: Element) -> None:
    """Characters instead of their numbers; an upright letter is one by its number."""
    written = part.text or ""
    part.text = unescape(written)
    is_upright = written != part.text and part.text.isascii() and part.text.isalpha()
    if part.tag == "mi" and is_upright:
        part.set("mathvariant", "normal")


def _join_letters(parent: Element) -> None:
    """Join the letters of names, here and below."""
    joined: list[Element] = []
    for child in list(parent):
        font = _font(child)
        if font and joined and _font(joined[-1]) == font:
            joined[-1].text = (joined[-1].text or "") + (child.text or "")
            parent.remove(child)
            continue
        joined.append(child)
        _join_letters(child)
    for child in joined:
        if font := _font(child):
            _dress(child, font)


def _font(element: Element) -> str:
    """The font of a letter in a name; empty for anything else."""
    font = element.get("mathvariant", "")
    return font if element.tag in _LETTERS and font in _FONTS else ""


def _dress(element: Element, font: str) -> None:
    """One word in its font: browsers set single letters in italics, words upright."""
    element.tag = "mi"
    del element.attrib["mathvariant"]
    if font == "normal" and len(element.text or "") == 1:
        element.set("mathvariant", "normal")
    if font != "normal":
        element.set("class", font)
