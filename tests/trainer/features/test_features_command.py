from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from edge.cli import main
from tests.media import make_clip
from tests.tiny_bundle import make_bundle
from tests.trainer.features.test_run import contents
from tests.trainer.weights.checkpoints import BASE_BEATS, write_beats, write_slowfast
from trainer.features.store import FeatureStore
from trainer.models.slowfast import slowfast_r101

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundle")).path


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    for number in range(20):
        audio = "tone" if number % 2 else None
        make_clip(folder / f"clip{number:02d}.mp4", seconds=1.3 + number % 3 / 3, size=(48, 32), audio=audio)
    return folder


def features(*arguments: str | Path) -> int:
    return main(["features", *map(str, arguments)])


def small(bundle: Path) -> list[str]:
    return ["--video", "small", "--audio", "small", "--bundle", str(bundle), "--threads", "1"]


def test_a_folder_becomes_a_store(clips: Path, bundle: Path, tmp_path: Path) -> None:
    assert features(clips, "--out", tmp_path, *small(bundle)) == 0
    store = FeatureStore.open(tmp_path)
    assert store.videos == tuple(sorted(path.name for path in clips.iterdir()))
    first = store.video("clip00.mp4")
    assert first.start_tick.tolist() == [0, 7]  # Ego4D's example: 39 frames
    assert first.appearance.shape == (2, 3)
    assert not first.audio.any()
    assert store.video("clip01.mp4").audio.any()
    assert store.spec["video"]["name"] == "small"
    assert len(store.spec["video"]["sha256"]) == 64


def test_killed_at_random_moments_the_store_is_byte_equal(clips: Path, bundle: Path, tmp_path: Path) -> None:
    """kill -9 in the middle, again and again, until a run gets through."""
    assert features(clips, "--out", tmp_path / "undisturbed", *small(bundle)) == 0
    store = tmp_path / "store"
    command = [sys.executable, "-m", "edge.cli", "features", str(clips), "--out", str(store), *small(bundle)]
    rng = random.Random(4)
    killed = 0
    for goal in (2, 9, 15):  # kill when about so many videos are there, at a random moment
        child = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 120
        while child.poll() is None and len(list(store.glob("index/*.parquet"))) < goal:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.03))
        child.send_signal(signal.SIGKILL)
        killed += child.wait() == -signal.SIGKILL
    assert killed == 3
    assert len(list(store.glob("index/*.parquet"))) < 20
    assert subprocess.run(command, cwd=ROOT, stderr=subprocess.DEVNULL).returncode == 0
    assert contents(store) == contents(tmp_path / "undisturbed")


