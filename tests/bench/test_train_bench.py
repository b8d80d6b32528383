from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import torch

from bench import gpu_check
from bench.gpu_check import GpuTests, amp_against_float32, report
from bench.gpu_table import MethodTime, TableTime, Trained, table_time_markdown, time_table_2
from bench.head_data import ROWS, MadeUpClips, Widths
from bench.plain_training import PlainDataset, plain_loader
from bench.train import compare, markdown
from bench.ways import Plan, loading, make_pass
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
    plan = Plan(clips, hidden=8, out=4, batch=16, steps=5, threads=1, device="cpu")
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


@pytest.mark.parametrize("what", ["training", "loading"])
@pytest.mark.parametrize("way", ["ours, memory map", "ours, resident", "plain, 0 workers"])
def test_every_way_passes_over_the_chosen_clips(clips: MadeUpClips, what: str, way: str) -> None:
    plan = Plan(clips, hidden=8, out=4, batch=16, steps=5, threads=1, device="cpu")
    plan = loading(plan) if what == "loading" else plan
    assert plan.steps == (18 if what == "loading" else 5), "no more batches than there are clips for"
    assert make_pass(plan, way)(np.arange(200, 280)) > 0


def test_workers_pass_over_the_chosen_clips(clips: MadeUpClips) -> None:
    plan = Plan(clips, hidden=8, out=4, batch=16, steps=5, threads=1, device="cpu")
    # In a fresh process, as the benchmark does: forking workers from one that runs engines is not safe.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert pool.submit(_one_pass, plan, "plain, 2 workers").result() > 0


def _one_pass(plan: Plan, way: str) -> float:
    return make_pass(plan, way)(np.arange(200, 280))


def test_the_parts_of_the_gpu_check_run_on_a_processor_too(clips: MadeUpClips) -> None:
    amp = amp_against_float32(clips, 8, 4, "cpu", epochs=1)
    assert amp.agreement > 0.5
    assert 0 < amp.largest_difference < 0.1, "bfloat16 rounds, but not this much"
    spec = clips.head_spec(8, 4)
    table_2 = time_table_2(clips, spec, "cpu", 0.001, lambda line: None, splits=2, seeds=2, whole=False)
    plan = Plan(clips, 8, 4, 16, 5, 1, "cpu")
    text = report(GpuTests(3, 1, 0), {"training": ([], plan), "loading": ([], loading(plan))}, amp, table_2)
    assert "3 passed, 1 failed, 0 skipped" in text
    assert [method.method for method in table_2.methods] == ["erm", "cir", "narration_aligned"]
    assert "| narration_aligned | 4 |" in text
    assert "Whole steps, head 8 and 4 wide" in text
    assert "Loading alone" in text


def test_what_is_foretold_of_table_2_stands_beside_what_was_measured() -> None:
    """Two short trainings of one epoch at 100 and 200 clips/s, and a whole one that was slower than they foretold."""
    short = (Trained(0, 1000, 1, 2.0, 100.0), Trained(1, 1000, 1, 2.0, 200.0))
    method = MethodTime("erm", short, Trained(0, 1000, 50, 2.0, 80.0), 7.0)
    assert method.foretold_minutes == pytest.approx((2 + 500 + 2 + 250) / 60)
    assert method.foretold_over_whole == pytest.approx(502 / 627)
    text = "\n".join(table_time_markdown(TableTime((method,), loading_s=30.0), clips=63_000))
    assert "| erm | 2 | 1 | 200 (100 to 200) | 7 | 10.45 | 0.80 | 12.6 |" in text
    assert "Measured: 0.3 minutes of trainings. Extrapolated from them: 13 minutes" in text
    assert "that is under the target of 60 minutes" in text
    assert "it would be about 131 minutes" in text
    late = "\n".join(table_time_markdown(TableTime((method,) * 5, loading_s=0.0), clips=63_000))
    assert "that is NOT under the target" in late


def test_without_a_gpu_it_says_so_and_ends_well(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr("sys.argv", ["gpu_check", "--out", str(tmp_path / "report")])
    assert gpu_check.main() == 0
    assert "no NVIDIA GPU here" in capsys.readouterr().out
    assert not (tmp_path / "report").exists()
