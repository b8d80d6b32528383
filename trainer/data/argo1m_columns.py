"""The columns of an ARGO1M CSV, under any of the names that its releases use.

The README, the released code and the raw dump name them differently (label | label_idx, location_idx | source_idx);
`AliasColumns.notes` says which names were taken. A million rows take about two seconds: nothing here runs row by row.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
from numpy.typing import NDArray

from trainer.data.argo1m import VERBS
from trainer.data.errors import DatasetError

KNOWN = (
    *("uid", "label_idx", "label", "verb", "scenario_idx", "location_idx", "source_idx", "noun"),
    *("action_start_feature_idx", "action_end_feature_idx", "timestamp", "timeframe"),
    *("narration", "audio_narration", "consistency"),
)


@dataclass(frozen=True)
class Argo1mColumns:
    """A CSV file column by column, numbers parsed and not yet checked against their ranges; n rows."""

    path: Path
    uid: pa.ChunkedArray
    """string [n]"""
    label: NDArray[np.int64]
    scenario: NDArray[np.int64]
    location: NDArray[np.int64]
    start: NDArray[np.int64]
    """First feature row of the clip; may be out of range, as the released code clips it."""
    end: NDArray[np.int64]
    """Last feature row."""
    timestamp_s: NDArray[np.float64] | None
    """Start of the action; NaN where the cell is empty."""
    timeframe: NDArray[np.float64] | None
    """Frame of the start; NaN where the cell is empty."""
    consistency: NDArray[np.float64] | None
    """r; NaN where the cell is empty."""
    narration: pa.ChunkedArray | None
    """string [n], empty without one."""
    audio_narration: pa.ChunkedArray | None
    named_label: NDArray[np.int64] | None
    """Class by the text in 'label' where 'label_idx' gives the number: both should agree. -1 for unknown text."""
    notes: tuple[str, ...]
    """Which names were taken where the file offers others than the README's."""

    def __len__(self) -> int:
        return len(self.label)


def read_argo1m_columns(path: Path) -> Argo1mColumns:
    """Parse the file.

    Raises:
        DatasetError: it cannot be read, has no rows, lacks a needed column, or a cell is no number or no class name.
    """
    cells = _cells(path)
    notes: list[str] = []
    label_column, label = _label(path, cells, notes)
    location_column = _first(path, cells, ("location_idx", "source_idx"))
    if location_column != "location_idx":
        notes.append(f"location read from '{location_column}'")
    named = None
    if label_column == "label_idx" and "label" in cells and not _all_integers(cells["label"]):
        named = _class_of(cells["label"])
    return Argo1mColumns(
        path,
        uid=cells[_first(path, cells, ("uid",))],
        label=label,
        scenario=_integers(path, cells, _first(path, cells, ("scenario_idx",))),
        location=_integers(path, cells, location_column),
        start=_integers(path, cells, _first(path, cells, ("action_start_feature_idx",))),
        end=_integers(path, cells, _first(path, cells, ("action_end_feature_idx",))),
        timestamp_s=_optional_numbers(path, cells, "timestamp"),
        timeframe=_optional_numbers(path, cells, "timeframe"),
        consistency=_optional_numbers(path, cells, "consistency"),
        narration=cells.get("narration"),
        audio_narration=cells.get("audio_narration"),
        named_label=named,
        notes=tuple(notes),
    )


