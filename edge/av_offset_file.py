"""Where audio-video offsets are kept, one a pair of camera and microphone: $XDG_CONFIG_HOME/egoact/av_offsets.json.

    {"schema": 1, "offsets": [{"camera": "...", "microphone": "...", "offset_ms": 41.5, "interval_ms": 4.0,
      "spread_ms": 12.1, "pairs": 10, "event": "flash", "measured": "2026-11-24T23:59:59+00:00"}]}

The names are those that the sensors give as `SensorFacts.device`. The file is replaced as a whole or not at all.
"""

from __future__ import annotations

import json
import math
import os
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from edge.av_offset import AvOffset, EventKind
from edge.errors import EgoactError
from edge.json_text import read_json
from edge.text import printable
from edge.whole_file import write_whole_file

SCHEMA = 1


def offsets_path() -> Path:
    """The file; $XDG_CONFIG_HOME counts only when it is an absolute path (XDG Base Directory Specification 0.8)."""
    configured = os.environ.get("XDG_CONFIG_HOME", "")
    folder = Path(configured) if os.path.isabs(configured) else Path.home() / ".config"
    return folder / "egoact" / "av_offsets.json"


def stored_av_offset_ms(camera: str, microphone: str) -> float | None:
    """How much later the camera's times come than the microphone's; None when this pair was never measured.

    camera, microphone: `SensorFacts.device` of both.

    Raises:
        EgoactError: the file is damaged.
    """
    for entry in _entries(offsets_path()):
        if (entry["camera"], entry["microphone"]) == (camera, microphone):
            return float(entry["offset_ms"])
    return None


def store_av_offset(camera: str, microphone: str, kind: EventKind, measured: AvOffset) -> Path:
    """Keep the offset of this pair, in place of an earlier one. Returns the file.

    Raises:
        EgoactError: the file is damaged, or cannot be written.
    """
    path = offsets_path()
    kept = [entry for entry in _entries(path) if (entry["camera"], entry["microphone"]) != (camera, microphone)]
    entry = {
        "camera": camera,
        "microphone": microphone,
        "offset_ms": round(measured.offset_ms, 2),
        "interval_ms": round(measured.interval_ms, 2),
        "spread_ms": round(measured.spread_ms, 2),
        "pairs": measured.pairs,
        "event": kind,
        "measured": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {"schema": SCHEMA, "offsets": [*kept, entry]}
        write_whole_file(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        raise EgoactError(f"{path}: cannot be written ({error.strerror}); free space or change its owner") from error
    return path


def _entries(path: Path) -> list[dict[str, Any]]:
    try:
        data = read_json(path)
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise _damaged(path, str(error)) from error
    if not isinstance(data, dict) or data.get("schema") != SCHEMA or not isinstance(data.get("offsets"), list):
        raise _damaged(path, f"not of schema {SCHEMA}")
    entries: list[dict[str, Any]] = data["offsets"]
    for entry in entries:
        if not isinstance(entry, dict) or not all(
            isinstance(entry.get(name), str) for name in ("camera", "microphone")
        ):
            raise _damaged(path, "an offset without the names of its devices")
        offset_ms = entry.get("offset_ms")
        if isinstance(offset_ms, bool) or not isinstance(offset_ms, int | float) or not math.isfinite(offset_ms):
            raise _damaged(path, "an offset that is no number")
    return entries


def _damaged(path: Path, reason: str) -> EgoactError:
    return EgoactError(f"{path}: {printable(reason)}; remove it and run 'egoact calibrate-av' again")
