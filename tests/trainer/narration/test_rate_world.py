"""The built-in world, where the truth is known: ratings tell sounds of the action from sounds off screen, and train."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

from edge.cli import main
from edge.contract import WindowSpec
from tests.trainer.narration.chat_server import Act, chatting
from tests.trainer.narration.clip_tables import read_rows
from tests.trainer.tables.toy import SOUNDS, write_own
from trainer.data.own_table import own_table
from trainer.data.world.actions import LABELS
from trainer.data.world.domains import DOMAINS
from trainer.data.world.script import make_plan
from trainer.data.world.tables import ANNOTATION_COLUMNS, annotation_rows
from trainer.features.store import FeatureStore
from trainer.narration.rating.train_agreement import auc

UNRATED = [name for name in ANNOTATION_COLUMNS if name != "consistency"]


def write_world_clips(path: Path, seeds: Sequence[int]) -> Path:
    """The annotations of worlds that need not be rendered, without their ratings; half a minute of every domain."""
    plans = [make_plan(seed, *domain, 0, 30.0) for seed in seeds for domain in DOMAINS]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, UNRATED, extrasaction="ignore")
        writer.writeheader()
        for plan in plans:
            writer.writerows(dict(zip(ANNOTATION_COLUMNS, row, strict=True)) for row in annotation_rows(plan))
    return path


def rate(clips: Path, model: Path, out: Path) -> list[dict[str, str]]:
    given = ("--rater", "embedded", "--model", model, "--encoder", "hashed", "--threads", 1, "--device", "cpu")
    assert main(["rate", str(clips), "--out", str(out), *map(str, given)]) == 0
    return read_rows(out)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trained on other worlds as they are: nobody says which of their sounds are off screen."""
    folder = tmp_path_factory.mktemp("world")
    pairs = write_world_clips(folder / "pairs.csv", (11, 12, 13))
    given = ("--encoder", "hashed", "--group-column", "location", "--steps", "150", "--threads", "1")
    assert main(["rate-train", str(pairs), "--out", str(folder / "rater.safetensors"), *given]) == 0
    return folder / "rater.safetensors"


def test_ratings_tell_the_actions_own_sounds_from_others(model: Path, tmp_path: Path) -> None:
    rows = rate(write_world_clips(tmp_path / "clips.csv", (1,)), model, tmp_path / "rated.csv")
    assert len(rows) > 200
    rating = np.array([float(row["consistency"]) for row in rows])
    onscreen = np.array([row["sound_onscreen"] == "1" for row in rows])
    assert 0.1 < 1 - onscreen.mean() < 0.5
    assert auc(rating[onscreen], rating[~onscreen]) > 0.9
    assert rating[onscreen].mean() - rating[~onscreen].mean() > 0.3


def test_training_weights_sound_by_them(tmp_path: Path) -> None:
    """RATED.csv goes to `egoact train` as it is; r reaches the clips, and without it other weights are learnt."""
    annotated, store = write_own(tmp_path / "own")
    with annotated.open() as file:
        rows = [{**row, "consistency": ""} for row in csv.DictReader(file)]
    clips, rated = tmp_path / "clips.csv", tmp_path / "rated.csv"
    with clips.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    own_sound = {"#C C " + label + "s": sound for label, sound in zip(LABELS, SOUNDS, strict=False)}

    def play(question: str, came: int) -> Act:
        visual, audio = (line.partition(": ")[2] for line in question.splitlines()[-2:])
        return Act("90%" if own_sound["#C C " + visual.removeprefix("She ")] == audio else "20%")

    with chatting(play) as (url, seen):
        given = ("--rater", "server", "--server", url, "--model", "m", "--threads", "1", "--device", "cpu")
        assert main(["rate", str(clips), "--out", str(rated), *given]) == 0
    assert len(seen.requests) == 16, "four actions with four sounds: each pair once, for 216 clips"
    facts = own_table(rated, FeatureStore.open(store), WindowSpec(), "idle").facts
    narrated = np.flatnonzero(facts.narrated)
    assert len(narrated) > 100
    for clip in narrated.tolist():
        sound = own_sound[facts.texts[facts.narration[clip]]]
        fits = facts.texts[facts.audio_narration[clip]] == sound
        assert facts.consistency[clip] == pytest.approx(0.9 if fits else 0.2)
    learnt = []
    for source in (rated, clips):
        run = ("--features", store, "--epochs", 1, "--out", tmp_path / source.stem, "--device", "cpu", "--threads", 1)
        assert main(["train", str(source), *map(str, run)]) == 0
        learnt.append(load_file(tmp_path / source.stem / "model.safetensors"))
    assert any((learnt[0][name] != learnt[1][name]).any() for name in learnt[0])
