from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from edge.cli import main
from edge.contract import WindowSpec
from tests.argo1m_files import Argo1mFiles, write_argo1m
from tests.trainer.features.clip import write_clip
from tests.trainer.weights.checkpoints import TINY_BEATS, write_beats
from trainer.data.argo1m_csv import read_argo1m_csv
from trainer.data.argo1m_load import audio_reader
from trainer.features import extract
from trainer.features.backbones import BeatsAudio, torch_on
from trainer.features.extract import extract_clip_sounds
from trainer.models.beats_checkpoint import load_beats
from trainer.models.fbank import Fbank

SILENT = 1
"""Which of the test videos has no sound track."""


class Data:
    """The test file of a split, its videos, and a tiny BEATs."""

    def __init__(self, folder: Path) -> None:
        self.files: Argo1mFiles = write_argo1m(folder / "argo1m", clips_per_domain=2)
        self.clips = self.files.parts["test"]
        self.uids = list(dict.fromkeys(clip.uid for clip in self.clips))
        self.videos = folder / "videos"
        self.videos.mkdir()
        for number, uid in enumerate(self.uids):
            ticks = 16 * (self.files.video_rows[uid] - 1) + 32
            write_clip(self.videos / f"{uid}.mp4", ticks, None if number == SILENT else 300 + 100 * number)
        self.beats = write_beats(folder / "beats.pt")

    def sounds(self, out: Path, videos: Path | None = None) -> int:
        given = ["--videos", str(videos or self.videos), "--audio-weights", str(self.beats), "--out", str(out)]
        return main(["data", "sounds", str(self.files.csv("test")), *given])


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    return Data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def whole(data: Data, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an undisturbed command leaves."""
    out = tmp_path_factory.mktemp("sounds") / "whole"
    assert data.sounds(out) == 0
    return out


def file_of(out: Path) -> Path:
    return out / "Ar_ITA_test.npy"


def test_a_row_is_the_sound_of_a_clip_over_its_own_extent(data: Data, whole: Path) -> None:
    values = np.load(file_of(whole))
    assert values.shape == (len(data.clips), TINY_BEATS["dim"])
    audio, spec = BeatsAudio(Fbank(), load_beats(data.beats), torch_on("cpu")), WindowSpec()
    for row, clip in enumerate(data.clips):
        rows = data.files.video_rows[clip.uid]
        starts = spec.row_starts(16 * (rows - 1) + 32)
        span = (min(clip.start, rows - 1), min(clip.end, rows - 1))
        expected = extract_clip_sounds(data.videos / f"{clip.uid}.mp4", [span], starts, spec, audio)
        np.testing.assert_allclose(values[row], expected.audio[0], atol=1e-6)
        assert values[row].any() == (clip.uid != data.uids[SILENT])


def test_training_reads_them(data: Data, whole: Path) -> None:
    clips = read_argo1m_csv(data.files.csv("test"))
    audio = audio_reader(whole)(data.files.csv("test"), clips)
    assert audio.heard.tolist() == [clip.uid != data.uids[SILENT] for clip in data.clips]


@pytest.mark.parametrize("when", ["between two videos", "in the middle of a row"])
def test_a_broken_command_goes_on_to_the_same_bytes(
    when: str, data: Data, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, calls = tmp_path / "out", []

    class Killed(BaseException):
        """Nothing may catch it."""

    def dying(path: Path, *rest: object) -> object:
        calls.append(path)
        if len(calls) == 2:
            raise Killed
        return extract_clip_sounds(path, *rest)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr("trainer.data.argo1m_sounds.extract_clip_sounds", dying)
        with pytest.raises(Killed):
            data.sounds(out)
    part = out / "Ar_ITA_test.npy.part"
    assert part.exists()
    assert not file_of(out).exists()
    done = sum(clip.uid == calls[0].stem for clip in data.clips)
    if when == "in the middle of a row":
        half = bytes(np.full(3, np.nan, "<f4").tobytes())
        with open(part, "r+b") as file:
            file.seek(-len(half), os.SEEK_END)
            file.seek(128)  # the first row is of the video that is done
            file.write(half)
        done -= 1
    seen: list[int] = []

    def watched(path: Path, clips: list, *rest: object) -> object:
        seen.append(len(clips))
        return extract.extract_clip_sounds(path, clips, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr("trainer.data.argo1m_sounds.extract_clip_sounds", watched)
    assert data.sounds(out) == 0
    assert sum(seen) == len(data.clips) - done
    assert file_of(out).read_bytes() == file_of(whole).read_bytes()
    assert not part.exists()
    seen.clear()
    assert data.sounds(out) == 0
    assert seen == [], "a finished file is left alone"


def test_a_missing_video_is_named_and_the_others_are_kept(
    data: Data, whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    some, out = tmp_path / "some", tmp_path / "out"
    some.mkdir()
    for uid in data.uids[1:]:
        (some / f"{uid}.mp4").symlink_to(data.videos / f"{uid}.mp4")
    assert data.sounds(out, some) == 1
    error = capsys.readouterr().err
    assert f"egoact data: {data.uids[0]}: no video of this name was given" in error
    assert not file_of(out).exists()
    assert data.sounds(out) == 0
    assert file_of(out).read_bytes() == file_of(whole).read_bytes()


def test_another_backbone_is_refused(
    data: Data, whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = file_of(whole).read_bytes()
    other = write_beats(tmp_path / "other.pt", seed=1)
    given = ["--videos", str(data.videos), "--audio-weights", str(other), "--out", str(whole)]
    assert main(["data", "sounds", str(data.files.csv("test")), *given]) == 1
    assert "holds the sound of another backbone" in capsys.readouterr().err
    assert file_of(whole).read_bytes() == before