def _cells(path: Path) -> dict[str, pa.ChunkedArray]:
    """Every known column of the file as text without blanks around it."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            header = [name.strip().lower() for name in next(csv.reader(file), [])]
        doubled = [name for name in KNOWN if header.count(name) > 1]
        if doubled:
            raise DatasetError(f"{path}: column '{doubled[0]}' occurs twice; keep one")
        names = [name if name in KNOWN else f"other {i}" for i, name in enumerate(header)]
        wanted = [name for name in names if name in KNOWN]
        table = (
            pa_csv.read_csv(
                path,
                read_options=pa_csv.ReadOptions(column_names=names, skip_rows=1, use_threads=False),
                parse_options=pa_csv.ParseOptions(newlines_in_values=True),
                convert_options=pa_csv.ConvertOptions(
                    include_columns=wanted,
                    column_types={name: pa.string() for name in wanted},
                    strings_can_be_null=False,
                ),
            )
            if wanted
            else pa.table({})
        )
    except (OSError, UnicodeDecodeError, csv.Error, pa.ArrowException) as problem:
        reason = " ".join(str(problem).split())[:160]
        raise DatasetError(f"{path}: cannot be read as CSV ({reason}); download or save it again") from None
    if wanted and not table.num_rows:
        raise DatasetError(f"{path}: holds no clip; download it again")
    return {name: pc.utf8_trim_whitespace(table[name]) for name in wanted}


def _first(path: Path, cells: dict[str, pa.ChunkedArray], names: tuple[str, ...]) -> str:
    for name in names:
        if name in cells:
            return name
    raise DatasetError(f"{path}: no column '{names[0]}'" + "".join(f" or '{n}'" for n in names[1:]) + "; add it")


def _label(path: Path, cells: dict[str, pa.ChunkedArray], notes: list[str]) -> tuple[str, NDArray[np.int64]]:
    """The column that holds the class, and the class of every row."""
    column = _first(path, cells, ("label_idx", "label", "verb"))
    if column == "label_idx":
        return column, _integers(path, cells, column)
    if column == "label" and _all_integers(cells[column]):
        notes.append("class read from 'label' (numbers)")
        return column, _integers(path, cells, column)
    notes.append(f"class read from '{column}' (names)")
    label = _class_of(cells[column])
    unknown = np.flatnonzero(label < 0)
    if len(unknown):
        text = cells[column][int(unknown[0])].as_py()
        raise DatasetError(f"{path}: row {unknown[0] + 1}: {column} '{text}' is none of the 60 classes; correct it")
    return column, label


def _class_of(names: pa.ChunkedArray) -> NDArray[np.int64]:
    found = pc.index_in(pc.utf8_lower(names), value_set=pa.array(VERBS))
    return pc.fill_null(found, -1).to_numpy().astype(np.int64)


def _all_integers(cells: pa.ChunkedArray) -> bool:
    return bool(pc.all(pc.match_substring_regex(cells, r"^[+-]?\d+(\.0*)?$")).as_py())


def _integers(path: Path, cells: dict[str, pa.ChunkedArray], column: str) -> NDArray[np.int64]:
    values = _numbers(path, cells, column)
    wrong = np.flatnonzero(~(np.isfinite(values) & (values == np.rint(values)) & (np.abs(values) < 2**53)))
    if len(wrong):
        _refuse_cell(path, cells, column, int(wrong[0]), "a whole number")
    return values.astype(np.int64)


def _optional_numbers(path: Path, cells: dict[str, pa.ChunkedArray], column: str) -> NDArray[np.float64] | None:
    """NaN where a cell is empty; None when the column is not there."""
    if column not in cells:
        return None
    return _numbers(path, {column: pc.replace_substring_regex(cells[column], r"^$", "nan")}, column)


def _numbers(path: Path, cells: dict[str, pa.ChunkedArray], column: str) -> NDArray[np.float64]:
    try:
        return pc.cast(cells[column], pa.float64()).to_numpy()
    except pa.ArrowInvalid:
        for row, cell in enumerate(cells[column].to_pylist()):
            try:
                float(cell)
            except ValueError:
                _refuse_cell(path, cells, column, row, "a number")
        raise DatasetError(f"{path}: {column} holds a cell that is no number; correct it") from None


def _refuse_cell(path: Path, cells: dict[str, pa.ChunkedArray], column: str, row: int, wanted: str) -> None:
    text = cells[column][row].as_py()
    raise DatasetError(f"{path}: row {row + 1}: {column} '{text[:40]}' is not {wanted}; correct it")
