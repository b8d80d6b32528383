from __future__ import annotations

import csv
import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from edge.cli import main
from tests.media import make_clip, tone
from tests.trainer.narration.clip_tables import read_rows
from tests.trainer.narration.fake_captioners import write_msclap, write_pengi
from tests.trainer.narration.tiny_language_models import write_audio_model
from tests.trainer.weights.checkpoints import write_beats
from trainer.models.checkpoint_file import CheckpointError
from trainer.narration.captions.audioset_captioner import AudioSetCaptioner
from trainer.narration.captions.audioset_sentence import QUIET, names_of_outputs, sentence
from trainer.narration.captions.captioner import Caption
from trainer.narration.captions.clip_sounds import Stretch, read_stretches
from trainer.narration.captions.transformers_captioner import TransformersCaptioner

ROOT = Path(__file__).parents[3]
RATE = 48_000
CLASSES = {
    "/m/1": "Water tap, faucet",
    "/m/2": "Inside, small room",
    "/m/3": "Dishes, pots, and pans",
    "/m/4": "Speech",
}
LABEL_DICT = {0: "/m/3", 1: "/m/4", 2: "/m/1", 3: "/m/2"}
BIAS = (1.0, -6.0, 3.0, 4.0)


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pitches one after the other; no sound at all; a muted track; a file that is no video."""
    folder = tmp_path_factory.mktemp("videos")
    pitches = np.concatenate([tone(3.0, RATE, frequency_hz=f) for f in (500.0, 2000.0)])
    make_clip(folder / "tones.mp4", seconds=6.0, fps=10, audio=pitches.reshape(-1, 1), rate=RATE)
    make_clip(folder / "mute.mp4", seconds=2.0, fps=10)
    make_clip(folder / "zeros.mp4", seconds=2.0, fps=10, audio="silence")
    (folder / "broken.mp4").write_bytes(b"no video")
    return folder


@pytest.fixture(scope="module")
def audioset(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A fine-tuned BEATs whose scores are its biases, in another order than that of the CSV of names."""
    folder = tmp_path_factory.mktemp("weights")
    path = write_beats(folder / "beats.pt", len(CLASSES))
    content = torch.load(path, weights_only=True)
    content["label_dict"] = LABEL_DICT
    content["model"]["predictor.weight"].zero_()
    content["model"]["predictor.bias"].copy_(torch.tensor(BIAS))
    torch.save(content, path)
    names = folder / "names.csv"
    with names.open("w", newline="") as file:
        csv.writer(file).writerows(
            [("index", "mid", "display_name"), *((i, *x) for i, x in enumerate(CLASSES.items()))]
        )
    return path, names


def write_clips(path: Path, *clips: tuple[str, float, float]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("video", "start_s", "end_s", "label"), *((*clip, "cut") for clip in clips)])
    return path


CLIPS = (
    ("a/tones.mp4", 0.5, 2.5),
    ("a/tones.mp4", 3.5, 5.5),
    ("mute.mp4", 0.0, 1.0),
    ("zeros.mp4", 0.0, 1.0),
    ("tones.mp4", 0.5, 2.5),
)


def narrate(*arguments: object) -> int:
    return main(["narrate", *map(str, arguments), "--threads", "1", "--device", "cpu"])


def test_a_sentence_of_scores() -> None:
    scores = {"Water tap, faucet": 0.9, "Inside, small room": 0.8, "Sink (filling or washing)": 0.5, "Dishes": 0.2}
    assert sentence(scores, 3, 0.1) == "Water tap, sink (filling or washing) and dishes are heard"
    assert sentence(scores, 3, 0.4) == "Water tap and sink (filling or washing) are heard"
    assert sentence(scores, 1, 0.4) == "Water tap is heard"
    assert sentence({"Silence": 0.9, "Water": 0.05}, 3, 0.1) == QUIET
    assert sentence({"Speech": 0.9, "Speech, other": 0.8}, 3, 0.1) == "Speech is heard"


def test_outputs_are_named_by_the_checkpoint_and_not_by_the_order_of_the_csv(audioset: tuple[Path, Path]) -> None:
    _, names = audioset
    assert names_of_outputs(LABEL_DICT, names) == (
        "Dishes, pots, and pans",
        "Speech",
        "Water tap, faucet",
        "Inside, small room",
    )
    with pytest.raises(CheckpointError, match="does not name the class '/m/9'"):
        names_of_outputs({0: "/m/9"}, names)


