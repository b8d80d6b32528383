from __future__ import annotations

import wave
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from calibration.clip_picks import MIN_BOUNDARY_S, pick_windows
from calibration.errors import CalibrationError
from calibration.windows import CalibrationWindow, audio_feeds, calibration_windows, read_windows, video_feeds
from edge.clip_windows import replay_events
from edge.contract import NS_PER_S, WindowSpec
from edge.engines.openvino import OpenVinoEngine
from edge.errors import AnnotationError, SourceError
from tests.media import make_clip
from tests.tiny_bundle import make_bundle
from trainer.data.clips_csv import Annotation
from trainer.features.windows import row_inputs

SPEC = WindowSpec(frame_size_px=32)
SECONDS = 4.0


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Eight clips of different length; the last two have no sound."""
    folder = tmp_path_factory.mktemp("clips")
    return [
        make_clip(folder / f"clip{n}.mp4", seconds=SECONDS - n / 10, audio="tone" if n < 6 else None) for n in range(8)
    ]


def same(a: CalibrationWindow, b: CalibrationWindow) -> bool:
    arrays = np.array_equal(a.rows, b.rows) and np.array_equal(a.samples, b.samples)
    return arrays and (a.clip, a.newest_row, a.label, a.domain) == (b.clip, b.newest_row, b.label, b.domain)


def test_windows_are_what_the_device_sees(clips: Sequence[Path]) -> None:
    windows = list(calibration_windows(clips, SPEC, count=24))
    assert len(windows) == 24
    assert len({window.clip for window in windows}) == len(clips)
    for path in clips[:2]:
        rows = list(row_inputs(replay_events(path, SPEC), SPEC))
        for window in (w for w in windows if w.clip == path.name):
            assert window.rows.dtype == np.uint8
            assert window.rows.shape == (3, 32, 32, 32, 3)
            for index, frames in zip(SPEC.live_clip_rows(window.newest_row), window.rows, strict=True):
                np.testing.assert_array_equal(frames, rows[index].frames)
            np.testing.assert_array_equal(window.samples, rows[window.newest_row].samples)
            assert window.label is window.domain is None
    assert [window.heard for window in windows] == [window.clip < "clip6" for window in windows]


def test_without_annotations_windows_lie_evenly_in_time(clips: Sequence[Path]) -> None:
    picks = pick_windows(clips, SPEC, count=16)
    expected = []
    for number, path in enumerate(clips):
        rows = len(SPEC.row_starts(round((SECONDS - number / 10) * 30)))
        expected += [(path, rows // 4), (path, 3 * rows // 4)]  # the middles of two halves
    assert [(pick.path, pick.row) for pick in picks] == expected
    uneven = Counter(pick.path for pick in pick_windows(clips, SPEC, count=11))
    assert sorted(uneven.values()) == [1] * 5 + [2] * 3


def annotation(start_s: float, end_s: float, label: str, scenario: str, location: str = "home") -> Annotation:
    start_ns, end_ns = round(start_s * NS_PER_S), round(end_s * NS_PER_S)
    return Annotation(start_ns, end_ns, label, scenario, location, "", "", 1.0)


@pytest.fixture
def marks(clips: Sequence[Path]) -> dict[str, list[Annotation]]:
    """'mix' almost everywhere, 'cut' at one moment of two clips, two domains."""
    found = {}
    for number, path in enumerate(clips):
        scenario = "Cooking" if number < 6 else "Sport"
        found[path.name] = [annotation(0.0, 2.0, "mix", scenario)]
        if number in (0, 7):
            found[path.name].append(annotation(2.0, 4.0, "cut", scenario))
    return found


def test_labels_and_domains_are_balanced(clips: Sequence[Path], marks: dict[str, list[Annotation]]) -> None:
    picks = pick_windows(clips, SPEC, count=6, annotations=marks, background_label="idle")
    assert Counter(pick.label for pick in picks) == {"mix": 2, "cut": 2, "idle": 2}
    assert Counter(pick.domain for pick in picks) == {"Cooking/home": 3, "Sport/home": 3}
    # All moments of a rare action are used before a frequent one gets more than its turn.
    many = Counter(
        pick.label for pick in pick_windows(clips, SPEC, count=40, annotations=marks, background_label="idle")
    )
    everything = Counter(
        pick.label for pick in pick_windows(clips, SPEC, count=10_000, annotations=marks, background_label="idle")
    )
    assert many["cut"] == everything["cut"]


def test_a_window_carries_the_label_of_its_centre(clips: Sequence[Path], marks: dict[str, list[Annotation]]) -> None:
    for pick in pick_windows(clips, SPEC, count=10_000, annotations=marks, background_label="idle"):
        rows = SPEC.live_clip_rows(pick.row)
        centre_s = (16 * rows[0] + 16 * rows[-1] + 32) / 2 / 30
        holding = [m for m in marks[pick.path.name] if m.start_ns <= centre_s * NS_PER_S < m.end_ns]
        assert pick.label == (holding[0].label if holding else "idle")
        edges = [t / NS_PER_S for m in marks[pick.path.name] for t in (m.start_ns, m.end_ns)]
        assert min(abs(centre_s - edge) for edge in edges) >= MIN_BOUNDARY_S - 0.1  # the last row may start earlier
    without = pick_windows(clips, SPEC, count=10_000, annotations=marks, background_label=None)
    assert {pick.label for pick in without} == {"mix", "cut"}


def test_the_seed_decides(clips: Sequence[Path], marks: dict[str, list[Annotation]]) -> None:
    def drawn(seed: int) -> tuple:
        return pick_windows(clips, SPEC, count=5, annotations=marks, background_label="idle", seed=seed)

    assert drawn(0) == drawn(0)
    assert len({drawn(seed) for seed in range(5)}) > 1
    first, again = (list(read_windows(drawn(0), SPEC)) for _ in range(2))
    assert all(same(a, b) for a, b in zip(first, again, strict=True))


def test_csv_is_read_and_clips_without_annotation_are_left_out(clips: Sequence[Path], tmp_path: Path) -> None:
    table = tmp_path / "annotations.csv"
    lines = [f"videos/{path.name},0.5,3.0,mix,Cooking,Tokyo" for path in clips[:3]]
    table.write_text("\n".join(["video,start_s,end_s,label,scenario,location", *lines]))
    windows = list(calibration_windows(clips, SPEC, count=6, annotations=table, min_clips=3))
    assert {(w.label, w.domain) for w in windows} == {("mix", "Cooking/Tokyo")}
    with pytest.raises(CalibrationError, match=r"at least 8 annotated clips and 3 of the 8 clips are; give more"):
        calibration_windows(clips, SPEC, annotations=table)
    with pytest.raises(AnnotationError):
        calibration_windows(clips, SPEC, annotations=tmp_path / "missing.csv")


def test_too_few_clips(clips: Sequence[Path]) -> None:
    with pytest.raises(CalibrationError, match=r"takes at least 8 clips and there are 5; .*--clips"):
        calibration_windows(clips[:5], SPEC)
    with pytest.raises(CalibrationError, match="there is 1;"):  # one file named eight times is one clip
        calibration_windows([clips[0]] * 8, SPEC)


def test_only_clips_are_taken() -> None:
    noise: list[NDArray] = [np.random.default_rng(0).integers(0, 256, (32, 32, 32, 3), np.uint8)] * 8
    with pytest.raises(AttributeError):
        calibration_windows(noise, SPEC)  # type: ignore[arg-type]


def test_a_clip_without_video_is_one_line(clips: Sequence[Path], tmp_path: Path) -> None:
    sound = tmp_path / "sound.wav"
    with wave.open(str(sound), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(32_000))
    with pytest.raises(SourceError, match=r"sound\.wav: has no video stream; give a clip with pictures$"):
        calibration_windows([*clips, sound], SPEC)
    with pytest.raises(SourceError, match="no such file"):
        calibration_windows([*clips, tmp_path / "missing.mp4"], SPEC)


def test_feeds_of_both_graphs(clips: Sequence[Path], tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    fbank = OpenVinoEngine(bundle.graph("fbank"), threads=1)
    windows = list(calibration_windows(clips, SPEC, count=8))
    frames = list(video_feeds(windows))
    assert all(np.array_equal(feed["frames"], w.rows[-1:]) for feed, w in zip(frames, windows, strict=True))
    heard = [w for w in windows if w.heard]
    feeds = list(audio_feeds(windows, fbank, min_clips=6))
    assert len(feeds) == len(heard) == 6
    for feed, window in zip(feeds, heard, strict=True):
        assert feed["fbank"] == pytest.approx(np.abs(window.samples).mean(), rel=1e-4)
    with pytest.raises(CalibrationError, match=r"at least 8 clips with sound, 6 of the 8 clips have some; give more"):
        list(audio_feeds(windows, fbank))


def test_picks_beyond_a_broken_end_are_left_out(clips: Sequence[Path]) -> None:
    picks = pick_windows(clips, SPEC, count=8)
    beyond = [pick._replace(row=pick.row + (1000 if index == 0 else 0)) for index, pick in enumerate(picks)]
    assert [w.clip for w in read_windows(beyond, SPEC)] == [path.name for path in clips[1:]]


def test_a_window_with_little_or_no_sound_is_not_heard(clips: Sequence[Path]) -> None:
    window = next(iter(calibration_windows(clips, SPEC, count=24)))
    assert window.heard
    assert not replace(window, audio_coverage=0.4).heard
    assert not replace(window, samples=np.zeros_like(window.samples)).heard
