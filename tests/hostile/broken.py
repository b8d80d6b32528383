"""Files broken in all the ways that disks, transfers and people break them; the same ones for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator

NUMBERS = (b"1e999", b"-1", b"NaN", b"Infinity", b"9" * 400, b"0", b"null", b'"x"', b"[]", b"{}", b"1" + b"0" * 30)
WORDS = (b"", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\r\n", b"\r", b"\x1b[2J", b'"', b",", b"\\ud800", b"../../etc")


def broken(whole: bytes, seed: int, count: int) -> Iterator[tuple[str, bytes]]:
    """(what was done, the file) of the classic ones, then of `count` random ones."""
    yield from _classic(whole)
    rng = random.Random(seed)
    for number in range(count):
        content = whole
        for _ in range(rng.choice((1, 1, 2, 8))):
            content = _damaged(rng, content)
        yield f"random {seed}.{number}", content


def _classic(whole: bytes) -> Iterator[tuple[str, bytes]]:
    yield "empty", b""
    yield "blank", b" \n\n"
    yield "a byte order mark", b"\xef\xbb\xbf" + whole
    yield "UTF-16", b"\xff\xfe" + whole[:4000].decode("latin-1").encode("utf-16-le")
    yield "Windows line ends", whole.replace(b"\n", b"\r\n")
    yield "old Macintosh line ends", whole.replace(b"\n", b"\r")
    yield "NUL", whole + b"\0"
    yield "all NUL", b"\0" * len(whole)
    yield "not UTF-8", whole.replace(b"a", b"\xff")
    yield "half", whole[: len(whole) // 2]
    yield "without its last byte", whole[:-1]
    yield "twice", whole + whole
    yield "a very long line", whole[:40] + b"x" * 2_000_000 + whole[40:]
    yield "deep nesting", b"[" * 200_000
    yield "deep objects", b'{"a":' * 100_000
    yield "a list", b"[1, 2]"
    yield "null", b"null"
    yield "a text", b'"hello"'
    yield "a number of a million digits", b"1" * 1_000_000
    yield "another kind of file", b"PK\x03\x04" + bytes(60)
    yield "a pickle that runs", b"cos\nsystem\n(S'exit 3'\ntR."


def _damaged(rng: random.Random, content: bytes) -> bytes:
    if not content:
        return bytes(rng.randrange(256) for _ in range(20))
    at = rng.randrange(len(content))
    kind = rng.randrange(7)
    if kind == 0:
        return content[:at]
    if kind == 1:
        return content[:at] + bytes([content[at] ^ 1 << rng.randrange(8)]) + content[at + 1 :]
    if kind == 2:
        return content[:at] + content[min(len(content), at + rng.randrange(1, 200)) :]
    if kind == 3:
        return content[:at] + rng.choice(WORDS) + content[at:]
    if kind == 4:
        return content[:at] + rng.randbytes(rng.choice((1, 4, 8, 64))) + content[at + 8 :]
    if kind == 5:
        return _other_value(rng, content, at)
    other = rng.randrange(len(content))
    return content[:at] + content[other : other + 100] + content[at:]


def _other_value(rng: random.Random, content: bytes, at: int) -> bytes:
    """Another value for the next number or text, as in JSON and CSV; elsewhere eight bytes of ones."""
    start = next((i for i in range(at, min(len(content), at + 400)) if content[i : i + 1].isdigit()), None)
    if start is None:
        return content[:at] + b"\xff" * 8 + content[at + 8 :]
    end = start
    while content[end : end + 1].isdigit() or content[end : end + 1] in (b".", b"e", b"-"):
        end += 1
    return content[:start] + rng.choice(NUMBERS) + content[end:]