def test_audioset_narrates_and_keeps_the_scores(
    videos: Path, audioset: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights, names = audioset
    clips = write_clips(tmp_path / "clips.csv", *CLIPS)
    given = ("--videos", videos, "--captioner", "audioset", "--model", weights, "--names", names)
    assert narrate(clips, *given, "--out", tmp_path / "narrated.csv", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["clips"], told["captioned"], told["silent"], told["without_narration"]) == (5, 2, 2, 2)
    rows = read_rows(tmp_path / "narrated.csv")
    assert [row["audio_narration"] for row in rows] == ["Water tap and dishes are heard"] * 2 + ["", ""] + [
        "Water tap and dishes are heard"
    ]
    assert rows[0]["captioner"] == "audioset"
    assert rows[0]["captioner_version"].startswith("BEATs ")
    assert rows[0]["captioner_version"].endswith(", at most 3 from 0.1")
    assert rows[0]["audio_scores"] == "Inside, small room 0.98; Water tap, faucet 0.95; Dishes, pots, and pans 0.73"
    kept = [json.loads(line) for line in (tmp_path / "captions.jsonl").read_text().splitlines()]
    assert len(kept) == 4, "a clip that occurs twice is captioned once"
    expected = {CLASSES[LABEL_DICT[i]]: round(1 / (1 + math.exp(-b)), 3) for i, b in enumerate(BIAS) if b > -5}
    assert kept[0]["scores"] == expected
    assert narrate(clips, *given, "--out", tmp_path / "again.csv", "--least", 0.8, "--json") == 0
    assert read_rows(tmp_path / "again.csv")[0]["audio_narration"] == "Water tap is heard"
    assert json.loads(capsys.readouterr().out)["captioned"] == 2, "another setting is another caption"


def test_a_long_sound_is_scored_in_pieces(audioset: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    captioner = AudioSetCaptioner(*audioset)
    lengths: list[int] = []
    backbone = captioner._backbone

    def listening(samples: np.ndarray) -> object:
        lengths.append(samples.shape[1])
        return backbone(samples)

    listening.classes = 4  # type: ignore[attr-defined]
    monkeypatch.setattr(captioner, "_backbone", listening)
    captioner.caption([np.ones(16_000 * 25, np.float32), np.ones(16_000 * 2, np.float32)])
    assert lengths == [200_000, 200_000, 32_000]


def test_the_sound_of_a_stretch(videos: Path) -> None:
    class Ears:
        name, version, rate_hz, longest_s, batch_clips = "ears", "1", 44_100, 1.5, 8

        def caption(self, sounds: list[np.ndarray]) -> list[Caption]:
            return [Caption("") for _ in sounds]

    wanted = [Stretch("tones.mp4", 0.0, 6.0), Stretch("tones.mp4", 4.0, 4.2), Stretch("tones.mp4", 5.0, 6.8)]
    middle, short, end = read_stretches(videos / "tones.mp4", wanted, Ears())
    assert middle is not None
    assert short is not None
    assert len(middle) == round(1.5 * 44_100), "the middle, as long as the captioner takes"
    half = len(middle) // 2
    spectrum = [np.abs(np.fft.rfft(part)).argmax() * 44_100 / len(part) for part in (middle[:half], middle[half:])]
    assert spectrum == pytest.approx([500, 2000], abs=40)
    assert len(short) == 44_100, "a short clip is heard with what is around it"
    assert end is not None
    assert not end[-1000:].any(), "nothing is heard after the end"


@pytest.mark.parametrize("which", ["pengi", "msclap"])
def test_captioners_of_others(
    which: str, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CAPTIONED", str(tmp_path / "captioned"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("wrapper", "msclap"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    if which == "pengi":
        model = write_pengi(tmp_path / "Pengi")
    else:
        model = write_msclap(tmp_path / "package")
        monkeypatch.syspath_prepend(str(tmp_path / "package"))
    clips = write_clips(tmp_path / "clips.csv", *CLIPS, ("tones.mp4", 0.0, 6.0))
    out = tmp_path / "narrated.csv"
    assert narrate(clips, "--videos", videos, "--out", out, "--captioner", which, "--model", model) == 0
    rows = read_rows(out)
    start = "generate audio caption: a" if which == "pengi" else "A"
    heard = [f"{start} tone of {pitch} hertz" for pitch in (500, 2000)]
    assert [row["audio_narration"] for row in rows[:5]] == [*heard, "", "", heard[0]]
    version = rows[0]["captioner_version"]
    if which == "pengi":
        assert version.startswith("base ")
        assert version.endswith(", prompt 'generate audio caption'")
    else:
        assert ", clapcap " in version
    assert [row["captioner"] for row in rows[:3]] == [which, which, ""]
    assert (tmp_path / "captioned").read_text().splitlines() == ["2.0", "2.0", "6.0"]
    assert narrate(clips, "--videos", videos, "--out", out, "--captioner", which, "--model", model) == 0
    assert len((tmp_path / "captioned").read_text().splitlines()) == 3, "nothing is captioned twice"
    for name in ("wrapper", "msclap"):
        sys.modules.pop(name, None)


def test_a_captioner_that_is_not_there(videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clips = write_clips(tmp_path / "clips.csv", *CLIPS)
    given = (clips, "--videos", videos, "--out", tmp_path / "out.csv", "--captioner")
    for options, word in (
        (("pengi", "--model", tmp_path), "no checkout of microsoft/Pengi here"),
        (("pengi",), "--captioner pengi needs --model"),
        (("msclap",), "msclap is not installed; run: pip install msclap"),
        (("transformers", "--model", tmp_path), "no config.json here"),
        (("audioset", "--model", tmp_path / "none.pt"), "no such checkpoint file"),
    ):
        assert narrate(*given, *options) in (1, 2)
        [line] = capsys.readouterr().err.splitlines()
        assert word in line


def test_videos_that_fail_do_not_stop_the_others(
    videos: Path, audioset: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights, names = audioset
    clips = write_clips(tmp_path / "clips.csv", ("broken.mp4", 0, 1), ("gone.mp4", 0, 1), ("tones.mp4", 0, 1))
    given = ("--videos", videos, "--captioner", "audioset", "--model", weights, "--names", names)
    out = tmp_path / "narrated.csv"
    assert narrate(clips, *given, "--out", out, "--dry-run", "--json") == 1
    cost = json.loads(capsys.readouterr().out)
    assert (cost["clips"], cost["calls"], cost["missing_videos"]) == (3, 2, 1)
    assert not out.exists()
    assert narrate(clips, *given, "--out", out) == 1
    problems = [line for line in capsys.readouterr().err.splitlines() if line.startswith("egoact narrate:")]
    assert len(problems) == 2
    assert "broken.mp4" in problems[0]
    assert "gone.mp4: is not in" in problems[1]
    assert [bool(row["audio_narration"]) for row in read_rows(out)] == [False, False, True]


def test_rows_of_argo1m(videos: Path, audioset: tuple[Path, Path], tmp_path: Path) -> None:
    weights, names = audioset
    clips = tmp_path / "Ar_ITA_train.csv"
    head = ("uid", "action_start_feature_idx", "action_end_feature_idx", "narration")
    with clips.open("w", newline="") as file:
        csv.writer(file).writerows([head, ("tones", 0, 2, "#C C cuts"), ("tones", 4, 4, "#C C cuts")])
    given = ("--videos", videos, "--captioner", "audioset", "--model", weights, "--names", names)
    assert narrate(clips, *given, "--out", tmp_path / "narrated.csv") == 0
    kept = [json.loads(line) for line in (tmp_path / "captions.jsonl").read_text().splitlines()]
    assert [(k["start_s"], k["end_s"]) for k in kept] == [(0, 64 / 30), (64 / 30, 96 / 30)]
    assert read_rows(tmp_path / "narrated.csv")[1]["audio_narration"] == "Water tap and dishes are heard"


def test_an_audio_language_model(videos: Path, tmp_path: Path) -> None:
    folder = write_audio_model(tmp_path / "model")
    captioner = TransformersCaptioner(folder, max_tokens=6)
    rng = np.random.default_rng(0)
    sounds = [rng.normal(0, 0.1, n).astype(np.float32) for n in (16_000, 30_000)]
    one = [captioner.caption([sound])[0] for sound in sounds]
    both = captioner.caption(sounds)
    assert [c.text for c in both] == [c.text for c in one], "a batch says what each sound alone says"
    assert all("heard" not in c.text for c in both), "the question is no part of the answer"
    assert captioner.version.startswith("model ")
    clips = write_clips(tmp_path / "clips.csv", *CLIPS[:3])
    given = ("--videos", videos, "--captioner", "transformers", "--model", folder, "--limit", 1)
    assert narrate(clips, *given, "--out", tmp_path / "narrated.csv") == 0
    assert read_rows(tmp_path / "narrated.csv")[2]["audio_narration"] == ""
    assert len((tmp_path / "captions.jsonl").read_text().splitlines()) == 1


def test_kill_9_in_the_middle_captions_nothing_twice(videos: Path, tmp_path: Path) -> None:
    pengi = write_pengi(tmp_path / "Pengi")
    clips = write_clips(tmp_path / "clips.csv", *(("tones.mp4", 0.1 * i, 0.1 * i + 1) for i in range(40)))
    out, log = tmp_path / "narrated.csv", tmp_path / "captions.jsonl"
    given = ("--videos", videos, "--out", out, "--captioner", "pengi", "--model", pengi, "--device", "cpu")
    command = [sys.executable, "-m", "edge.cli", "narrate", *map(str, (clips, *given))]
    captioned = tmp_path / "captioned"
    environment = {**os.environ, "CAPTIONED": str(captioned), "CAPTION_S": "0.05"}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while (not log.exists() or log.read_bytes().count(b"\n") < 16) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not out.exists()
    kept, before = log.read_bytes().count(b"\n"), len(captioned.read_text().splitlines())
    assert before - kept <= 8, "at most the batch under way is lost"
    done = subprocess.run(command, cwd=ROOT, env={**environment, "CAPTION_S": "0"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(captioned.read_text().splitlines()) - before == 40 - kept
    assert all(row["audio_narration"] for row in read_rows(out))
