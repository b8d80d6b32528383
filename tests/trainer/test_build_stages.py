from __future__ import annotations

from pathlib import Path

import pytest

from trainer.build_backbones import held_out_wearers
from trainer.build_plan import BuildPlan, plan_for
from trainer.build_stages import Stages
from trainer.data.world_csv import WorldVideo, read_sounds_csv, read_videos_csv


def test_a_finished_stage_is_skipped_and_another_input_runs_again(tmp_path: Path) -> None:
    calls: list[str] = []

    def work(folder: Path) -> None:
        calls.append(folder.name)
        (folder / "result").write_text("x")

    first = Stages(tmp_path, lambda line: None)
    folder = first.run("decode", {"seed": 0}, work)
    again = Stages(tmp_path, lambda line: None)
    assert again.run("decode", {"seed": 0}, work) == folder
    assert again.seconds == first.seconds
    other = again.run("decode", {"seed": 1}, work)
    assert other != folder
    assert calls == [folder.name, other.name]


def test_a_broken_stage_goes_on_in_its_folder(tmp_path: Path) -> None:
    def half(folder: Path) -> None:
        (folder / "part").write_text("half")
        raise RuntimeError("power cut")

    seen: list[bool] = []
    stages = Stages(tmp_path, lambda line: None)
    with pytest.raises(RuntimeError, match="power cut"):
        stages.run("features", {"seed": 0}, half)
    stages.run("features", {"seed": 0}, lambda folder: seen.append((folder / "part").exists()))
    assert seen == [True]


def test_the_plan_scales_the_pretraining_only() -> None:
    full, short = plan_for(45, 3, bf16=False), plan_for(9, 3, bf16=False)
    assert full.video.phases == BuildPlan().video.phases
    assert [p.rows for p in short.video.phases] == [round(p.rows / 5) for p in full.video.phases]
    assert short.audio.windows == round(full.audio.windows / 5)
    assert (short.head, short.video_s, short.splits) == (full.head, full.video_s, full.splits)
    assert {full.seed, full.video.seed, full.audio.seed, full.head.fit.seed} == {3}
    assert not set(full.pretrain_domains) & set(full.split_domains)


def test_one_wearer_of_each_location_is_held_out() -> None:
    videos = [
        WorldVideo(f"videos/{place}{n}{k}.mp4", "Cooking", place, f"{place} {n}")
        for place in ("Tokyo", "Bristol")
        for n in range(3)
        for k in range(2)
    ]
    held_out = held_out_wearers(videos, 0)
    assert sorted(wearer.split()[0] for wearer in held_out) == ["Bristol", "Tokyo"]
    assert held_out == held_out_wearers(list(reversed(videos)), 0)
    assert len({frozenset(held_out_wearers(videos, seed)) for seed in range(20)}) > 1
    assert held_out_wearers(videos[:1], 0) == set()  # nobody is left to train on


def test_tables_of_the_world_are_read(tmp_path: Path) -> None:
    (tmp_path / "videos.csv").write_text("video,scenario,location,wearer,seed\nvideos/a.mp4,Cooking,Tokyo,Tokyo 3,1\n")
    (tmp_path / "sounds.csv").write_text("video,start_s,end_s,sound,onscreen\nvideos/a.mp4,0.5,2,hum,0\n")
    [video] = read_videos_csv(tmp_path / "videos.csv")
    assert (video.name, video.domain, video.wearer) == ("a.mp4", ("Cooking", "Tokyo"), "Tokyo 3")
    assert read_sounds_csv(tmp_path / "sounds.csv")["a.mp4"][0].end_s == 2.0
