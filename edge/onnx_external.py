"""Whether an ONNX graph keeps weights in other files: the wire format of protobuf, read as far as that needs.

A bundle's checksums cover the graphs alone, and the path of external data may point anywhere. ONNX names that path by
the key "location" (onnx.proto3, TensorProto.external_data), so a file without these letters is not walked at all.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Mapping
from pathlib import Path

_VARINT, _I64, _LEN, _I32 = 0, 1, 2, 5
_DEEPEST = 64

# Message -> number of a field -> the message in it; "external" is what is looked for.
_FIELDS: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "external"},
}


def has_external_data(path: Path) -> bool:
    """Whether any tensor of the graph lies outside of the file.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is empty, or is no protobuf.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(b"location") >= 0 and _is_in("model", content, 0, len(content), 0)


def _is_in(message: str, content: mmap.mmap, start: int, end: int, depth: int) -> bool:
    if depth > _DEEPEST:
        raise ValueError("nested too deeply")
    fields = _FIELDS[message]
    for number, first, last in _parts(content, start, end):
        inner = fields.get(number)
        if inner == "external" or (inner is not None and _is_in(inner, content, first, last, depth + 1)):
            return True
    return False


def _parts(content: mmap.mmap, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(field number, first byte, byte behind the last) of every field with a length."""
    while start < end:
        tag, start = _varint(content, start, end)
        kind = tag & 7
        if kind == _VARINT:
            _, start = _varint(content, start, end)
            continue
        if kind == _LEN:
            length, start = _varint(content, start, end)
            if start + length <= end:
                yield tag >> 3, start, start + length
        elif kind in (_I64, _I32):
            length = 8 if kind == _I64 else 4
        else:
            raise ValueError("a field of an unknown kind")
        start += length
    if start > end:
        raise ValueError("cut short")


def _varint(content: mmap.mmap, start: int, end: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if start >= end:
            raise ValueError("cut short")
        byte = content[start]
        start += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, start
    raise ValueError("a number of more than ten bytes")
