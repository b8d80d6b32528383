"""All exports of a set of runs into one folder."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

from edge.contract import RunResult, Segment
from edge.errors import EgoactError
from edge.exports.elan import elan
from edge.exports.segments_csv import segments_csv
from edge.exports.webvtt import webvtt
from edge.text import printable
from edge.whole_file import write_whole_file


class Exported(NamedTuple):
    """One clip to export."""

    media: Path
    result: RunResult
    truth: Sequence[Segment]


def write_exports(folder: Path, runs: Sequence[Exported]) -> tuple[Path, ...]:
    """Write segments.csv over all clips, and a .vtt and an .eaf a clip; names as the clips', numbered when they clash.

    Raises:
        EgoactError: the folder cannot be made, or a file in it cannot be written.
    """
    files = {folder / "segments.csv": segments_csv([run.result for run in runs])}
    for run in runs:
        stem = _free_stem(folder, run.media.stem, files)
        files[folder / f"{stem}.vtt"] = webvtt(run.result)
        now = datetime.now(timezone.utc)
        files[folder / f"{stem}.eaf"] = elan(run.result, run.truth, run.media, folder, written=now)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in files.items():
            write_whole_file(file, text)
    except OSError as error:
        where = printable(str(error.filename or folder))
        raise EgoactError(f"{where}: cannot be written: {error.strerror}; name another folder") from error
    return tuple(files)


def _free_stem(folder: Path, stem: str, taken: dict[Path, str]) -> str:
    names = (stem if number == 1 else f"{stem}-{number}" for number in range(1, len(taken) + 2))
    return next(name for name in names if folder / f"{name}.vtt" not in taken)
