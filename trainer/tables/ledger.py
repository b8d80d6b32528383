"""The finished runs on the disk: one small JSON each, there whole or not at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edge.errors import EgoactError
from edge.json_text import read_json
from edge.whole_file import why, write_whole_file
from trainer.tables.run_score import RunScore
from trainer.tables.runs import Run
from trainer.tables.settings import TrainingSettings

FORMAT_VERSION = 1


class Ledger:
    """A folder of results.

    A file's name ends with a hash of all that the result depends on (clips, settings ...): after a change of it, the
    run is another one and is done again.
    """

    def __init__(
        self, folder: Path, settings: TrainingSettings, clips_sha256: Mapping[str, str], means: Mapping[str, str]
    ) -> None:
        """
        Args:
            folder: made when the first result is written.
            settings: of all runs.
            clips_sha256: fingerprint of every split's clips.
            means: what else a result depends on: the encoder of the narrations, the kind of device.
        """
        self.folder, self._settings = folder, settings
        self._clips_sha256, self._means = dict(clips_sha256), dict(means)

    def path(self, run: Run) -> Path:
        """Where the result of `run` is or will be."""
        return self.folder / f"{run.name}.{self._key(run)}.json"

    def read(self, run: Run) -> RunScore | None:
        """The result of a finished run; None when it has not been run, or what is there is no result."""
        try:
            return RunScore.from_json(read_json(self.path(run)))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def write(self, run: Run, score: RunScore) -> None:
        """Raises EgoactError when the disk refuses."""
        values = {**self._inputs(run), **score.to_json()}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_whole_file(self.path(run), (json.dumps(values, indent=1, sort_keys=True) + "\n").encode())
        except OSError as problem:
            raise EgoactError(
                f"{self.path(run)}: cannot be written ({why(problem)}); make room and give the command again:"
                " finished runs are kept"
            ) from None

    def _key(self, run: Run) -> str:
        return hashlib.sha256(json.dumps(self._inputs(run), sort_keys=True).encode()).hexdigest()[:10]

    def _inputs(self, run: Run) -> dict[str, Any]:
        return {
            "format_version": FORMAT_VERSION,
            "run": asdict(run),
            "settings": asdict(self._settings),
            "clips_sha256": self._clips_sha256[run.split],
            "means": self._means,
        }
