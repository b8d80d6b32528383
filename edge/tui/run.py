"""Runs a pipeline behind the terminal view: the pipeline in a thread, the view in the main thread."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.contract import RunResult, Snapshot
from edge.errors import EgoactError
from edge.pipeline import Pipeline
from edge.replay.transport import Transport
from edge.tui.app import EgoactApp
from edge.tui.terminal import run_on_terminal


def run_in_tui(pipeline: Pipeline, transport: Transport) -> RunResult:
    """Show a replay until the user quits, or until it has finished and the user has not gone to another place.

    Raises:
        EgoactError: what ended the pipeline, or the terminal view failed.
    """
    worker = Worker(pipeline)

    def latest() -> Snapshot | None:
        if worker.error is not None:
            app.exit()
            return None
        if worker.ident is None:
            # Only now is the view up: drawing it must not delay the first labels.
            worker.start()
        return transport.latest()

    app = EgoactApp(latest, pipeline.stop, controls=pipeline, transport=transport, exit_when_finished=True)
    try:
        with log_file() as log:
            run_on_terminal(app, log)
    finally:
        pipeline.stop()
        if worker.ident is not None:
            worker.join()
    if worker.error is not None:
        raise worker.error
    if worker.result is None:
        raise EgoactError("the terminal view ended before the stream began: run it again without --tui")
    return worker.result


@contextmanager
def log_file() -> Iterator[Path]:
    """A file for what is printed while the view has the terminal; removed when nothing was."""
    descriptor, name = tempfile.mkstemp(prefix="egoact-", suffix=".log")
    os.close(descriptor)
    log = Path(name)
    try:
        yield log
    finally:
        if log.stat().st_size == 0:
            log.unlink()


class Worker(threading.Thread):
    """The thread that runs the pipeline; keeps its result or its error."""

    def __init__(self, pipeline: Pipeline) -> None:
        super().__init__(name="inference", daemon=True)
        self.result: RunResult | None = None
        self.error: Exception | None = None
        self._pipeline = pipeline

    def run(self) -> None:
        try:
            self.result = self._pipeline.run()
        except Exception as error:
            self.error = error
