"""A replayed moment against what was computed and said live: the proof that a moment shows what happened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge.contract import RunResult
from edge.errors import SourceError
from edge.json_text import read_json
from edge.npy_file import map_npy
from edge.recording.moment import CLIP, FORMAT, INDEX
from edge.text import printable

MAX_INDEX_BYTES = 8 << 20


@dataclass(frozen=True)
class Agreement:
    """How a replay compares with the live run, over the rows that both computed."""

    rows: int
    """Rows whose features were compared: those that begin with a frame."""
    feature_difference: float
    """Largest difference of any feature; 0 when there was no row to compare."""
    labels: int
    """Labels that must be equal: those whose three rows are among them, one hop apart."""
    equal_labels: int

    def __str__(self) -> str:
        if not self.rows:
            return "as live: no row of the live run lies in this moment"
        difference = (
            f"features differ by at most {self.feature_difference:.2g}" if self.feature_difference else "features equal"
        )
        return f"as live: {self.equal_labels} of {self.labels} labels equal, {difference} over {self.rows} rows"


def moment_clip(path: Path) -> Path:
    """The clip of a moment's folder; any other path is returned as it is.

    Raises:
        SourceError: a folder that is no moment.
    """
    if not path.is_dir():
        return path
    if not (path / INDEX).is_file():
        raise SourceError(f"{printable(str(path))}: a folder, but no saved moment; name a clip inside it")
    return path / CLIP


def compare_with_live(folder: Path, result: RunResult) -> Agreement:
    """Compare the replay of a moment with what its folder says of the live run.

    Raises:
        SourceError: the folder's files are damaged, or of another format.
    """
    live, appearance, motion = _read(folder)
    replayed = {row.start_tick: (row, said) for row, said in zip(result.rows, result.predictions, strict=True)}
    common = [tick for tick in live.rows if tick in replayed and live.rows[tick].begins_seen]
    differences = [
        float(np.abs(then - now).max(initial=0))
        for tick in common
        for then, now in (
            (appearance[live.rows[tick].place], replayed[tick][0].appearance),
            (motion[live.rows[tick].place], replayed[tick][0].motion),
        )
    ]
    judged = [tick for tick in common if live.has_same_clip(tick, set(common))]
    return Agreement(
        rows=len(common),
        feature_difference=max(differences, default=0.0),
        labels=len(judged),
        equal_labels=sum(replayed[tick][1].label == live.rows[tick].label for tick in judged),
    )


class _Row(NamedTuple):
    place: int
    """In the arrays of features."""
    label: str
    begins_seen: bool


class _Live(NamedTuple):
    """What the index says of the live run; rows by their start tick."""

    rows: dict[int, _Row]
    hop: int
    clip_rows: int
    from_start: bool

    def has_same_clip(self, tick: int, comparable: set[int]) -> bool:
        """Whether the clip of the row at `tick` was made of the rows of which the replay makes it."""
        first = tick - (self.clip_rows - 1) * self.hop
        if first < 0 and not self.from_start:
            return False
        return all(before in comparable for before in range(max(tick % self.hop, first), tick, self.hop))


def _features(file: Path, rows: int) -> NDArray[np.float32]:
    """float32 [rows, width]."""
    values = map_npy(file)
    if values.ndim != 2 or values.dtype != np.float32 or len(values) != rows:
        raise ValueError(f"{file.name} is {values.dtype} {list(values.shape)}, and there are {rows} rows")
    return values


def _read(folder: Path) -> tuple[_Live, NDArray[np.float32], NDArray[np.float32]]:
    file = folder / INDEX
    try:
        index = read_json(file, MAX_INDEX_BYTES)
        if index["format"] != FORMAT:
            raise ValueError(f"format {index['format']!r}, this egoact reads {FORMAT}")
        rows = {
            int(row["start_tick"]): _Row(place, str(row["label"]), bool(row["begins_seen"]))
            for place, row in enumerate(index["rows"])
        }
        window = index["window"]
        live = _Live(rows, int(window["hop_frames"]), int(window["clip_rows"]), bool(index["from_start"]))
        appearance, motion = (_features(folder / f"{name}.npy", len(rows)) for name in ("appearance", "motion"))
        return live, appearance, motion
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, ArithmeticError) as error:
        reason = printable(str(error)) or type(error).__name__
        raise SourceError(f"{printable(str(file))}: not a moment ({reason}); save it again") from error
