"""The files of the built-in world: real MP4, deterministic, complete or absent."""

from __future__ import annotations

import csv
from pathlib import Path

import av
import numpy as np
import pytest

from edge import cli
from trainer.data.world import write
from trainer.data.world.domains import DOMAINS, LOCATION_BY_NAME, rng_for
from trainer.data.world.kits import KITS
from trainer.data.world.mix import render_sound
from trainer.data.world.scene import Scene
from trainer.data.world.script import make_plan
from trainer.data.world.sheet import draw_sheet, sheet_plan
from trainer.data.world.sound import VOICES, action_sound
from trainer.data.world.targets import draw_target
from trainer.data.world.tools import draw_tool
from trainer.data.world.write import is_rendered, render_video, write_world

COOKING = ("Cooking", "Tokyo")


def _decoded(path: Path) -> tuple[np.ndarray, np.ndarray]:
    with av.open(str(path)) as container:
        frames = np.stack([f.to_ndarray(format="rgb24") for f in container.decode(video=0)])
    with av.open(str(path)) as container:
        samples = np.concatenate([f.to_ndarray()[0] for f in container.decode(audio=0)])
    return frames, samples


def test_same_seed_gives_the_same_pixels_and_samples_whatever_was_drawn_before() -> None:
    plan = make_plan(5, *COOKING, 0, 8.0)
    one, two = Scene(plan), Scene(plan)
    later = one.frame(130)
    np.testing.assert_array_equal(one.frame(60), two.frame(60))
    np.testing.assert_array_equal(later, two.frame(130))
    np.testing.assert_array_equal(render_sound(plan), render_sound(plan))
    other = make_plan(6, *COOKING, 0, 8.0)
    assert (Scene(other).frame(60) != one.frame(60)).any()
    assert (render_sound(other) != render_sound(plan)).any()


def test_video_is_h264_and_aac_at_the_agreed_rates(tmp_path: Path) -> None:
    plan = make_plan(5, *COOKING, 0, 6.0)
    path = tmp_path / "clip.mp4"
    render_video(plan, path)
    with av.open(str(path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, audio.codec_context.name) == ("h264", "aac")
        assert (video.average_rate, audio.rate) == (30, 48_000)
        assert (video.width, video.height) == (320, 240)
        assert float(container.duration / av.time_base) == pytest.approx(6.0, abs=0.06)
    frames, samples = _decoded(path)
    assert len(frames) == 180
    assert len(samples) / 48_000 == pytest.approx(6.0, abs=0.05)
    assert path.stat().st_size < 6 * 48_000
    # Colours and timing survive the encoder: the picture is that of the scene, not one frame early or late.
    scene = Scene(plan)
    for index in (0, 77, 179):
        assert np.abs(frames[index].astype(int) - scene.frame(index)).mean() < 6
    sound = render_sound(plan)
    shared = min(len(sound), len(samples))
    assert np.corrcoef(sound[:shared], samples[:shared])[0, 1] > 0.8


def test_world_is_written_completely_and_kept_on_the_second_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    domains = [COOKING, ("Sport", "Bristol")]
    plans = write_world(tmp_path, seed=2, duration_s=5.0, domains=domains, workers=1)
    with (tmp_path / "videos.csv").open() as file:
        videos = list(csv.DictReader(file))
    assert [row["video"] for row in videos] == [f"videos/{plan.name}.mp4" for plan in plans]
    assert sorted(p.name for p in (tmp_path / "videos").iterdir()) == sorted(f"{plan.name}.mp4" for plan in plans)
    with (tmp_path / "annotations.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(len(plan.segments) for plan in plans)
    assert all((tmp_path / row["video"]).is_file() for row in rows)
    with (tmp_path / "sounds.csv").open() as file:
        assert {row["video"] for row in csv.DictReader(file)} == {row["video"] for row in videos}
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "videos").iterdir()}
    text = (tmp_path / "annotations.csv").read_bytes()
    capsys.readouterr()
    write_world(tmp_path, seed=2, duration_s=5.0, domains=domains, workers=1)
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "videos").iterdir()} == before
    assert (tmp_path / "annotations.csv").read_bytes() == text
    assert capsys.readouterr().out.count("kept") == 2


def test_workers_change_nothing(tmp_path: Path) -> None:
    domains = [COOKING, ("Sport", "Bristol")]
    for workers in (1, 2):
        write_world(tmp_path / str(workers), seed=2, duration_s=5.0, domains=domains, workers=workers)
    for one in sorted((tmp_path / "1").rglob("*.*")):
        assert one.read_bytes() == (tmp_path / "2" / one.relative_to(tmp_path / "1")).read_bytes(), one


