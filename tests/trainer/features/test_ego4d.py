from __future__ import annotations

from dataclasses import asdict
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from edge.clip_windows import replay_events
from edge.contract import WindowSpec
from edge.errors import UsageError
from tests.media import make_clip
from trainer.features.backbones import AudioOutputs
from trainer.features.ego4d import Ego4dFiles, Ego4dFolder, count_ticks, ego4d_tasks, read_ego4d
from trainer.features.float_rows import float_row_inputs
from trainer.features.store import VideoFeatures
from trainer.features.tasks import Outcome
from trainer.features.windows import row_inputs
from trainer.models.checkpoint_file import CheckpointError

SPEC = WindowSpec()


def write(path: Path, rows: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    path.parent.mkdir(parents=True, exist_ok=True)
    tensor = torch.rand(rows, 2304, generator=torch.Generator().manual_seed(rows)).to(dtype)
    torch.save(tensor, path)
    return tensor


class Loudness:
    """A stand-in for BEATs: [mean of |x|, 1]."""

    dim = 2
    classes: int | None = None

    def __call__(self, samples: np.ndarray) -> AudioOutputs:
        return AudioOutputs(np.stack([np.abs(samples).mean(axis=1), np.ones(len(samples))], axis=1).astype(np.float32))


def import_one(folder: Path, audio: Loudness | None = None, videos: dict[str, Path] | None = None) -> Outcome:
    (outcome,) = Ego4dFiles(SPEC, audio, None, videos or {}).outcomes(ego4d_tasks(folder))
    return outcome


def features_of(outcome: Outcome) -> VideoFeatures:
    assert outcome.features is not None, outcome.problem
    return outcome.features


def test_a_file_is_split_into_appearance_and_motion(tmp_path: Path) -> None:
    rows = write(tmp_path / "uid-1.pt", 5)
    outcome = import_one(tmp_path)
    assert outcome.task.name == "uid-1.mp4"
    found = features_of(outcome)
    np.testing.assert_array_equal(found.appearance, rows[:, :2048])
    np.testing.assert_array_equal(found.motion, rows[:, 2048:])
    assert found.start_tick.tolist() == [0, 16, 32, 48, 64]
    assert found.audio.shape == (5, 0)


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    rows = write(tmp_path / "in" / "uid.pt", 4)
    found = features_of(import_one(tmp_path / "in"))
    Ego4dFolder(tmp_path / "out", {"window": asdict(SPEC)}).put("uid.mp4", found)
    again = torch.load(tmp_path / "out" / "uid.pt", weights_only=True)
    assert again.dtype == torch.float32
    assert torch.equal(again, rows)
    np.testing.assert_array_equal(read_ego4d(tmp_path / "out" / "uid.pt"), rows)


def test_half_precision_files_become_float32(tmp_path: Path) -> None:
    rows = write(tmp_path / "uid.pt", 3, torch.float16)
    assert np.array_equal(read_ego4d(tmp_path / "uid.pt"), rows.float().numpy())


def test_with_the_video_the_last_row_and_the_sound_are_exact(tmp_path: Path) -> None:
    video = make_clip(tmp_path / "uid.mp4", seconds=2.5, audio="tone", size=(64, 48))  # 75 frames
    write(tmp_path / "pt" / "uid.pt", 4)
    found = features_of(import_one(tmp_path / "pt", Loudness(), {"uid": video}))
    assert found.start_tick.tolist() == [0, 16, 32, 43]
    small = WindowSpec(frame_size_px=32)
    rows = list(row_inputs(replay_events(video, small), small))
    expected = [np.abs(row.samples).mean() for row in rows]
    np.testing.assert_allclose(found.audio[:, 0], expected, rtol=1e-5)
    assert found.audio_coverage.tolist() == pytest.approx([row.audio_coverage for row in rows], abs=1e-6)


def test_a_video_of_another_length_and_a_missing_one_are_told(tmp_path: Path) -> None:
    video = make_clip(tmp_path / "uid.mp4", seconds=1.0, size=(64, 48))
    write(tmp_path / "pt" / "uid.pt", 4)
    assert "has 4 rows, but" in import_one(tmp_path / "pt", Loudness(), {"uid": video}).problem
    assert "uid: no video of this name was given" in import_one(tmp_path / "pt", Loudness(), {}).problem


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (torch.zeros(3, 1536), "got (3, 1536)"),
        (torch.zeros(0, 2304), "got (0, 2304)"),
        ({"a": torch.zeros(2)}, "got dict"),
        (torch.full((2, 2304), float("nan")), "holds NaN"),
    ],
)
def test_other_content_is_refused(tmp_path: Path, content: object, told: str) -> None:
    torch.save(content, tmp_path / "uid.pt")
    outcome = import_one(tmp_path)
    assert outcome.features is None
    assert told in outcome.problem


def test_a_damaged_file_and_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "uid.pt").write_bytes(b"PK")
    with pytest.raises(CheckpointError, match=r"uid\.pt"):
        read_ego4d(tmp_path / "uid.pt")
    with pytest.raises(UsageError, match=r"no \.pt files"):
        ego4d_tasks(tmp_path / "nothing")


@pytest.mark.parametrize("fps", [30, 25, Fraction(30000, 1001), 60])
def test_counting_ticks_needs_no_decoding_and_agrees_with_the_runtime(tmp_path: Path, fps: Fraction | int) -> None:
    path = make_clip(tmp_path / "clip.mp4", fps=fps, seconds=3.1, size=(64, 48), codec="libx264")
    small = WindowSpec(frame_size_px=32)
    rows = list(float_row_inputs(path, small))
    assert small.row_starts(count_ticks(path, small)) == [row.start_tick for row in rows]
