"""Text from outside (labels, file names, errors of libraries) made safe and fitted for a terminal or a report."""

from __future__ import annotations

import unicodedata

_ESCAPED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_JOINERS = frozenset("\u200c\u200d")  # they shape letters of several scripts and draw nothing harmful


def printable(text: str) -> str:
    """The text with every control, format (bidi overrides too), surrogate, line-separator and non-character escaped.

    A label of a foreign file must not be able to move the cursor, change colours or start a new line.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(char) for char in text)


def _escape(char: str) -> str:
    code = ord(char)
    no_character = code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF  # XML cannot hold U+FFFE
    if not no_character and (unicodedata.category(char) not in _ESCAPED_CATEGORIES or char in _JOINERS):
        return char
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def cell_width(text: str) -> int:
    """Terminal cells that the text takes (Unicode Standard Annex 11: wide and fullwidth characters take two)."""
    if text.isascii():
        return len(text)
    return sum(_char_cells(char) for char in text)


def _char_cells(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me") or char in _JOINERS:
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def fit(text: str, cells: int) -> str:
    """The text, escaped, cut with an ellipsis or padded with spaces to exactly `cells` terminal cells."""
    text = cut(text, cells)
    return text + " " * (cells - cell_width(text))


def cut(text: str, cells: int) -> str:
    """The text, escaped, cut with an ellipsis when it is wider than `cells` terminal cells."""
    text = printable(text)
    if cell_width(text) <= cells:
        return text
    kept, used = [], 0
    for char in text:
        used += _char_cells(char)
        if used > cells - 1:
            break
        kept.append(char)
    return "".join(kept) + "…" if cells > 0 else ""