def test_other_plan_replaces_the_file(tmp_path: Path) -> None:
    plan, other = make_plan(5, *COOKING, 0, 5.0), make_plan(6, *COOKING, 0, 5.0)
    path = tmp_path / "clip.mp4"
    assert not is_rendered(plan, path)
    render_video(plan, path)
    assert is_rendered(plan, path)
    assert not is_rendered(other, path)
    path.write_bytes(path.read_bytes()[:2000])
    assert not is_rendered(plan, path)


def test_interrupted_writing_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(plan: object) -> np.ndarray:
        raise KeyboardInterrupt

    monkeypatch.setattr(write, "render_sound", broken)
    (tmp_path / ".clip.mp4.1.part").touch()  # what a killed process leaves
    with pytest.raises(KeyboardInterrupt):
        render_video(make_plan(5, *COOKING, 0, 5.0), tmp_path / "clip.mp4")
    assert list(tmp_path.iterdir()) == []


def test_every_tool_and_target_can_be_drawn() -> None:
    location = LOCATION_BY_NAME["Tokyo"]
    for kit in {(k.tool, k.target): k for k in KITS.values()}.values():
        if kit.tool != "none":
            assert draw_tool(kit.tool, kit.tool_rgb, location).alpha.max() == 1.0
        if kit.target != "none":
            assert draw_target(kit.target, kit.target_rgb, location).body.alpha.max() == 1.0
    with pytest.raises(ValueError, match="spork"):
        draw_tool("spork", (0, 0, 0), location)
    with pytest.raises(ValueError, match="cloud"):
        draw_target("cloud", (0, 0, 0), location)


@pytest.mark.parametrize("sound", sorted(VOICES))
def test_every_action_sound_is_heard_and_not_clipped(sound: str) -> None:
    segment = sheet_plan(3, *COOKING).segments[0]
    wave = action_sound(sound, segment, own=True)
    assert len(wave) == 3 * 48_000
    assert np.isfinite(wave).all()
    assert 0.003 < np.sqrt(np.mean(wave**2)) < 0.2
    np.testing.assert_array_equal(wave, action_sound(sound, segment, own=True))
    assert (wave != action_sound(sound, segment, own=False)).any()


def test_own_sound_rises_above_the_ambience_and_a_silent_action_does_not() -> None:
    plan = sheet_plan(3, *COOKING, ("drill", "rub"))
    sound = render_sound(plan)

    def level_db(label: str) -> float:
        segment = next(s for s in plan.segments if s.label == label)
        part = sound[int(segment.start_s * 48_000) : int(segment.end_s * 48_000)]
        return float(10 * np.log10(np.mean(part**2)))

    assert level_db("drill") > level_db("rub") + 6
    assert np.abs(sound).max() <= 0.9


def test_domains_look_different_and_hands_move_in_actions() -> None:
    tokyo, catania = (Scene(sheet_plan(1, "Cooking", place, ("wash",))) for place in ("Tokyo", "Catania"))
    assert np.abs(tokyo.frame(100).astype(int) - catania.frame(100)).mean() > 8
    moved = np.abs(tokyo.frame(100).astype(int) - tokyo.frame(108)).mean(2)
    assert (moved > 25).mean() > 0.02


def test_sheet_has_a_row_a_domain_and_a_column_an_action() -> None:
    picture = draw_sheet([COOKING, ("Sport", "Bristol")], tile_px=(40, 30))
    assert picture.shape == (20 + 2 * 30, 118 + 16 * 40, 3)
    assert picture[25:, 120:].std() > 20


def test_generators_depend_on_seed_and_names_alone() -> None:
    assert rng_for(1, "a", "b").random() == rng_for(1, "a", "b").random()
    assert len({rng_for(s, n).random() for s in range(3) for n in ("a", "b")}) == 6
    assert len(set(DOMAINS)) == 48


def test_command_renders_the_domains_that_it_is_given(tmp_path: Path) -> None:
    options = ["--duration-s", "5", "--workers", "1", "--seed", "9", "--domain", "Arts and craft/Tokyo"]
    assert cli.main(["world", "--out", str(tmp_path / "new" / "world"), *options]) == 0
    videos = list((tmp_path / "new" / "world" / "videos").iterdir())
    assert [v.name[: len("arts_and_craft_tokyo_w")] for v in videos] == ["arts_and_craft_tokyo_w"]


@pytest.mark.parametrize(
    "options",
    [
        ["--domain", "Cooking"],
        ["--duration-s", "2"],
        ["--workers", "0"],
        ["--videos-per-domain", "0"],
        ["--seed", "-1"],
    ],
)
def test_command_refuses_wrong_use_in_one_line(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["world", "--out", str(tmp_path / "w"), *options]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert options[0] in message
    assert not (tmp_path / "w").exists()


def test_command_names_a_folder_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    options = ["--duration-s", "5", "--domain", "Cooking/Tokyo"]
    assert cli.main(["world", "--out", str(tmp_path / "file"), *options]) == 1
    assert str(tmp_path / "file") in capsys.readouterr().err
