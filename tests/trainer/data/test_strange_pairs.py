from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from edge.cli import main
from trainer.data.clip_facts import ClipFacts
from trainer.data.strange_pairs import strangest_pairs


def facts_of(rows: list[tuple[str, str, str, float]]) -> ClipFacts:
    """(label, narration, audio narration, rating) of every clip."""
    texts = tuple(dict.fromkeys(text for _, v, a, _ in rows for text in (v, a) if text))
    labels = tuple(sorted({row[0] for row in rows}))
    zeros = np.zeros(len(rows), np.int64)
    place = {text: i for i, text in enumerate(texts)} | {"": -1}
    return ClipFacts(
        name="made up",
        video=zeros,
        label=np.array([labels.index(row[0]) for row in rows]),
        scenario=zeros,
        location=zeros,
        consistency=np.array([row[3] for row in rows], np.float32),
        narration=np.array([place[row[1]] for row in rows]),
        audio_narration=np.array([place[row[2]] for row in rows]),
        video_names=("a.mp4",),
        label_names=labels,
        scenario_names=("s",),
        location_names=("l",),
        texts=texts,
    )


SOUNDS = {"cut": "A knife chops", "wash": "Water runs", "pour": "Milk gurgles"}


def plain(each: int = 6) -> list[tuple[str, str, str, float]]:
    """Clips whose rating is high where the sound is the action's own, and low elsewhere."""
    return [
        (label, f"#C C {label}s thing {i}", sound, 0.9 if sound == SOUNDS[label] else 0.1)
        for label in SOUNDS
        for sound in SOUNDS.values()
        for i in range(each)
    ]


def test_what_is_rated_like_its_like_is_not_strange() -> None:
    found = strangest_pairs(facts_of(plain()))
    assert max((abs(p.rating - p.expected) for p in found), default=0) < 0.15


def test_mistakes_come_first() -> None:
    rows = [
        *plain(),
        ("cut", "#C C cuts bread", "A knife chops", 0.05),
        ("wash", "#C C washes cup", "A knife chops", 0.95),
        ("wash", "#C C washes cup", "A knife chops", 0.95),
        ("pour", "", "Milk gurgles", 0.0),
    ]
    first, second, *rest = strangest_pairs(facts_of(rows))
    assert {first.narration, second.narration} == {"#C C cuts bread", "#C C washes cup"}
    bread = first if first.narration == "#C C cuts bread" else second
    assert (bread.audio_narration, bread.label, bread.rating, bread.clips) == ("A knife chops", "cut", 0.05, 1)
    assert bread.expected > 0.7
    assert {first.clips, second.clips} == {1, 2}
    assert all(abs(p.rating - p.expected) < 0.35 for p in rest)


def test_no_more_than_ten_and_none_without_narrations() -> None:
    rng = np.random.default_rng(0)
    rows = [("cut", f"#C C cuts {i}", f"sound {i % 7}", float(rng.random())) for i in range(200)]
    assert len(strangest_pairs(facts_of(rows))) == 10
    assert strangest_pairs(facts_of([("cut", "", "sound", 0.3), ("cut", "#C C cuts", "", 0.9)])) == ()


def test_data_check_shows_histogram_and_pairs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rated.csv"
    rows = [*plain(), ("cut", "#C C cuts bread", "A knife chops", 0.05)]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("video", "start_s", "end_s", "label", "narration", "audio_narration", "consistency"))
        writer.writerows(("a.mp4", 2 * i, 2 * i + 1, *row) for i, row in enumerate(rows))
    assert main(["data", "check", str(path)]) == 0
    told = capsys.readouterr().out
    assert "    0.9 to 1.0           18  ####" in told
    assert "    0.1 to 0.2           36  ########################################" in told
    assert "0.05, others 0.9" in told or "0.05, others 0.8" in told
    assert '"#C C cuts bread" / "A knife chops" (cut, 1 clip)' in told
    assert main(["data", "check", str(path), "--json"]) == 0
    [part] = json.loads(capsys.readouterr().out)["parts"]
    assert part["strangest"][0]["narration"] == "#C C cuts bread"
    assert sum(part["ratings"]) == 55
