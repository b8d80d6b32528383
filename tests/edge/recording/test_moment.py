"""A saved moment replays to what was computed live, bit by bit."""

from __future__ import annotations

import json
import os
import signal
import stat
from pathlib import Path

import av
import numpy as np
import pytest

from edge.contract import Frame, RunResult
from edge.engines.load import load_engines
from edge.errors import EgoactError, SourceError
from edge.pipeline import Pipeline
from edge.recognizer import Recognizer
from edge.recording.agreement import Agreement, compare_with_live, moment_clip
from edge.recording.moment import Moment, save_moment
from edge.sources.replay import ReplaySource
from tests.edge.recording.streams import Live, noisy_stream, run_live
from tests.tiny_bundle import LABELS, SPEC, make_bundle

TICKS = 320


@pytest.fixture(scope="module")
def recognizer(tmp_path_factory: pytest.TempPathFactory) -> Recognizer:
    bundle = make_bundle(tmp_path_factory.mktemp("bundle") / "tiny")
    return Recognizer(bundle, load_engines(bundle, threads=1), temperature=1.0)


def moment_of(live: Live, first_tick: int = 0, last_tick: int = TICKS) -> Moment:
    """What a ring that holds these ticks would give."""
    return Moment(
        spec=SPEC,
        labels=LABELS,
        frames=[frame for frame in live.frames if first_tick <= frame.tick < last_tick],
        sound=[b for b in live.sound if first_tick * 1600 // 3 <= b.start_sample < last_tick * 1600 // 3],
        rows=live.result.rows,
        predictions=live.result.predictions,
        telemetry={"bundle": "tiny", "devices": ["camera"], "power_mw": None},
    )


def replay(folder: Path, recognizer: Recognizer) -> RunResult:
    return Pipeline(ReplaySource(moment_clip(folder), SPEC), recognizer, pace="fast").run()


def live_run(recognizer: Recognizer, **gaps: object) -> Live:
    frames, sound = noisy_stream(SPEC, TICKS, **gaps)  # type: ignore[arg-type]
    return run_live(recognizer, frames, sound, TICKS)


def probabilities(result: RunResult, start_ticks: range) -> dict[int, np.ndarray]:
    return {
        row.start_tick: said.probabilities
        for row, said in zip(result.rows, result.predictions, strict=True)
        if row.start_tick in start_ticks
    }


@pytest.mark.parametrize("first_tick", [0, 31, 48, 65, 100])
def test_replaying_computes_the_same(first_tick: int, recognizer: Recognizer, tmp_path: Path) -> None:
    live = live_run(recognizer)
    folder = save_moment(tmp_path / "moment", moment_of(live, first_tick))
    result = replay(folder, recognizer)
    agreement = compare_with_live(folder, result)
    start = -(-first_tick // 48) * 48  # rows start every 16 ticks, and every third one on a sample
    assert agreement.rows == len([row for row in live.result.rows if row.start_tick >= start])
    assert agreement.feature_difference == 0.0
    assert agreement.labels == agreement.rows - (0 if start == 0 else 2)
    assert agreement.equal_labels == agreement.labels
    assert len({prediction.label for prediction in result.predictions}) > 2, "one label for all proves nothing"
    judged = range(start + (32 if start else 0), TICKS)
    for tick, now in probabilities(result, range(judged.start - start, TICKS)).items():
        np.testing.assert_array_equal(now, probabilities(live.result, judged)[tick + start])


def test_gaps_of_camera_and_microphone_come_back_as_gaps(recognizer: Recognizer, tmp_path: Path) -> None:
    """The camera is away for 1.2 s and loses single frames, the microphone for 0.7 s and once for 20 ms."""
    gaps = {
        "unseen": [range(140, 176), range(200, 201), range(230, 233)],
        "unheard": [range(301, 371), range(450, 452)],
    }
    live = live_run(recognizer, **gaps)
    folder = save_moment(tmp_path / "moment", moment_of(live, 40))
    result = replay(folder, recognizer)
    agreement = compare_with_live(folder, result)
    assert agreement.feature_difference == 0.0
    assert agreement.equal_labels == agreement.labels > 10
    coverage = {row.start_tick + 48: row.coverage for row in result.rows}
    assert min(coverage.values()) < 0.5
    for row in live.result.rows:
        if row.start_tick >= 48:
            # A camera's time may lie on either side of the limit at which a held frame gets stale.
            assert coverage[row.start_tick] == pytest.approx(row.coverage, abs=1.01 / SPEC.row_frames)
    heard = {row.start_tick + 48: p.audio_coverage for row, p in zip(result.rows, result.predictions, strict=True)}
    for row, said in zip(live.result.rows, live.result.predictions, strict=True):
        if row.start_tick >= 80:
            assert heard[row.start_tick] == pytest.approx(said.audio_coverage, abs=0.02)


def test_a_camera_that_is_away_at_both_ends(recognizer: Recognizer, tmp_path: Path) -> None:
    live = live_run(recognizer, unseen=[range(90, 100), range(290, 320)])
    folder = save_moment(tmp_path / "moment", moment_of(live, 98))
    agreement = compare_with_live(folder, replay(folder, recognizer))
    assert agreement.feature_difference == 0.0
    assert agreement.equal_labels == agreement.labels > 5


def test_without_sound_and_without_rows(recognizer: Recognizer, tmp_path: Path) -> None:
    frames, _ = noisy_stream(SPEC, 100)
    live = run_live(recognizer, frames, (), 100)
    silent = save_moment(tmp_path / "silent", moment_of(live, 0, 100))
    assert compare_with_live(silent, replay(silent, recognizer)).feature_difference == 0.0
    early = Moment(SPEC, LABELS, frames[:20], (), (), (), {})
    folder = save_moment(tmp_path / "early", early)
    assert len(replay(folder, recognizer).rows) == 1
    assert str(compare_with_live(folder, replay(folder, recognizer))).startswith("as live: no row")


def test_what_lies_in_the_folder(recognizer: Recognizer, tmp_path: Path) -> None:
    live = live_run(recognizer)
    folder = save_moment(tmp_path / "new" / "moment", moment_of(live, 48))
    assert sorted(path.name for path in folder.iterdir()) == [
        "appearance.npy", "clip.mkv", "moment.json", "motion.npy", "predictions.jsonl", "probabilities.npy",
        "telemetry.json",
    ]  # fmt: skip
    index = json.loads((folder / "moment.json").read_text())
    rows = len(index["rows"])
    assert np.load(folder / "appearance.npy", allow_pickle=False).shape == (rows, 3)
    assert np.load(folder / "probabilities.npy", allow_pickle=False).shape == (rows, 3, len(LABELS))
    lines = [json.loads(line) for line in (folder / "predictions.jsonl").read_text().splitlines()]
    assert [line["label"] for line in lines] == [row["label"] for row in index["rows"]]
    assert lines[0]["end_ns"] == SPEC.tick_ns(SPEC.hop_frames // 2), "times count from the clip's start"
    assert json.loads((folder / "telemetry.json").read_text())["devices"] == ["camera"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "clip.mkv").stat().st_mode) == 0o600


def test_times_of_the_frames_are_those_of_their_ticks(recognizer: Recognizer, tmp_path: Path) -> None:
    frames, sound = noisy_stream(SPEC, 60, unseen=[range(20, 23)])
    folder = save_moment(tmp_path / "m", Moment(SPEC, LABELS, frames, sound, (), (), {}))
    with av.open(str(folder / "clip.mkv")) as clip:
        times_ms = [round(1000 * frame.time) for frame in clip.decode(video=0)]
    assert times_ms == [round(1000 * tick / 30) for tick in range(60) if tick not in range(20, 23)]


def test_other_features_are_noticed(recognizer: Recognizer, tmp_path: Path) -> None:
    live = live_run(recognizer)
    folder = save_moment(tmp_path / "moment", moment_of(live, 48))
    result = replay(folder, recognizer)
    motion = np.load(folder / "motion.npy")
    motion[3, 1] += 0.25
    np.save(folder / "motion.npy", motion)
    index = json.loads((folder / "moment.json").read_text())
    index["rows"][5]["label"] = "nothing like it"
    (folder / "moment.json").write_text(json.dumps(index))
    agreement = compare_with_live(folder, result)
    assert agreement.feature_difference == pytest.approx(0.25)
    assert agreement.equal_labels == agreement.labels - 1


def test_skipped_rows_are_not_judged(recognizer: Recognizer, tmp_path: Path) -> None:
    """A live run that skipped a row has clips of other rows for a while: their labels say nothing about the replay."""
    live = live_run(recognizer)
    moment = moment_of(live, 0)
    kept = [row for row in moment.rows if row.start_tick != 96]
    without = Moment(**{**vars(moment), "rows": kept})
    folder = save_moment(tmp_path / "moment", without)
    agreement = compare_with_live(folder, replay(folder, recognizer))
    assert agreement.rows == len(kept)
    assert agreement.labels == len(kept) - 2


def test_agreement_in_words() -> None:
    assert str(Agreement(12, 0.0, 10, 10)) == "as live: 10 of 10 labels equal, features equal over 12 rows"
    assert str(Agreement(12, 0.0123, 10, 9)) == (
        "as live: 9 of 10 labels equal, features differ by at most 0.012 over 12 rows"
    )


def test_nothing_seen_yet(tmp_path: Path) -> None:
    with pytest.raises(EgoactError, match="no picture yet"):
        save_moment(tmp_path / "m", Moment(SPEC, LABELS, (), (), (), (), {}))
    assert list(tmp_path.iterdir()) == []


def one_frame() -> list[Frame]:
    return noisy_stream(SPEC, 1)[0]


def test_an_existing_folder_is_kept(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "mine").touch()
    with pytest.raises(EgoactError, match="exists already"):
        save_moment(tmp_path / "m", Moment(SPEC, LABELS, one_frame(), (), (), (), {}))
    assert os.listdir(tmp_path) == ["m"]
    assert os.listdir(tmp_path / "m") == ["mine"]


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("edge.recording.moment._save_array", full)
    with pytest.raises(EgoactError, match="No space left"):
        save_moment(tmp_path / "m", Moment(SPEC, LABELS, one_frame(), (), (), (), {}))
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_was_saving_is_cleared_by_the_next_moment(tmp_path: Path) -> None:
    moment = Moment(SPEC, LABELS, one_frame(), (), (), (), {})
    if (child := os.fork()) == 0:
        rename = os.rename
        last = ".partial"
        os.rename = lambda a, b: os.kill(os.getpid(), signal.SIGKILL) if a.name.endswith(last) else rename(a, b)
        save_moment(tmp_path / "moment-20260101T000000", moment)
    os.waitpid(child, 0)
    assert [path.name for path in tmp_path.iterdir()] == [".moment-20260101T000000.partial"]
    (tmp_path / ".holiday.partial").mkdir()
    save_moment(tmp_path / "moment-20260101T000100", moment)
    assert {path.name for path in tmp_path.iterdir()} == {"moment-20260101T000100", ".holiday.partial"}


def test_a_path_that_is_no_moment(tmp_path: Path) -> None:
    assert moment_clip(tmp_path / "kitchen.mp4") == tmp_path / "kitchen.mp4"
    with pytest.raises(SourceError, match="no saved moment"):
        moment_clip(tmp_path)


@pytest.mark.parametrize(
    "content", ["", "{}", '{"format": 9}', '{"format": 1, "rows": [1], "window": {}}', "[" * 10**5]
)
def test_a_damaged_moment_is_a_typed_error(content: str, recognizer: Recognizer, tmp_path: Path) -> None:
    folder = save_moment(tmp_path / "m", Moment(SPEC, LABELS, one_frame(), (), (), (), {}))
    result = replay(folder, recognizer)
    (folder / "moment.json").write_text(content)
    with pytest.raises(SourceError, match="not a moment"):
        compare_with_live(folder, result)
