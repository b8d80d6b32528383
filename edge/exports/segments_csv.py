"""Segments as CSV, in the columns that egoact reads as an annotation, and the confidence.

A spreadsheet runs a cell that begins with one of = + - @ as a formula: such a name gets an apostrophe before it, which
spreadsheets hide and `edge.annotations.csv_table` takes away again.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from edge.annotations.csv_table import no_formula
from edge.contract import NS_PER_S, RunResult

HEADER = ("video", "start_s", "end_s", "label", "confidence")


def segments_csv(results: Sequence[RunResult]) -> str:
    """One row a segment, clips in the order given, times in seconds to the millisecond."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    for result in results:
        for s in result.segments:
            times = (f"{s.start_ns / NS_PER_S:.3f}", f"{s.end_ns / NS_PER_S:.3f}")
            writer.writerow((no_formula(result.clip), *times, no_formula(s.label), f"{s.confidence:.4f}"))
    return out.getvalue()
