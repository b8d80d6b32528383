from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from edge.errors import UsageError
from tests.trainer.loop.rank import METHODS, train
from trainer.data.errors import DatasetError
from trainer.loop.epoch import batch_size
from trainer.loop.ranks import join_torchrun
from trainer.loop.settings import FitSettings

ROOT = Path(__file__).parents[3]


def run_ranks(out: Path) -> None:
    """Two processes with what torchrun sets in their environment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    world = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.trainer.loop.rank", str(out)],
            env={**os.environ, **world, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    for process in started:
        _, errors = process.communicate(timeout=240)
        assert process.returncode == 0, errors


def test_two_processes_train_what_one_does(tmp_path: Path) -> None:
    run_ranks(tmp_path)
    found = torch.load(tmp_path / "found.pt", weights_only=True)
    assert set(found) == set(METHODS)
    for method, (weights, accuracy) in found.items():
        alone = train(method)
        for name, value in alone.last_state.items():
            torch.testing.assert_close(weights[name], value, rtol=1e-7, atol=1e-9, msg=f"{method}: {name}")
        assert accuracy == alone.last_accuracy, method
        assert (tmp_path / method / "state.pt").exists()
        assert len((tmp_path / method / "metrics.jsonl").read_text().splitlines()) == 2


def test_ranks_share_a_batch_equally() -> None:
    assert batch_size(1000, FitSettings(batch=128), 3) == 126
    assert batch_size(11, FitSettings(batch=128), 2) == 10
    with pytest.raises(DatasetError, match="too few to train on with 2 ranks"):
        batch_size(3, FitSettings(batch=128), 2)


def test_without_torchrun_the_device_is_the_one_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    assert join_torchrun("cpu") == torch.device("cpu")


def test_a_rank_without_a_gpu_of_its_own_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "99")
    monkeypatch.setenv("WORLD_SIZE", "100")
    monkeypatch.setenv("LOCAL_RANK", "99")
    with pytest.raises(UsageError, match="rank 99 on this machine has no GPU of its own"):
        join_torchrun("cuda")
