from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from bench import gpu_check
from bench.gpu_check import GpuTests, amp_against_float32, report, table_2_rates
from bench.head_data import ROWS, MadeUpClips, Widths
from bench.plain_training import PlainDataset, plain_loader
from bench.train import Plan, compare, markdown
from trainer.loop.head_clips import HeadClips


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> MadeUpClips:
    made = MadeUpClips(tmp_path_factory.mktemp("clips"), 300, Widths(4, 3, 5, 6))
    made.write()
    return made


@pytest.mark.parametrize("resident", [False, True])
def test_both_loops_see_the_same_clips(clips: MadeUpClips, resident: bool) -> None:
    chosen = np.array([299, 0, 7, 150])
    ours = HeadClips(clips.table(), clips.narrations(), resident=resident).batch(torch.from_numpy(chosen))
    dataset = PlainDataset(clips)
    for place, clip in enumerate(chosen):
        for name, value in dataset[int(clip)].items():
            assert torch.equal(getattr(ours, name)[place], value), name
    assert ours.appearance.shape == (4, ROWS * 4)
    assert ours.narrated is None
    assert ours.visible is None


def test_the_plain_loader_gives_each_clip_once(clips: MadeUpClips) -> None:
    chosen = np.arange(100, 164)
    batches = list(plain_loader(PlainDataset(clips), chosen, 16, 0, "cpu"))
    seen = torch.cat([parts["audio"] for parts in batches])
    expected = torch.from_numpy(np.array(clips.array("audio")[chosen]))
    assert torch.equal(seen[seen[:, 0].argsort()], expected[expected[:, 0].argsort()])


@pytest.mark.slow
def test_the_ways_take_turns_and_the_table_names_them(clips: MadeUpClips) -> None:
    plan = Plan(clips, hidden=8, out=4, batch=16, steps=5, threads=1, device="cpu", amp=False)
    ways = ("ours, memory map", "plain, 0 workers")
    found = compare(plan, ways, repeats=2)
    assert [m.way for m in found] == list(ways)
    for measured in found:
        assert len(measured.clips_per_s) == 2
        assert measured.median > 0
        assert measured.peak_mib >= measured.own_mib > 10
    table = markdown(found, plan)
    assert "300 made-up clips of 12+9+5+6+6 features" in table
    assert "| plain, 0 workers |" in table


def test_the_parts_of_the_gpu_check_run_on_a_processor_too(clips: MadeUpClips) -> None:
    amp = amp_against_float32(clips, 8, 4, "cpu", epochs=1)
    assert amp.agreement == 1.0, "without a GPU there is no autocast"
    assert amp.largest_difference == 0.0
    rates = table_2_rates(clips, 8, 4, "cpu", minutes=0.001, splits=2, seeds=2)
    assert [rate.method for rate in rates] == ["erm", "cir", "narration_aligned"]
    assert all(rate.trainings == 4 and rate.epochs_each >= 0.5 and rate.clips_per_s > 0 for rate in rates)
    plan = Plan(clips, 8, 4, 16, 5, 1, "cpu", amp=False)
    text = report(GpuTests(3, 1, 0), [], plan, amp, rates)
    assert "3 passed, 1 failed, 0 skipped" in text
    assert "| together | 12 |" in text


def test_without_a_gpu_it_says_so_and_ends_well(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr("sys.argv", ["gpu_check", "--out", str(tmp_path / "report")])
    assert gpu_check.main() == 0
    assert "no NVIDIA GPU here" in capsys.readouterr().out
    assert not (tmp_path / "report").exists()
