"""What `egoact replay` was asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edge.bundle import SHIPPED
from edge.errors import UsageError
from edge.precision import AUTO


@dataclass(frozen=True)
class ReplayOptions:
    """Everything but the clips has a default."""

    clips: tuple[Path, ...]
    """Files, folders of them, or folders of saved moments."""
    bundle: Path = SHIPPED
    annotations: Path | None = None
    label_map: Path | None = None
    pace: Literal["realtime", "fast"] = "fast"
    precisions: tuple[str, ...] = (AUTO,)
    """Each clip is replayed once in each."""
    backend: str = AUTO
    threads: int | None = None
    label_age_ms: float | None = None
    """For the streaming score; None: as measured, or as estimated from the stage times."""
    jsonl: Path | None = None
    report: Path | None = None
    export: Path | None = None
    json: bool = False
    tui: bool = False
    resume: bool = False
    """Take results that the report's folder holds already."""

    def __post_init__(self) -> None:
        """Raises UsageError when options exclude each other."""
        if self.threads is not None and self.threads < 1:
            raise UsageError(f"--threads {self.threads}: must be at least 1")
        if self.label_age_ms is not None and not 0 <= self.label_age_ms < 1e6:
            raise UsageError(f"--label-age-ms {self.label_age_ms:g}: must be from 0 to a million")
        if self.tui and self.json:
            raise UsageError("--tui and --json exclude each other: leave one of them out")
        if len(self.precisions) > 1 and (self.tui or self.jsonl):
            raise UsageError("--tui and --jsonl take one precision at a time")
        if self.label_map is not None and self.annotations is None:
            raise UsageError("--label-map is for --annotations: give both")
