"""Writes `.beton` files, the format of FFCV, without FFCV."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from typing import Any


def beton_bytes(fields: Sequence[tuple[str, Any, Sequence[Any]]]) -> bytes:
    """A `.beton` file: fields of (name, "json" or (dtype, shape), one value a sample)."""
    samples = len(fields[0][2])
    descriptors, first = b"", 24 + 1041 * len(fields)
    for name, kind, _ in fields:
        type_id, arguments = (5, b"") if kind == "json" else (4, _array_arguments(*kind))
        descriptors += struct.pack("<B16s1024s", type_id, name.encode(), arguments)
    first += samples * sum(16 if kind == "json" else 8 for _, kind, _ in fields)
    records, data, allocations = b"", b"", b""
    for sample in range(samples):
        for _, kind, values in fields:
            payload = json.dumps(values[sample]).encode() + b"\0" if kind == "json" else values[sample].tobytes()
            pointer = first + len(data)
            records += struct.pack("<QQ", pointer, len(payload)) if kind == "json" else struct.pack("<Q", pointer)
            allocations += struct.pack("<QQQ", sample, pointer, len(payload))
            data += payload
    header = struct.pack("<HHIQQ", 2, len(fields), 1 << 23, samples, first + len(data))
    return header + descriptors + records + data + allocations


def _array_arguments(dtype: str, shape: tuple[int, ...]) -> bytes:
    described = json.dumps([["", dtype]]).encode()
    return struct.pack("<32QQ", *shape, *[0] * (32 - len(shape)), len(described)) + described
