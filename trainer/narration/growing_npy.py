"""A .npy file of float32 rows that grows in place: NumPy's header keeps room for a larger first axis.

Who appends says how many rows are committed; rows behind them, which a killed run left, are cut off. Until the next
append the header of such a file may promise rows that are not there, so it is read with `view_rows`.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def append_rows(path: Path, committed: int, values: NDArray[np.float32]) -> None:
    """Write `values`, float32 [N, ...], behind the first `committed` rows; they are on the disk when this returns.

    Raises:
        ValueError: the file holds fewer than `committed` rows.
    """
    values = np.ascontiguousarray(values, "<f4")
    end = view_rows(path, committed, values.shape[1:]).nbytes
    header = _header((committed, *values.shape[1:]))
    with open(path, "r+b" if path.exists() else "w+b") as file:
        file.write(header)
        file.seek(len(header) + end)
        file.truncate()
        file.write(values.tobytes())
        file.seek(0)
        file.write(_header((committed + len(values), *values.shape[1:])))
        file.flush()
        os.fsync(file.fileno())


def view_rows(path: Path, committed: int, row_shape: tuple[int, ...]) -> NDArray[np.float32]:
    """The first `committed` rows as a read-only memory map: float32 [committed, *row_shape].

    Raises:
        ValueError: the file holds fewer.
    """
    shape = (committed, *row_shape)
    if not committed:
        return np.zeros(shape, np.float32)
    offset = len(_header(shape))
    try:
        return np.memmap(path, "<f4", "r", offset=offset, shape=shape)
    except (OSError, ValueError) as problem:
        raise ValueError(f"{path}: does not hold {committed} rows ({problem})") from None


def _header(shape: tuple[int, ...]) -> bytes:
    """Of the same length for any first axis."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "<f4", "fortran_order": False, "shape": shape})
    return buffer.getvalue()
