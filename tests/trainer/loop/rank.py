"""One of two processes that train together, as torchrun starts them: `python -m tests.trainer.loop.rank OUT`.

In float64: Adam's first step is the gradient's sign, so that a rounding error of a gradient near 0 shows in full.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import torch

from tests.trainer.loop.toy import SETTINGS, SPEC, quiet, toy_narrations, toy_table
from trainer.loop.fit import fit
from trainer.loop.head_clips import Draw, HeadClips
from trainer.loop.ranks import join_torchrun
from trainer.loop.settings import FitResult
from trainer.methods.batch import Batch

METHODS = ("erm_r", "narration_aligned", "cir", "rna", "coral", "mmd", "boda")
"""Those without dropout, which every rank draws for itself."""


class DoubleClips(HeadClips):
    """Clips as float64."""

    def drawn(self, draw: Draw) -> Batch:
        parts = super().drawn(draw)._asdict().items()
        double = {name: part.double() for name, part in parts if part is not None and part.dtype == torch.float32}
        return super().drawn(draw)._replace(**double)


def train(method: str, out: Path | None = None) -> FitResult:
    """The same run in one process or in several."""
    torch.set_default_dtype(torch.float64)
    try:
        train, validation = (DoubleClips(toy_table(n, n, silent=0.2, untold=0.2), toy_narrations()) for n in (203, 51))
        return fit(method, {}, SPEC, train, validation, replace(SETTINGS, epochs=2, milestones=(1,)), out, quiet, 0.0)
    finally:
        torch.set_default_dtype(torch.float32)


def main() -> None:
    out = Path(sys.argv[1])
    torch.set_num_threads(1)
    join_torchrun("cpu")
    found = {}
    for method in METHODS:
        result = train(method, out / method)
        found[method] = (result.last_state, result.last_accuracy)
    if torch.distributed.get_rank() == 0:
        torch.save(found, out / "found.pt")
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
