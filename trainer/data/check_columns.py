"""Checks of one ARGO1M CSV file by itself: ranges, names against numbers, rows, times."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trainer.data.argo1m import FRAME_RATE_HZ, HOP_FRAMES, ROW_FRAMES
from trainer.data.argo1m_columns import Argo1mColumns
from trainer.data.argo1m_csv import column_faults
from trainer.data.check_report import CheckReport

TOLERATED = 0.01
"""Share of the clips whose times may disagree before it is an error."""
FRAME_TOLERANCE_S = 0.1


def check_columns(columns: Argo1mColumns, report: CheckReport) -> bool:
    """Add what is found; False when values are out of range, so that no clips can be made of the file."""
    faults = list(column_faults(columns))
    for fault in faults:
        report.add("error", "range", fault)
    for note in columns.notes:
        report.add("note", "alias", f"{columns.path}: {note}")
    _check_names(columns, report)
    _check_rows(columns, report)
    _check_times(columns, report)
    return not faults


def _check_names(columns: Argo1mColumns, report: CheckReport) -> None:
    if columns.named_label is None:
        return
    wrong = (columns.named_label >= 0) & (columns.named_label != columns.label)
    if wrong.any():
        row = int(wrong.argmax()) + 1
        report.add(
            "error",
            "label-names",
            f"{columns.path}: row {row}: 'label_idx' and the name in 'label' disagree ({wrong.sum():,} rows);"
            " the file numbers its classes otherwise: delete 'label_idx' to go by name",
        )


def _check_rows(columns: Argo1mColumns, report: CheckReport) -> None:
    for wrong, reason in (
        (columns.start < 0, "starts before feature row 0 and is clipped to it"),
        (columns.end < columns.start, "ends before it starts: its rows are taken backwards"),
    ):
        if wrong.any():
            row = int(wrong.argmax()) + 1
            many = f"{wrong.sum():,} rows"
            report.add("warning", "rows", f"{columns.path}: row {row}: the clip {reason} ({many}); check the file")


def _check_times(columns: Argo1mColumns, report: CheckReport) -> None:
    """A clip starts within its first row or one hop before it; Ego4D's row i covers frames [16 i, 16 i + 32)."""
    first_frame = columns.start * HOP_FRAMES
    for name, values in (("timestamp", columns.timestamp_s), ("timeframe", columns.timeframe)):
        if values is None:
            continue
        frame = values * FRAME_RATE_HZ if name == "timestamp" else values
        late = frame - first_frame
        known = np.isfinite(frame)
        wrong = known & ((late < -HOP_FRAMES) | (late > ROW_FRAMES))
        _add_times(
            columns,
            report,
            wrong,
            f"'action_start_feature_idx' and '{name}' are more than a row apart",
            float(np.median(late[wrong])) / FRAME_RATE_HZ if wrong.any() else 0.0,
        )
    if columns.timestamp_s is not None and columns.timeframe is not None:
        apart_s = columns.timeframe / FRAME_RATE_HZ - columns.timestamp_s
        wrong = np.abs(apart_s) > FRAME_TOLERANCE_S  # False for NaN
        median_s = float(np.median(apart_s[wrong])) if wrong.any() else 0.0
        _add_times(columns, report, wrong, "'timeframe' at 30 fps and 'timestamp' are apart", median_s)


def _add_times(
    columns: Argo1mColumns, report: CheckReport, wrong: NDArray[np.bool_], what: str, median_s: float
) -> None:
    if not wrong.any():
        return
    share = float(wrong.mean())
    many = f"{wrong.sum():,} rows, {share:.1%}, by {median_s:+.1f} s"
    report.add(
        "error" if share > TOLERATED else "warning",
        "times",
        f"{columns.path}: row {int(wrong.argmax()) + 1}: {what} ({many});"
        " the features or the file are of another version: get both anew",
    )
