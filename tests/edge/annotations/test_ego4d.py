"""Ego4D's two JSON files, made here in their released layout."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.annotations.narrated_verb import base_form, wearer_terms
from edge.annotations.read import read_annotation_file, read_truth
from edge.contract import NS_PER_S
from edge.errors import AnnotationError
from tests.edge.snapshots import seconds

LABELS = ("cut", "turn-on", "mix", "idle")


def written(folder: Path, document: Any) -> Path:
    path = folder / "ego4d.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return path


def narrated(*points: tuple[float, str]) -> dict[str, Any]:
    return {
        "narrations": [
            {"timestamp_sec": t, "timestamp_frame": round(30 * t), "narration_text": text, "annotation_uid": "a"}
            for t, text in points
        ],
        "summaries": [{"start_sec": 0, "end_sec": 300, "summary_text": "#Summary C cooked", "annotation_uid": "b"}],
    }


def moments(*labels: dict[str, Any], **clip: Any) -> dict[str, Any]:
    annotations = [{"annotator_uid": "x", "labels": list(labels)}]
    held = {"clip_uid": "clip", "video_start_sec": 100.0, "video_end_sec": 580.0, "annotations": annotations, **clip}
    return {"version": "v1", "videos": [{"video_uid": "video", "split": "train", "clips": [held]}]}


def moment(start_s: float, end_s: float, label: str, **other: Any) -> dict[str, Any]:
    times = {"start_time": start_s, "end_time": end_s, "video_start_time": start_s + 100, "video_end_time": end_s + 100}
    return {**times, "start_frame": 0, "end_frame": 9, "label": label, "primary": True, **other}


def test_points_become_segments_as_wide_as_their_pass_is_dense(tmp_path: Path) -> None:
    first = narrated((10.0, "#C C cuts the onion."), (19.8, "#C C turns the tap on"), (29.6, "#O A man X stirs"))
    second = narrated((50.0, "#C C looks around"))
    document = {"uid": {"narration_pass_1": first, "narration_pass_2": second, "status": "complete"}}
    found = read_truth(written(tmp_path, document), LABELS)
    truth = found.of("uid.mp4")
    assert truth is not None
    # 9.8 s between neighbours: 9.8 / (2 * 4.9) = 1 s to each side; a lone narration counts half a second.
    assert truth.segments == (
        seconds(9, 11, "cut", 1.0),
        seconds(18.8, 20.8, "turn-on", 1.0),
        seconds(49.5, 50.5, "look", 1.0),
    )
    assert [truth.judges(round(t * NS_PER_S)) for t in (8.9, 9.1, 15, 50)] == [False, True, False, True]
    assert not truth.complete
    assert found.unmapped == {"look": 1}
    assert any("1 narrations of other people" in note for note in found.notes)


def test_the_redacted_file_is_read_too(tmp_path: Path) -> None:
    item = {"time": 2.0, "text": "C C stirs the soup", "_annotation_uid": "a"}
    document = {"date": "220101", "version": "v2", "videos": {"uid": {"narrations": [item]}, "none": {}}}
    truth = read_truth(written(tmp_path, document), LABELS).of("uid.mp4")
    assert truth is not None
    assert [s.label for s in truth.segments] == ["mix"]


def test_moments_serve_the_whole_video_and_the_clip(tmp_path: Path) -> None:
    document = moments(
        moment(1, 4, "cut_dough"),
        moment(1, 4, "cut_dough"),
        moment(2, 3, "cut_/_trim_grass", primary=False),
        moment(10, 30, "read_a_book"),
    )
    found = read_truth(written(tmp_path, document), LABELS)
    video, clip = found.of("video.mp4"), found.of("clip.mp4")
    assert video is not None
    assert clip is not None
    assert clip.segments == (seconds(1, 4, "cut", 1.0), seconds(10, 30, "read_a_book", 1.0))
    assert video.segments == (seconds(101, 104, "cut", 1.0), seconds(110, 130, "read_a_book", 1.0))
    assert [video.judges(t * NS_PER_S) for t in (99, 100, 579, 580)] == [False, True, True, False]
    assert clip.judges(0)
    assert any("1 moments that are not primary" in note for note in found.notes)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("{", ":1: not JSON"),
        ("[" * 100_000, "not JSON (nested too deeply)"),
        ([], "neither Ego4D's narrations nor its moments"),
        ({"videos": {}}, "neither Ego4D's narrations nor its moments"),
        (moments(moment(4, 1, "x")), "videos[0].clips[0].annotations[0].labels[0]: video_end_time is not after"),
        (moments(moment(1, 4, "")), "labels[0].label: is empty"),
        (moments(moment(1, 4, "x", start_time="1")), "labels[0].start_time: '1' is not a number"),
        (moments(moment(1, float("inf"), "x")), "not JSON (an infinite number)"),
        (moments(moment(1, 4, "x", end_time=True)), "is not a number of seconds"),
        (moments(7), "labels[0]: is not an object"),  # type: ignore[arg-type]
        (moments(annotations=None), "holds no primary moment"),
        ({"uid": {"narration_pass_1": {"narrations": [{"timestamp_sec": 1}]}}}, "no 'narration_text'"),
        ({"uid": {"narration_pass_1": {"narrations": {}}}}, "uid.narration_pass_1.narrations: is not a list"),
        ({"uid": {"narration_pass_1": narrated((-1.0, "#C C cuts"))}}, "time -1.0 is negative"),
        ({"uid": {"narration_pass_1": narrated((1.0, "#O x cuts"))}}, "no narration of the wearer"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, document: Any, reason: str) -> None:
    with pytest.raises(AnnotationError) as raised:
        read_truth(written(tmp_path, document), LABELS)
    assert reason in str(raised.value)
    assert "\n" not in str(raised.value)


KEYS = st.sampled_from(
    ["videos", "clips", "labels", "narrations", "narration_pass_1", "timestamp_sec", "time", "text", "video_uid",
     "clip_uid", "annotations", "label", "start_time", "end_time", "video_start_sec", "video_end_sec"]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, JSON, max_size=4))
def test_any_json_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, document: Any) -> None:
    path = written(tmp_path_factory.mktemp("any"), document)
    with contextlib.suppress(AnnotationError):
        read_annotation_file(path)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("#C C turns on the tap", ("turns on the tap", "turn-on", "turn")),
        ("#c c washes his hands.", ("washes his hands", "wash")),
        ("#C C dries a #unsure", ("dries a", "dry")),
        ("#O The man Y cuts", None),
        ("#C C", ()),
        ("#unsure", ()),
    ],
)
def test_the_verb_of_a_narration(text: str, terms: tuple[str, ...] | None) -> None:
    assert wearer_terms(text) == terms


def test_base_forms() -> None:
    told = "cuts washes presses mixes closes slices goes buzzes carries ties pass is"
    assert [base_form(v) for v in told.split()] == (
        ["cut", "wash", "press", "mix", "close", "slice", "go", "buzz", "carry", "tie", "pass", "is"]
    )
