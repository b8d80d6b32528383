"""JSON of files that others may have written: bounded in bytes, depth and numbers before anybody looks at its fields.

What `json` reads without complaint and code stumbles over later is refused here: numbers that are infinite (`1e999`,
`Infinity`) or of more than MOST_DIGITS digits (no float holds them), one name twice in an object, half characters
(`"\\ud800"`, which no UTF-8 file can hold), nesting deeper than Python's stack.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

MOST_DIGITS = 40
MOST_BYTES = 64 << 20


def read_json(path: Path, most_bytes: int = MOST_BYTES) -> Any:
    """The value of a UTF-8 file, with or without a byte order mark.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is larger than `most_bytes`, not UTF-8, or see `parse_json`; the text is one line.
    """
    return parse_json(read_bounded(path, most_bytes).decode("utf-8-sig"))


def read_bounded(path: Path, most_bytes: int) -> bytes:
    """The bytes of a file; a device that never ends is read no further than `most_bytes`.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is larger.
    """
    with path.open("rb") as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise ValueError(f"larger than {most_bytes >> 20} MiB")
    return content


def parse_json(text: str | bytes, keep_halves: bool = False) -> Any:
    """The value of a JSON text. NaN is let through: a measurement may be missing.

    keep_halves: take half characters too; the caller replaces them.

    Raises:
        ValueError: it is not JSON, or holds what is refused above (`json.JSONDecodeError` where the place is known).
    """
    try:
        text = text if isinstance(text, str) else text.decode("utf-8")
        value = _DECODER.decode(text)
        if "\\u" in text and not keep_halves:
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("it holds half a character (a lone surrogate)") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return value


def _whole(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


def _finite(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError(f"the number {digits[:MOST_DIGITS]} is too large")
    return value


def _constant(name: str) -> float:
    if name != "NaN":
        raise ValueError("an infinite number")
    return math.nan


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        name = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"the name {name[:MOST_DIGITS]!r} stands twice in one object")
    return found


_DECODER = json.JSONDecoder(parse_int=_whole, parse_float=_finite, parse_constant=_constant, object_pairs_hook=_object)
