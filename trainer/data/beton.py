"""FFCV's `.beton` files, read through a memory map: no ffcv, no pickle, nothing of the file is trusted.

Layout (FFCV 1.x, ffcv/types.py and ffcv/fields/): a header of 24 bytes; one descriptor of 1041 bytes a field (type,
name, arguments); one record a sample with pointers, in the order of the descriptors; then the samples themselves, at
any byte. All numbers are little-endian, pointers are absolute. Fields of ARGO1M are JSON texts and arrays; a file with
any other type of field is refused.
"""

from __future__ import annotations

import math
import mmap
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from edge.json_text import parse_json
from trainer.data.errors import DatasetError

VERSION = 2
NDARRAY, JSON = 4, 5
"""Type ids of the fields that are read."""

HEADER = np.dtype(
    [
        ("version", "<u2"),
        ("num_fields", "<u2"),
        ("page_size", "<u4"),
        ("num_samples", "<u8"),
        ("alloc_table_ptr", "<u8"),
    ]
)
DESCRIPTOR = np.dtype([("type_id", "u1"), ("name", "S16"), ("arguments", "u1", 1024)])
ARRAY_ARGUMENTS = np.dtype([("shape", "<u8", 32), ("type_length", "<u8")])
"""First bytes of an array's arguments; its dtype follows as JSON, `[["", "<f4"]]`."""
_METADATA = {NDARRAY: np.dtype("<u8"), JSON: np.dtype([("ptr", "<u8"), ("size", "<u8")])}
_LONGEST_JSON_BYTES = 1 << 20
_MOST_FIELDS = 256


class BetonError(DatasetError):
    """A `.beton` file is damaged, cut short, or of a kind that is not read."""


@dataclass(frozen=True)
class ArrayField:
    """An array of one shape a sample, where it lies."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    pointers: NDArray[np.int64]
    """int64 [samples], first byte of each."""

    @property
    def nbytes(self) -> int:
        """Bytes of one sample's array."""
        return math.prod(self.shape) * self.dtype.itemsize


@dataclass(frozen=True)
class JsonField:
    """A JSON text a sample, where it lies."""

    pointers: NDArray[np.int64]
    sizes: NDArray[np.int64]


