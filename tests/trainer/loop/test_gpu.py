"""The loop on an NVIDIA GPU."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.trainer.loop.test_resume import Killed, KilledClips
from tests.trainer.loop.toy import SETTINGS, SPEC, quiet, toy_narrations, toy_table
from trainer.loop.fit import fit
from trainer.loop.head_clips import HeadClips
from trainer.loop.predict import masked_logits
from trainer.loop.settings import FitResult
from trainer.methods.batch import Batch
from trainer.methods.table import METHODS

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU that PyTorch can use"),
]


def clips(count: int, seed: int, device: str, resident: bool = True) -> HeadClips:
    table = toy_table(count, seed, silent=0.1, untold=0.2)
    return HeadClips(table, toy_narrations(subjects=2), device, resident)


def run(method: str, train: HeadClips, out: Path | None = None, **changes: object) -> FitResult:
    settings = replace(SETTINGS, precision="float32", keep="last", **changes)
    return fit(method, {}, SPEC, train, None, settings, out, quiet, save_every_s=0.0)


@pytest.mark.parametrize("amp", [False, True])
@pytest.mark.parametrize("method", METHODS)
def test_every_method_learns(method: str, amp: bool) -> None:
    validation = clips(300, 1, "cuda")
    result = fit(method, {}, SPEC, clips(600, 0, "cuda"), validation, replace(SETTINGS, amp=amp), None, quiet)
    assert result.last_accuracy > 0.75


def test_batches_on_the_gpu_are_those_of_the_processor() -> None:
    chosen = torch.tensor([5, 99, 0])
    expected = clips(100, 2, "cpu").batch(chosen)
    for resident in (True, False):
        found = clips(100, 2, "cuda", resident).batch(chosen)
        for name in Batch._fields:
            value = getattr(found, name)
            assert (value is None) == (getattr(expected, name) is None)
            if value is not None:
                assert value.device.type == "cuda"
                torch.testing.assert_close(value.cpu(), getattr(expected, name), msg=name)


def test_one_step_is_that_of_the_processor() -> None:
    """Without dropout; a longer training would let rounding errors grow."""
    found = [run("narration_aligned", clips(32, 0, device), epochs=1) for device in ("cuda", "cpu")]
    test = [clips(50, 1, device) for device in ("cuda", "cpu")]
    logits = [masked_logits(result.method, part) for result, part in zip(found, test, strict=True)]
    np.testing.assert_allclose(*logits, atol=0.02)


def test_a_killed_run_goes_on_with_the_same_generators(tmp_path: Path) -> None:
    """GPU kernels may round differently from run to run, so the weights are close and not equal."""
    table, narrations = toy_table(200, 0), toy_narrations(2)
    whole = run("mixup", HeadClips(table, narrations, "cuda"), epochs=4)
    killed = KilledClips(table, narrations, "cuda")
    killed.last = 9
    with pytest.raises(Killed):
        run("mixup", killed, tmp_path, epochs=4)
    again = run("mixup", HeadClips(table, narrations, "cuda"), tmp_path, epochs=4)
    for name, value in whole.last_state.items():
        torch.testing.assert_close(again.last_state[name], value, rtol=1e-2, atol=1e-2, msg=name)