def test_a_broken_video_is_listed_and_the_others_are_there(
    clips: Path, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.mp4").write_bytes((clips / "clip01.mp4").read_bytes()[:700])
    (tmp_path / "clips.csv").write_text(f"video\n{clips / 'clip00.mp4'}\nbad.mp4\nnone.mp4\n{clips / 'clip01.mp4'}\n")
    assert features(tmp_path / "clips.csv", "--out", tmp_path / "store", *small(bundle)) == 1
    out, error = capsys.readouterr()
    told = [line for line in error.splitlines() if line.startswith("egoact features:")]
    assert len(told) == 2
    assert "bad.mp4" in told[0]
    assert "none.mp4: no such file" in told[1]
    assert "2 of 4 videos failed" in out
    assert FeatureStore.open(tmp_path / "store").videos == ("clip00.mp4", "clip01.mp4")


def test_a_store_of_something_else_is_not_mixed(
    clips: Path, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = clips / "clip00.mp4"
    assert features(clip, "--out", tmp_path, *small(bundle)) == 0
    assert features(clip, "--out", tmp_path, "--video", "small", "--audio", "none", "--bundle", bundle) == 1
    assert "holds features of another spec" in capsys.readouterr().err


def test_scores_of_both_heads_lie_beside_the_features(clips: Path, tmp_path: Path) -> None:
    video = write_slowfast(tmp_path / "net.pyth", 5, res4_blocks=6)
    audio = write_beats(tmp_path / "beats.pt", 3)
    arguments = ["--video", "slowfast8x8_r50", "--audio", "beats_audioset", "--engine", "torch", "--scores"]
    weights = ["--video-weights", str(video), "--audio-weights", str(audio)]
    names = [clips / "clip00.mp4", clips / "clip01.mp4"]
    assert features(*names, "--out", tmp_path / "store", *arguments, *weights) == 0
    store = FeatureStore.open(tmp_path / "store")
    silent, loud = store.video("clip00.mp4"), store.video("clip01.mp4")
    assert silent.video_scores is not None
    assert silent.audio_scores is not None
    assert loud.audio_scores is not None
    assert silent.video_scores.shape == (2, 5)
    np.testing.assert_allclose(silent.video_scores.sum(axis=1), 1, atol=1e-5)
    assert not silent.audio_scores.any()
    assert ((loud.audio_scores > 0) & (loud.audio_scores < 1)).all()
    assert loud.audio_scores.shape == (3, 3)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_full_size_r101_and_beats_base(clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same command with random weights of the published sizes, from the folder of weights."""
    folder = tmp_path / "weights"
    folder.mkdir()
    monkeypatch.setenv("EGOACT_WEIGHTS", str(folder))
    torch.manual_seed(0)
    state = slowfast_r101(num_classes=400).state_dict()
    torch.save({"model_state": state}, folder / "SLOWFAST_8x8_R101.pyth")
    write_beats(folder / "BEATs_iter3_plus_AS2M_finetuned_on_AS2M_cpt2.pt", 527, sizes=BASE_BEATS)
    arguments = ["--audio", "beats_audioset", "--scores", "--threads", "2"]
    assert features(clips / "clip01.mp4", "--out", tmp_path / "store", *arguments) == 0
    found = FeatureStore.open(tmp_path / "store").video("clip01.mp4")
    assert found.appearance.shape == (3, 2048)
    assert found.motion.shape == (3, 256)
    assert found.audio.shape == (3, 768)
    assert found.video_scores is not None
    assert found.audio_scores is not None
    assert (found.video_scores.shape, found.audio_scores.shape) == ((3, 400), (3, 527))
    assert set(json.loads((folder / "checksums.json").read_text())) == {path.name for path in folder.glob("*.p*t*")}


def test_ego4ds_format_and_back(clips: Path, tmp_path: Path) -> None:
    video = write_slowfast(tmp_path / "net.pyth", None, res4_blocks=6)
    arguments = ["--video", "slowfast8x8_r50", "--video-weights", str(video), "--engine", "torch"]
    clip = clips / "clip02.mp4"
    for pixels in ("uint8", "float"):
        out = tmp_path / pixels
        assert features(clip, "--out", out, *arguments, "--format", "ego4d", "--pixels", pixels) == 0
    rows = {p: torch.load(tmp_path / p / "clip02.pt", weights_only=True) for p in ("uint8", "float")}
    assert rows["float"].dtype == torch.float32
    assert rows["float"].shape == rows["uint8"].shape == (3, 256 + 64)
    assert not torch.equal(rows["float"], rows["uint8"])
    assert torch.nn.functional.cosine_similarity(rows["float"], rows["uint8"]).min() > 0.999
    assert features(clip, "--out", tmp_path / "store", *arguments, "--audio", "none", "--pixels", "float") == 0
    stored = FeatureStore.open(tmp_path / "store").video("clip02.mp4")
    np.testing.assert_array_equal(np.concatenate([stored.appearance, stored.motion], axis=1), rows["float"])
    assert features(clip, "--out", tmp_path / "float", *arguments, "--format", "ego4d") == 1  # made with other pixels


def test_ego4ds_files_go_into_the_store_with_the_sound_of_the_videos(
    clips: Path, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pt").mkdir()
    rows = torch.rand(3, 2304)
    torch.save(rows, tmp_path / "pt" / "clip05.pt")
    assert features("--import-ego4d", tmp_path / "pt", "--out", tmp_path / "silent") == 0
    stored = FeatureStore.open(tmp_path / "silent").video("clip05.mp4")
    np.testing.assert_array_equal(stored.appearance, rows[:, :2048])
    assert stored.audio.shape == (3, 0)
    sound = ["--audio", "small", "--bundle", bundle]
    assert features(clips, "--import-ego4d", tmp_path / "pt", "--out", tmp_path / "loud", *sound) == 0
    heard = FeatureStore.open(tmp_path / "loud").video("clip05.mp4")
    assert heard.audio.any()
    torch.save(rows[:2], tmp_path / "pt" / "clip06.pt")
    torch.save({"a": 1}, tmp_path / "pt" / "other.pt")
    assert features("--import-ego4d", tmp_path / "pt", "--out", tmp_path / "silent") == 1
    assert "other.pt: expected a tensor [N, 2304]" in capsys.readouterr().err
    assert FeatureStore.open(tmp_path / "silent").videos == ("clip05.mp4", "clip06.mp4")


def test_missing_weights_are_one_line(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EGOACT_WEIGHTS", str(tmp_path / "weights"))
    assert features(clips, "--out", tmp_path / "store") == 1
    error = capsys.readouterr().err
    assert error == (
        f"egoact features: SLOWFAST_8x8_R101.pyth is not in {tmp_path / 'weights'}; "
        "run: egoact weights fetch slowfast8x8_r101\n"
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "name videos"),
        (["a.mp4", "--workers", "0"], "--workers 0: must be at least 1"),
        (["a.mp4", "--format", "ego4d", "--audio", "beats"], "SlowFast features only"),
        (["--import-ego4d", "x", "--format", "ego4d"], "need a store"),
        (["--import-ego4d", "x", "--workers", "2"], "in this process"),
        (["--import-ego4d", "x", "--stereo", "all"], "leave out --stereo"),
        (["--import-ego4d", "x"], "no .pt files there"),
        (["x.csv"], "x.csv: no such file"),
    ],
)
def test_wrong_use(
    arguments: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert features(*arguments, "--out", tmp_path / "store") == 2
    assert told in capsys.readouterr().err


def test_two_runs_do_not_write_into_one_store(
    clips: Path, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import fcntl

    handle = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    assert features(clips, "--out", tmp_path, *small(bundle)) == 2
    assert "another command is writing there" in capsys.readouterr().err
    os.close(handle)


def test_a_full_disk_is_one_line(
    clips: Path, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert features(clips, "--out", tmp_path / "store", *small(bundle)) == 1
    assert (
        "cannot be written (no space left on device); make room and give the command again" in capsys.readouterr().err
    )