class Beton:
    """An open file: `len` samples, fields by name."""

    def __init__(self, path: Path) -> None:
        """Read the header and check that every pointer lies within the file.

        Raises:
            BetonError: the file cannot be read, or is not such a file, whole.
        """
        self.path = path
        try:
            with path.open("rb") as file:
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as problem:  # ValueError: an empty file
            raise BetonError(f"{path}: cannot be read ({problem}); download it again") from None
        self._bytes: NDArray[np.uint8] = np.frombuffer(mapped, np.uint8)
        header = self._records(HEADER, 0, 1)[0]
        if header["version"] != VERSION:
            raise BetonError(f"{path}: version {header['version']} is not {VERSION}; this is no .beton file of FFCV")
        if not 0 < header["num_fields"] <= _MOST_FIELDS:
            raise BetonError(f"{path}: {header['num_fields']} fields; the file is damaged, download it again")
        if int(header["alloc_table_ptr"]) > len(self._bytes):  # written last, behind all samples
            raise BetonError(f"{path}: is cut short; download it again")
        descriptors = self._records(DESCRIPTOR, HEADER.itemsize, int(header["num_fields"]))
        names = [_field_name(path, descriptor["name"]) for descriptor in descriptors]
        if len(set(names)) < len(names):
            raise BetonError(f"{path}: two fields have one name; the file is damaged, download it again")
        self.samples = int(header["num_samples"])
        self.fields = dict(zip(names, self._fields(descriptors, names), strict=True))
        """By name, in the file's order."""

    def __len__(self) -> int:
        return self.samples

    def array_field(self, name: str, shape: tuple[int, ...], dtype: str) -> ArrayField:
        """The array field `name`.

        Raises:
            BetonError: there is none, or it has another shape or dtype.
        """
        field = self.fields.get(name)
        if not isinstance(field, ArrayField):
            raise BetonError(
                f"{self.path}: no array field '{name}' (fields: {', '.join(self.fields)}); take another file"
            )
        if field.shape != shape or field.dtype != np.dtype(dtype):
            found = f"{field.dtype.name} {list(field.shape)}"
            raise BetonError(f"{self.path}: field '{name}' is {found}, expected {np.dtype(dtype).name} {list(shape)}")
        return field

    def arrays(self, field: ArrayField) -> NDArray[Any]:
        """All samples of a field, copied into memory: [samples, *shape]."""
        if not field.nbytes or not self.samples:
            return np.zeros((self.samples, *field.shape), field.dtype)
        return self.bytes_at(field.nbytes)[field.pointers].view(field.dtype).reshape(self.samples, *field.shape)

    def bytes_at(self, width: int, skip: int = 0) -> NDArray[np.uint8]:
        """View of the file, uint8 [places, width]: row p is the `width` bytes that start at byte p + `skip`."""
        return sliding_window_view(self._bytes[skip:], width)

    def texts(self, name: str) -> Iterator[Any]:
        """The JSON value of every sample of the field `name`, in order.

        Raises:
            BetonError: there is no such field, or a text is not JSON.
        """
        field = self.fields.get(name)
        if not isinstance(field, JsonField):
            raise BetonError(
                f"{self.path}: no JSON field '{name}' (fields: {', '.join(self.fields)}); take another file"
            )
        for sample, (first, size) in enumerate(zip(field.pointers.tolist(), field.sizes.tolist(), strict=True)):
            text = self._bytes[first : first + size].tobytes().partition(b"\0")[0]
            try:
                yield parse_json(text, keep_halves=True)
            except ValueError:
                raise BetonError(f"{self.path}: sample {sample}: {name} is not JSON; download the file again") from None

    def _fields(self, descriptors: NDArray[Any], names: list[str]) -> list[ArrayField | JsonField]:
        for name, descriptor in zip(names, descriptors, strict=True):
            if int(descriptor["type_id"]) not in _METADATA:
                raise BetonError(
                    f"{self.path}: field '{name}' has type {descriptor['type_id']}; only arrays and JSON are read"
                )
        kinds = [_METADATA[int(descriptor["type_id"])] for descriptor in descriptors]
        record = np.dtype(
            [(name, kind) for name, kind in zip(names, kinds, strict=True)]
        )  # all of u8: aligned as it is
        records = self._records(record, HEADER.itemsize + descriptors.nbytes, self.samples)
        return [
            self._array_field(name, descriptor["arguments"], records[name])
            if descriptor["type_id"] == NDARRAY
            else self._json_field(name, records[name])
            for name, descriptor in zip(names, descriptors, strict=True)
        ]

    def _array_field(self, name: str, arguments: NDArray[np.uint8], pointers: NDArray[np.uint64]) -> ArrayField:
        head = arguments[: ARRAY_ARGUMENTS.itemsize].view(ARRAY_ARGUMENTS)[0]
        shape = [int(extent) for extent in head["shape"]]
        while shape and shape[-1] == 0:
            shape.pop()
        dtype = _dtype(arguments[ARRAY_ARGUMENTS.itemsize :], int(head["type_length"]))
        if dtype is None or not shape or 0 in shape:
            raise BetonError(f"{self.path}: field '{name}' has no valid shape or dtype; the file is damaged")
        nbytes = np.full(self.samples, min(math.prod(shape) * dtype.itemsize, len(self._bytes) + 1), np.uint64)
        self._require_inside(name, pointers, nbytes)
        return ArrayField(tuple(shape), dtype, pointers.astype(np.int64))

    def _json_field(self, name: str, records: NDArray[Any]) -> JsonField:
        self._require_inside(name, records["ptr"], records["size"])
        if records["size"].max(initial=0) > _LONGEST_JSON_BYTES:
            raise BetonError(f"{self.path}: field '{name}' holds a text of more than 1 MiB; the file is damaged")
        return JsonField(records["ptr"].astype(np.int64), records["size"].astype(np.int64))

    def _require_inside(self, name: str, pointers: NDArray[np.uint64], sizes: NDArray[np.uint64]) -> None:
        end = np.uint64(len(self._bytes))
        outside = (pointers > end) | (sizes > end - np.minimum(pointers, end))  # no sum: it could wrap around
        if outside.any():
            sample = int(outside.argmax())
            raise BetonError(f"{self.path}: sample {sample}: {name} lies outside of the file; download it again")

    def _records(self, dtype: np.dtype[Any], offset: int, count: int) -> NDArray[Any]:
        if offset + count * dtype.itemsize > len(self._bytes):
            raise BetonError(f"{self.path}: is cut short; download it again")
        return self._bytes[offset : offset + count * dtype.itemsize].view(dtype)


def _field_name(path: Path, raw: bytes) -> str:
    name = raw.partition(b"\0")[0]
    if not re.fullmatch(rb"[A-Za-z0-9_]+", name):
        raise BetonError(f"{path}: a field has no valid name; the file is damaged, download it again")
    return name.decode("ascii")


def _dtype(description: NDArray[np.uint8], length: int) -> np.dtype[Any] | None:
    """A number's dtype, of its JSON description; None for anything else."""
    try:
        ((_, code),) = parse_json(description[: min(length, len(description))].tobytes())
    except (ValueError, TypeError):
        return None
    if not isinstance(code, str) or not re.fullmatch(r"<[iuf][248]|\|[iu]1", code):
        return None
    return np.dtype(code)
