"""A run that goes on after a kill gives the weights of an undisturbed one, bit for bit."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.trainer.loop.toy import SETTINGS, SPEC, quiet, toy_clips, toy_narrations, toy_table
from trainer.loop.errors import RunError
from trainer.loop.fit import fit
from trainer.loop.head_clips import Draw, HeadClips
from trainer.loop.settings import FitResult
from trainer.methods.batch import Batch

EPOCHS, STEPS = 3, 6


class Killed(BaseException):
    """Not an Exception: nothing in the loop may catch it."""


class KilledClips(HeadClips):
    """Clips whose reader dies before it gives the batch with number `last`."""

    last = 10**9

    def batches(self, draws: Iterable[Draw]) -> Iterator[Batch]:
        for batch in super().batches(draws):
            if len(batch.label) == SETTINGS.batch:  # not those that a method looks at ahead
                if self.last == 0:
                    raise Killed
                self.last -= 1
            yield batch


def clips() -> KilledClips:
    return KilledClips(
        toy_table(STEPS * SETTINGS.batch + 3, 0, silent=0.2, untold=0.2), toy_narrations(2), resident=True
    )


def run(method: str, train: HeadClips, out: Path | None, **changes: object) -> FitResult:
    spec = replace(SPEC, order="fc-bn-relu-dropout")
    changed = {"epochs": EPOCHS, "milestones": (2,), "drop_audio": 0.2, "sampling": "domain", **changes}
    return fit(method, {}, spec, train, toy_clips(50, 1), replace(SETTINGS, **changed), out, quiet, save_every_s=0.0)


@pytest.mark.parametrize("killed_at", [1, 5, 6, 13, 17])
def test_killed_at_any_step(killed_at: int, tmp_path: Path) -> None:
    undisturbed = run("narration_aligned", clips(), None)
    assert_same_after_kills("narration_aligned", [killed_at], undisturbed, tmp_path)


def test_killed_with_bfloat16_products(tmp_path: Path) -> None:
    undisturbed = run("narration_aligned", clips(), None, precision="bfloat16")
    assert_same_after_kills("narration_aligned", [8], undisturbed, tmp_path, precision="bfloat16")


@pytest.mark.parametrize("method", ["mixup", "boda", "doprompt"])
def test_killed_twice_with_methods_that_draw_or_look_ahead(method: str, tmp_path: Path) -> None:
    assert_same_after_kills(method, [3, 8], run(method, clips(), None), tmp_path)


def assert_same_after_kills(
    method: str, kills: list[int], undisturbed: FitResult, folder: Path, **changes: object
) -> None:
    for last in kills:
        train = clips()
        train.last = last
        with pytest.raises(Killed):
            run(method, train, folder, **changes)
        torch.rand(5)  # what happens in between must not matter
    resumed = run(method, clips(), folder, **changes)
    for found, expected in (
        (resumed.method.state_dict(), undisturbed.method.state_dict()),
        (resumed.last_state, undisturbed.last_state),
    ):
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[name], expected[name]) for name in found)
    assert (resumed.best_epoch, resumed.best_accuracy, resumed.last_accuracy) == (
        undisturbed.best_epoch,
        undisturbed.best_accuracy,
        undisturbed.last_accuracy,
    )
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    assert {"loss", "validation", "lr", "clips_per_s"} < lines[0].keys()


def test_a_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    first = run("erm", clips(), tmp_path)
    dead = clips()
    dead.last = 0
    again = run("erm", dead, tmp_path)
    assert all(torch.equal(value, again.last_state[name]) for name, value in first.last_state.items())


@pytest.mark.parametrize(
    ("method", "hidden", "seed", "what"),
    [("mixup", 24, 0, "method"), ("erm", 25, 0, "head"), ("erm", 24, 1, "settings")],
)
def test_another_run_in_the_folder_is_refused(method: str, hidden: int, seed: int, what: str, tmp_path: Path) -> None:
    settings = replace(SETTINGS, epochs=1)
    fit("erm", {}, SPEC, clips(), None, settings, tmp_path, quiet)
    spec = replace(SPEC, hidden=hidden)
    with pytest.raises(RunError, match=f"holds a run with another {what}; give another folder"):
        fit(method, {}, spec, clips(), None, replace(settings, seed=seed), tmp_path, quiet)


def test_a_full_disk_is_one_line_and_what_was_written_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train = clips()
    train.last = 8
    with pytest.raises(Killed):
        run("erm", train, tmp_path)
    before = (tmp_path / "state.pt").read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(RunError, match=r"cannot be written \(no space left on device\); make room") as caught:
            run("erm", clips(), tmp_path)
    assert "\n" not in str(caught.value)
    assert (tmp_path / "state.pt").read_bytes() == before
    assert not list(tmp_path.glob("*.part"))
    assert run("erm", clips(), tmp_path).epochs == EPOCHS


def test_a_damaged_state_is_refused(tmp_path: Path) -> None:
    run("erm", clips(), tmp_path, epochs=1)
    content = (tmp_path / "state.pt").read_bytes()
    (tmp_path / "state.pt").write_bytes(content[: len(content) // 2])
    with pytest.raises(RunError, match=r"state.pt: cannot be read \(.*\); delete it to start again"):
        run("erm", clips(), tmp_path, epochs=1)
