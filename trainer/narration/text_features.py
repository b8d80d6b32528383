"""Embedded narrations on disk: every narration once, with all five subjects or with a fixed one.

    text.json               format version, the encoder's name and width, the subjects
    embeddings.npy          float32 [rows, subjects, width]
    index/NNNNNN.parquet    text_sha256, narration (cleaned), row; in the order of the rows

The key of a narration is the sha256 of what `clean_up` makes of it. A chunk of narrations exists once its index file
does: embeddings are appended first, the index file is renamed into place last. A killed run loses the chunk in flight.

    features = TextFeatures(path)  # written by `encode_narrations`
    rows = features.rows_of(narrations)
    vectors = features.array[rows, rng.integers(len(features.subjects), size=len(rows))]  # CIR: a new draw every batch
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from edge.errors import EgoactError
from edge.json_text import read_json
from edge.whole_file import why, write_whole_file
from trainer.narration.clean_up import clean_up
from trainer.narration.growing_npy import append_rows, view_rows

FORMAT_VERSION = 1


class TextFeatureError(EgoactError):
    """Embedded narrations are missing, damaged, or were made with something else."""


def refused(folder: Path, problem: OSError) -> TextFeatureError:
    """The error of a folder that cannot be written."""
    return TextFeatureError(
        f"{folder}: cannot be written ({why(problem)}); make room or give another folder: the command goes on"
    )


class TextFeatures:
    """The embedded narrations in a folder."""

    def __init__(self, path: Path) -> None:
        """Open what `encode_narrations` wrote.

        Raises:
            TextFeatureError: there are none, they are damaged, or of another format.
        """
        self.path = path
        try:
            head = read_json(path / "text.json")
            version = head["format_version"]
            self.encoder = str(head["encoder"])
            """Name of the encoder."""
            self.dim = int(head["dim"])
            """Width of a vector."""
            self.subjects = tuple(map(str, head["subjects"]))
            """What the wearer is called, in the order of the array's second axis."""
        except FileNotFoundError:
            raise TextFeatureError(
                f"{path}: no embedded narrations here (no text.json); make them: egoact narrations SOURCE --out {path}"
            ) from None
        except (OSError, ValueError, KeyError, TypeError) as problem:
            raise TextFeatureError(f"{path}/text.json: cannot be read ({problem}); encode into a new folder") from None
        if version != FORMAT_VERSION:
            raise TextFeatureError(f"{path}: format {version}, this egoact reads format {FORMAT_VERSION}")
        if not 0 < self.dim < 1 << 20:
            raise TextFeatureError(f"{path}/text.json: its vectors are {self.dim} wide; encode into a new folder")
        self._row_of: dict[bytes, int] = {}
        self._parts = 0
        self._read_index()

    def __len__(self) -> int:
        """Number of narrations."""
        return len(self._row_of)

    def missing(self, narrations: Iterable[str]) -> list[str]:
        """What is not there of `narrations`: cleaned, each once, in their order."""
        return [text for text in dict.fromkeys(map(clean_up, narrations)) if _key(text) not in self._row_of]

    @property
    def array(self) -> NDArray[np.float32]:
        """All embeddings as a read-only memory map: float32 [rows, subjects, width].

        Raises:
            TextFeatureError: there are fewer on the disk than the index says.
        """
        try:
            return view_rows(self._array_path, len(self), (len(self.subjects), self.dim))
        except ValueError as problem:
            raise TextFeatureError(f"{problem}; encode the narrations into a new folder") from None

    def rows_of(self, narrations: Iterable[str]) -> NDArray[np.int64]:
        """Row of every narration in `array`: int64 [N].

        Raises:
            TextFeatureError: a narration was not encoded.
        """
        rows = []
        for narration in narrations:
            row = self._row_of.get(_key(clean_up(narration)))
            if row is None:
                raise TextFeatureError(
                    f"{self.path}: no embedding of {narration!r}; add it: egoact narrations SOURCE --out {self.path}"
                )
            rows.append(row)
        return np.array(rows, np.int64)

    def append(self, texts: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Add cleaned narrations that are not there yet; they are all there when this returns, or none of them is.

        Args:
            texts: N cleaned narrations, all different.
            vectors: float32 [N, subjects, width].

        Raises:
            TextFeatureError: committed rows are missing, or the disk refuses.
        """
        first = len(self)
        index = {
            "text_sha256": [_key(text).hex() for text in texts],
            "narration": list(texts),
            "row": np.arange(first, first + len(texts), dtype=np.int64),
        }
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table(index), sink)
        try:
            append_rows(self._array_path, first, vectors)
            write_whole_file(self._part_path(self._parts), sink.getvalue().to_pybytes())
        except ValueError as problem:
            raise TextFeatureError(f"{problem}; encode the narrations into a new folder") from None
        except OSError as problem:
            raise refused(self.path, problem) from None
        self._parts += 1
        self._row_of |= {_key(text): first + i for i, text in enumerate(texts)}

    def _read_index(self) -> None:
        for part in sorted((self.path / "index").glob("*.parquet")):
            try:
                table = pq.read_table(part, columns=["text_sha256", "row"])
                keys, rows = (table[name].to_pylist() for name in table.column_names)
                complete = part == self._part_path(self._parts) and rows == list(
                    range(len(self), len(self) + len(rows))
                )
                self._row_of |= zip(map(bytes.fromhex, keys), rows, strict=True)
            except (OSError, ValueError, TypeError, pa.ArrowException) as problem:
                reason = " ".join(str(problem).split())[:120]
                raise TextFeatureError(f"{part}: damaged ({reason}); encode into a new folder") from None
            if not complete:
                raise TextFeatureError(f"{part}: does not follow the part before it; encode into a new folder")
            self._parts += 1

    @property
    def _array_path(self) -> Path:
        return self.path / "embeddings.npy"

    def _part_path(self, number: int) -> Path:
        return self.path / "index" / f"{number:06d}.parquet"


def _key(cleaned: str) -> bytes:
    return hashlib.sha256(cleaned.encode()).digest()
