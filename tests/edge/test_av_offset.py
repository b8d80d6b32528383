"""The offset between picture and sound: found in made scenes, refused when it cannot be known, kept in a file."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from edge.av_offset import AvOffset, EventKind, av_offset
from edge.av_offset_file import offsets_path, store_av_offset, stored_av_offset_ms
from edge.av_onsets import Onsets, PictureTrace, sound_onsets_s
from edge.av_recording import AvRecording
from edge.cli import main
from edge.contract import AudioBlock, Frame
from edge.errors import EgoactError
from tests.edge import av_scene

MEASURED = AvOffset(41.26, 4.0, 12.1, 10, 12, 11)


def recording(*args: float | str, **options: int | float) -> AvRecording:
    made = AvRecording()
    for event in av_scene.events(*args, **options):  # type: ignore[arg-type]
        made.add(event)
    return made


@pytest.mark.parametrize("offset_ms", [-120.0, 0.0, 83.0, 240.0])
@pytest.mark.parametrize(("kind", "within_ms"), [("flash", 12.0), ("clap", 30.0)])
def test_the_offset_of_a_scene_is_found(kind: EventKind, within_ms: float, offset_ms: float) -> None:
    errors = []
    for seed in range(3):
        measured = recording(18.0, kind, offset_ms / 1e3, seed=seed).offset(kind, min_pairs=8)
        assert measured.pairs >= 14
        errors.append(measured.offset_ms - offset_ms)
    assert np.abs(errors).max() < within_ms


def test_events_that_are_only_heard_or_only_seen_drop_out() -> None:
    measured = recording(22.0, "flash", 0.06, seed=4, unseen=5, extra_sounds=8).offset("flash", min_pairs=8)
    assert measured.seen < measured.heard
    assert measured.offset_ms == pytest.approx(60, abs=12)


def test_held_frames_count_once() -> None:
    trace = PictureTrace()
    dark, bright = np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 200, np.uint8)
    for tick, (t_ms, image) in enumerate([(0, dark), (33, dark), (33, dark), (66, bright), (66, bright), (99, bright)]):
        trace.add(Frame(tick, t_ms * 1_000_000, image))
    assert trace.frames == 4
    assert trace.flashes().times_s == pytest.approx([0.0495])


def test_a_flash_in_a_gap_between_frames_has_no_time() -> None:
    trace = PictureTrace()
    for tick, t_ms in enumerate([0, 33, 66, 500, 533]):
        trace.add(Frame(tick, t_ms * 1_000_000, np.full((8, 8, 3), 0 if t_ms < 100 else 200, np.uint8)))
    assert len(trace.flashes().times_s) == 0


def test_sound_onsets_are_told_to_the_millisecond() -> None:
    happened_s = av_scene.event_times_s(20, 7)
    samples = av_scene.sound(happened_s, 20, np.random.default_rng(7))
    blocks = [AudioBlock(1000 + start, samples[start : start + 500]) for start in range(0, len(samples), 500)]
    found_s = sound_onsets_s(blocks, av_scene.RATE_HZ) - 1000 / av_scene.RATE_HZ
    assert len(found_s) == len(happened_s)
    assert np.abs(found_s - happened_s).max() < 0.001
    assert len(sound_onsets_s([], 16_000)) == 0


def test_nothing_happens_in_noise() -> None:
    random = np.random.default_rng(0)
    noise = (0.1 * random.standard_normal(160_000)).astype(np.float32)
    assert len(sound_onsets_s([AudioBlock(0, noise)], 16_000)) == 0
    made = recording(6.0, "flash", 0.0, unseen=5)
    with pytest.raises(EgoactError, match=r"0 flashes seen, 5 sounds heard, 0 pairs, 8 are needed: .*calibrate-av"):
        made.offset("flash", min_pairs=8)


def seen(times_s: np.ndarray) -> Onsets:
    return Onsets(times_s, np.ones(len(times_s)))


def test_pairs_that_disagree_are_refused() -> None:
    random = np.random.default_rng(1)
    heard_s = np.arange(40.0)
    with pytest.raises(EgoactError, match=r"disagree by \d+ ms"):
        av_offset(seen(heard_s + random.uniform(-0.09, 0.09, 40)), heard_s, "flash", 8)
    with pytest.raises(EgoactError, match=r"\d pairs, 20 are needed"):
        av_offset(seen(heard_s + random.uniform(-0.5, 0.5, 40)), heard_s, "flash", 8)
    assert av_offset(seen(heard_s + 0.1), heard_s, "flash", 8).offset_ms == pytest.approx(100)
    with pytest.raises(EgoactError, match="0 pairs"):
        av_offset(seen(heard_s + 0.5001), heard_s[:1], "flash", 2)


def test_two_offsets_that_fit_are_refused() -> None:
    """Hands that part as abruptly as they met: nobody knows which of the two stops was heard."""
    heard_s = np.arange(20.0)
    twice = Onsets(np.sort(np.concatenate([heard_s, heard_s + 0.4])), np.ones(40))
    with pytest.raises(EgoactError, match="another offset fits nearly as well"):
        av_offset(twice, heard_s, "clap", 8)
    quieter = np.where(np.arange(40) % 2, 0.5, 1.0)
    assert av_offset(twice._replace(strengths=quieter), heard_s, "clap", 8).offset_ms == pytest.approx(0)


def test_unrelated_onsets_give_no_offset() -> None:
    """People talking while things move: never an offset, whatever the seed."""
    for seed in range(200):
        random = np.random.default_rng(seed)
        moved = Onsets(np.sort(random.uniform(0, 30, 40)), random.uniform(1, 20, 40))
        with pytest.raises(EgoactError):
            av_offset(moved, np.sort(random.uniform(0, 30, 30)), "clap", 8)


def test_no_sound_and_no_picture_are_named() -> None:
    with pytest.raises(EgoactError, match="no picture at all"):
        AvRecording().offset("flash", 8)
    made = AvRecording()
    made.add(Frame(0, 0, np.zeros((8, 8, 3), np.uint8)))
    made.add(AudioBlock(0, np.zeros(100, np.float32), heard=False))
    with pytest.raises(EgoactError, match="no sound at all"):
        made.offset("flash", 8)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "egoact" / "av_offsets.json"


def test_offsets_are_kept_per_pair(config: Path) -> None:
    assert stored_av_offset_ms("cam", "mic") is None
    assert store_av_offset("cam", "mic", "flash", MEASURED) == config
    store_av_offset("cam", "other mic", "clap", MEASURED._replace(offset_ms=-5.0))
    store_av_offset("cam", "mic", "flash", MEASURED._replace(offset_ms=50.004))
    assert stored_av_offset_ms("cam", "mic") == 50.0
    assert stored_av_offset_ms("cam", "other mic") == -5.0
    assert stored_av_offset_ms("mic", "cam") is None
    data = json.loads(config.read_text())
    assert data["schema"] == 1
    assert len(data["offsets"]) == 2
    assert set(data["offsets"][0]) == {
        "camera", "microphone", "offset_ms", "interval_ms", "spread_ms", "pairs", "event", "measured",
    }  # fmt: skip
    assert os.listdir(config.parent) == [config.name]  # no temporary file stays


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"schema": 2, "offsets": []}', '{"schema": 1, "offsets": [3]}',
     '{"schema": 1, "offsets": [{"camera": "a", "microphone": "b", "offset_ms": "c"}]}',
     '{"schema": 1, "offsets": [{"camera": "a", "microphone": "b", "offset_ms": NaN}]}'],
)  # fmt: skip
def test_a_damaged_file_is_named_and_never_overwritten(text: str, config: Path) -> None:
    config.parent.mkdir(parents=True)
    config.write_text(text)
    with pytest.raises(EgoactError, match=f"{config}.*remove it and run 'egoact calibrate-av' again"):
        stored_av_offset_ms("a", "b")
    with pytest.raises(EgoactError, match="remove it"):
        store_av_offset("a", "b", "flash", MEASURED)
    assert config.read_text() == text


def test_a_failed_write_leaves_the_old_file(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store_av_offset("cam", "mic", "flash", MEASURED)
    before = config.read_text()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("edge.av_offset_file.os.fsync", full)
    with pytest.raises(EgoactError, match=r"cannot be written .*No space left"):
        store_av_offset("cam", "mic", "flash", MEASURED._replace(offset_ms=1.0))
    assert config.read_text() == before
    assert os.listdir(config.parent) == [config.name]


def test_a_relative_config_folder_does_not_count(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert offsets_path() == tmp_path / ".config" / "egoact" / "av_offsets.json"


def test_the_command_measures_a_clip(tmp_path: Path, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = av_scene.write_clip(tmp_path / "clip.mkv", 14.0, "flash", 0.1)
    assert main(["calibrate-av", "--clip", str(clip), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["offset_ms"] == pytest.approx(100, abs=12)
    assert told["frame_interval_ms"] == pytest.approx(33.33, abs=0.2)
    assert main(["calibrate-av", "--clip", str(clip)]) == 0
    assert "the picture comes later than the sound" in capsys.readouterr().out
    assert not config.exists()
    assert main(["calibrate-av", "--clip", str(clip), "--pairs", "50"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "are needed" in error


def test_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate-av"]) == 2
    assert main(["calibrate-av", "--camera", "/dev/video0", "--clip", "x.mp4"]) == 2
    assert main(["calibrate-av", "--camera", "/dev/video0", "--pairs", "1"]) == 2
    assert capsys.readouterr().err.count("\n") == 3
