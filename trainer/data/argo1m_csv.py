"""ARGO1M's CSV files -> clips: what is annotated, and which rows of Ego4D's features a clip takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from trainer.data.argo1m import CLIP_ROWS, LOCATIONS, SCENARIOS, VERBS
from trainer.data.argo1m_columns import Argo1mColumns, read_argo1m_columns
from trainer.data.clip_facts import ClipFacts
from trainer.data.errors import DatasetError


@dataclass(frozen=True)
class Argo1mClips:
    """The n clips of a CSV file, or those of them that were selected."""

    facts: ClipFacts
    """`video_names` are Ego4D video uids."""
    start: NDArray[np.int64]
    """int64 [n], first feature row, as written."""
    end: NDArray[np.int64]
    """int64 [n], last feature row, as written."""
    csv_row: NDArray[np.int64]
    """int64 [n], place in the file (0 is the first row below the header): per-clip audio files are indexed by it."""
    notes: tuple[str, ...]
    """Which column names were taken where the file offers others than the README's."""

    def __len__(self) -> int:
        return len(self.start)

    def select(self, chosen: NDArray[np.integer] | NDArray[np.bool_]) -> Argo1mClips:
        """The clips `chosen` (indices or a mask).

        Raises:
            DatasetError: nothing is chosen.
        """
        return replace(
            self,
            facts=self.facts.select(chosen),
            start=self.start[chosen],
            end=self.end[chosen],
            csv_row=self.csv_row[chosen],
        )


def read_argo1m_csv(path: Path) -> Argo1mClips:
    """Read a CSV file in any of ARGO1M's column styles (see `argo1m_columns`).

    Feature rows are taken as they are: like the released code, the features' reader clips them to what a video has.

    Raises:
        DatasetError: whatever `read_argo1m_columns` refuses; a class, scenario, location or rating out of its range; a
            uid that is empty or no file name.
    """
    columns = read_argo1m_columns(path)
    for fault in column_faults(columns):
        raise DatasetError(fault)
    return clips_of(columns)


def column_faults(columns: Argo1mColumns) -> Iterator[str]:
    """One line for every column that holds a value out of its range."""
    for column, values, names in (
        ("label", columns.label, VERBS),
        ("scenario", columns.scenario, SCENARIOS),
        ("location", columns.location, LOCATIONS),
    ):
        wrong = np.flatnonzero((values < 0) | (values >= len(names)))
        if len(wrong):
            reason = f"{column} {values[wrong[0]]} is not in 0..{len(names) - 1}"
            yield _fault(columns, wrong, f"{reason}; correct the column or use ARGO1M's numbering")
    rating = columns.consistency
    if rating is not None:
        wrong = np.flatnonzero(~np.isnan(rating) & ~((rating >= 0) & (rating <= 1)))
        if len(wrong):
            mend = "divide the column by 100" if np.nanmax(rating) <= 100 and np.nanmin(rating) >= 0 else "correct it"
            yield _fault(columns, wrong, f"consistency {rating[wrong[0]]:g} is not in 0..1; {mend}")
    uids = columns.uid.unique().to_pylist()
    bad = [uid for uid in uids if not uid or uid.startswith(".") or any(c in uid for c in "/\\\0")]
    if bad:
        row = columns.uid.index(bad[0]).as_py()
        yield f"{columns.path}: row {row + 1}: uid '{bad[0][:60]}' is not an Ego4D video uid; correct it"


def clips_of(columns: Argo1mColumns) -> Argo1mClips:
    """The clips of columns in which `column_faults` finds nothing."""
    count = len(columns)
    uids = columns.uid.combine_chunks().dictionary_encode()
    texts: dict[str, int] = {}
    narration = _text_indices(columns.narration, count, texts)
    audio_narration = _text_indices(columns.audio_narration, count, texts)
    rating = np.ones(count) if columns.consistency is None else columns.consistency
    facts = ClipFacts(
        name=columns.path.name,
        video=uids.indices.to_numpy().astype(np.int64),
        label=columns.label,
        scenario=columns.scenario,
        location=columns.location,
        consistency=np.where(np.isnan(rating), 1.0, rating).astype(np.float32),
        narration=narration,
        audio_narration=audio_narration,
        video_names=tuple(uids.dictionary.to_pylist()),
        label_names=VERBS,
        scenario_names=SCENARIOS,
        location_names=LOCATIONS,
        texts=tuple(texts),
    )
    return Argo1mClips(facts, columns.start, columns.end, np.arange(count), columns.notes)


def clip_rows(
    start: NDArray[np.int64], end: NDArray[np.int64], video_rows: NDArray[np.int64] | int
) -> NDArray[np.int64]:
    """Feature rows of clips: rint(linspace(start, end, 3)), clipped to what the video has (CIR's sampling).

    Args:
        start, end: int64 [n], first and last row. video_rows: number of rows of each clip's video, int64 [n] or one.

    Returns:
        int64 [n, 3], in time order.
    """
    rows = np.rint(np.linspace(start, end, CLIP_ROWS, axis=-1)).astype(np.int64)
    return np.clip(rows, 0, np.asarray(video_rows)[..., None] - 1)


def _text_indices(column: pa.ChunkedArray | None, count: int, texts: dict[str, int]) -> NDArray[np.int64]:
    """Index of every cell's text in `texts` (which grows), -1 where it is empty."""
    if column is None:
        return np.full(count, -1, np.int64)
    encoded = column.combine_chunks().dictionary_encode()
    known = [texts.setdefault(text, len(texts)) if text else -1 for text in encoded.dictionary.to_pylist()]
    return np.array(known, np.int64)[encoded.indices.to_numpy()]


def _fault(columns: Argo1mColumns, rows: NDArray[np.int64], reason: str) -> str:
    more = f" ({len(rows):,} rows are like that)" if len(rows) > 1 else ""
    return f"{columns.path}: row {rows[0] + 1}: {reason}{more}"
