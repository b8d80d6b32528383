"""Stages of a long build: each has a folder named after its inputs, and is skipped when that folder is finished."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge.errors import EgoactError
from edge.whole_file import why, write_whole_file

DONE = "done.json"


class Stages:
    """Runs stages under one folder and keeps their seconds.

    A stage's folder is NAME-HASH, with the hash over the stage's inputs; stages that feed it are named among its inputs
    by their folders' names, so a change anywhere gives every later stage a new folder.
    """

    def __init__(self, folder: Path, log: Callable[[str], None]) -> None:
        self.folder = folder
        self.seconds: dict[str, float] = {}
        """Seconds that each stage took when it ran, in this process or an earlier one."""
        self._log = log

    def run(self, name: str, inputs: dict[str, Any], work: Callable[[Path], None]) -> Path:
        """The folder of the finished stage. `work(folder)` is called unless it is finished, also after a broken run:
        it goes on with what lies in the folder.

        Args:
            inputs: everything that the result depends on; JSON values.

        Raises:
            EgoactError: the disk is full, or a file cannot be read or written.
        """
        key = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:10]
        folder = self.folder / f"{name}-{key}"
        done = folder / DONE
        if done.exists():
            self.seconds[name] = float(json.loads(done.read_text())["seconds"])
            self._log(f"{name}: already there ({self.seconds[name]:.0f} s when it was made)")
            return folder
        self._log(f"{name}: starts")
        started = time.monotonic()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            work(folder)
            self.seconds[name] = round(time.monotonic() - started, 1)
            values = {"seconds": self.seconds[name], "inputs": inputs}
            write_whole_file(done, json.dumps(values, indent=1, sort_keys=True).encode())
        except OSError as problem:
            raise EgoactError(
                f"{problem.filename or folder}: {why(problem)}; mend it and give the command again: what is done stays"
            ) from problem
        self._log(f"{name}: {self.seconds[name]:.0f} s")
        return folder
