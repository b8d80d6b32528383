"""What a stored result depends on, as one hash: the clip, the bundle, the precision, the thresholds, the pace."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from edge.bundle import Bundle
from edge.errors import SourceError
from edge.precision import Precisions
from edge.text import printable

FORMAT = 1
"""Of the stored results; raised when what a run computes, or how it is stored, changes."""
_END_BYTES = 1 << 20


def fingerprint(clip: Path, bundle: Bundle, precisions: Precisions, temperature: float, pace: str) -> str:
    """Hexadecimal, 64 digits. Equal fingerprints mean that the same labels would come out.

    Of the clip its length and its first and last MiB are read, so that hour-long files cost nothing.

    Raises:
        SourceError: the clip cannot be read.
    """
    parts = {
        "format": FORMAT,
        "clip": _clip_hash(clip),
        "graphs": dict(sorted(bundle.sha256.items())),
        "labels": bundle.labels,
        "background": bundle.background_label,
        "window": asdict(bundle.window),
        "precision": precisions,
        "temperature": temperature,
        "thresholds": asdict(bundle.thresholds),
        "pace": pace,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _clip_hash(clip: Path) -> str:
    digest = hashlib.sha256()
    try:
        size = clip.stat().st_size
        with clip.open("rb") as stream:
            digest.update(stream.read(_END_BYTES))
            stream.seek(max(0, size - _END_BYTES))
            digest.update(stream.read(_END_BYTES))
    except OSError as error:
        raise SourceError(f"{printable(str(clip))}: cannot be read: {error.strerror}") from error
    return f"{size}:{digest.hexdigest()}"
