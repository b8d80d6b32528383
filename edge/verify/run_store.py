"""Results of replayed clips kept in a folder, so that a second run only does what is missing.

One file a result, NAME-FINGERPRINT.npz: arrays without pickle, and a JSON text for the rest. It is written beside its
name and moved there, so that a run that is killed leaves no half file. Of the features only motion is kept: the
decisions need it, and nothing else does.
"""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.contract import FeatureRow, Prediction, RunResult, Segment, Telemetry
from edge.errors import StorageError
from edge.json_text import parse_json
from edge.text import printable
from edge.whole_file import whole_file

_MOST_BYTES = 1 << 30
"""Unpacked; an hour of video takes 10 MB."""
# NumPy, zipfile and zlib have no error in common.
_DAMAGE = (
    *(OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RuntimeError, EOFError),
    *(MemoryError, zipfile.BadZipFile, zlib.error),
)


class RunStore:
    """The results in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, clip: str, fingerprint: str) -> RunResult | None:
        """The stored result of a clip; None when there is none, or when its file is damaged."""
        file = self._file(clip, fingerprint)
        if not file.is_file():
            return None
        try:
            _refuse_bombs(file)
            with np.load(file, allow_pickle=False) as held:
                result = _unpacked({name: held[name] for name in held.files})
        except _DAMAGE:
            return None  # it is made again
        return result if result.clip == clip else None

    def save(self, clip: str, fingerprint: str, result: RunResult) -> None:
        """Keep a result.

        Raises:
            StorageError: the folder cannot be written to.
        """
        file = self._file(clip, fingerprint)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with whole_file(file) as stream:
                np.savez_compressed(stream, **_packed(result))  # type: ignore[arg-type]
        except OSError as error:
            raise StorageError(
                f"{printable(str(self._folder))}: results cannot be kept: {error.strerror}; make room and give the "
                "command again (finished clips are kept), or name another folder"
            ) from error

    def _file(self, clip: str, fingerprint: str) -> Path:
        stem = re.sub(r"[^A-Za-z0-9_-]+", "-", clip)[:80].strip("-") or "clip"
        return self._folder / f"{stem}-{fingerprint[:16]}.npz"


def _refuse_bombs(file: Path) -> None:
    """Raises ValueError when the file says that it unpacks to more than _MOST_BYTES (zipfile reads no further)."""
    with zipfile.ZipFile(file) as archive:
        if sum(member.file_size for member in archive.infolist()) > _MOST_BYTES:
            raise ValueError("too large")


_TIMES = ("row_index", "start_ns", "end_ns", "clip_end_ns", "emitted_ns")
_SHARES = ("video_coverage", "audio_coverage")


def _packed(result: RunResult) -> dict[str, NDArray[Any]]:
    said = result.predictions
    facts: dict[str, Any] = {
        "title": result.title,
        "clip": result.clip,
        "duration_s": result.duration_s,
        "labels": result.labels,
        "background_label": result.background_label,
        "pace": result.pace,
        "notes": result.notes,
        "segments": [asdict(segment) for segment in result.segments],
        "telemetry": asdict(result.telemetry),
        "stages": list(dict.fromkeys(stage for p in said for stage in p.stage_ms)),
    }
    stage_ms = [[p.stage_ms.get(stage, np.nan) for stage in facts["stages"]] for p in said]
    return {
        "facts": np.frombuffer(json.dumps(facts).encode(), np.uint8),
        "probabilities": np.array([p.probabilities for p in said], np.float32),
        "times": np.array([[getattr(p, name) for name in _TIMES] for p in said], np.int64),
        "shares": np.array([[getattr(p, name) for name in _SHARES] for p in said], np.float64),
        "said": np.array([[p.confidence, p.unknown] for p in said], np.float64),
        "label": np.array([result.labels.index(p.label) for p in said], np.int64),
        "stage_ms": np.array(stage_ms, np.float64).reshape(len(said), len(facts["stages"])),
        "motion": np.array([row.motion for row in result.rows], np.float32),
        "rows": np.array([[row.index, row.start_tick] for row in result.rows], np.int64),
        "row_coverage": np.array([row.coverage for row in result.rows], np.float64),
    }


def _unpacked(held: dict[str, NDArray[Any]]) -> RunResult:
    facts = parse_json(bytes(held["facts"]))
    labels, nothing = tuple(facts["labels"]), np.zeros(0, np.float32)
    telemetry: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in facts["telemetry"].items()}
    return RunResult(
        title=facts["title"],
        clip=facts["clip"],
        duration_s=facts["duration_s"],
        labels=labels,
        background_label=facts["background_label"],
        pace=facts["pace"],
        rows=tuple(
            FeatureRow(int(index), int(tick), nothing, motion, float(coverage))
            for (index, tick), motion, coverage in zip(held["rows"], held["motion"], held["row_coverage"], strict=True)
        ),
        predictions=tuple(
            Prediction(
                **dict(zip(_TIMES, held["times"][i].tolist(), strict=True)),
                **dict(zip(_SHARES, held["shares"][i].tolist(), strict=True)),
                probabilities=held["probabilities"][i],
                label=labels[int(held["label"][i])],
                confidence=float(held["said"][i, 0]),
                unknown=bool(held["said"][i, 1]),
                stage_ms={
                    stage: ms
                    for stage, ms in zip(facts["stages"], held["stage_ms"][i].tolist(), strict=True)
                    if ms == ms  # NaN: the stage did not run
                },
            )
            for i in range(len(held["probabilities"]))
        ),
        segments=tuple(Segment(**segment) for segment in facts["segments"]),
        telemetry=Telemetry(**telemetry),
        notes=tuple(facts["notes"]),
    )
