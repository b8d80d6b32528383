"""The figures of every epoch: `metrics.jsonl`, and the same for TensorBoard where it is installed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from trainer.loop.whole_run_file import refused, write_run_file

METRICS, BOARD = "metrics.jsonl", "tensorboard"


def has_tensorboard() -> bool:
    """Whether runs also write what TensorBoard shows."""
    return find_spec("tensorboard") is not None


class Metrics:
    """One line an epoch: epoch, loss, validation, lr, clips_per_s."""

    def __init__(self, folder: Path | None, epochs_done: int) -> None:
        """Go on after `epochs_done` epochs; lines of later ones, which a killed run left, are taken out.

        Args:
            folder: of the run; None writes nothing.

        Raises:
            RunError: the folder cannot be written.
        """
        self._path = None if folder is None else folder / METRICS
        self._board = None if folder is None else _tensorboard(folder, epochs_done)
        if self._path is not None:
            kept = (
                self._path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
                if self._path.exists()
                else []
            )
            write_run_file(self._path, "".join(kept[:epochs_done]).encode())

    def write(self, epoch: int, loss: float, validation: float, lr: float, clips_per_s: float) -> None:
        """Append the figures after an epoch, counted from 1.

        Raises:
            RunError: the disk is full.
        """
        if self._path is None:
            return
        figures = {"loss": loss, "validation": validation, "lr": lr, "clips_per_s": clips_per_s}
        known = {name: value for name, value in figures.items() if value == value}  # JSON has no NaN
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"epoch": epoch, **known}) + "\n")
        except OSError as problem:
            raise refused(self._path, problem) from None
        if self._board is not None:
            with _refusals_of(self._path.with_name(BOARD)):
                for name, value in known.items():
                    self._board.add_scalar(name, value, epoch)

    def close(self) -> None:
        """Write out what TensorBoard's writer holds back.

        Raises:
            RunError: the disk is full.
        """
        if self._board is not None and self._path is not None:
            with _refusals_of(self._path.with_name(BOARD)):
                self._board.close()


def _tensorboard(folder: Path, epochs_done: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    with _refusals_of(folder / BOARD):
        return SummaryWriter(str(folder / BOARD), purge_step=epochs_done + 1)


@contextmanager
def _refusals_of(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise refused(folder, problem) from None
