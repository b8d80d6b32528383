from __future__ import annotations

from pathlib import Path

import pytest

from edge.contract import NS_PER_S, WindowSpec
from edge.errors import AnnotationError
from trainer.data.clips_csv import annotation_at, boundary_distance_s, live_clips, read_clips_csv

HEADER = "video,start_s,end_s,label,scenario,location,narration,audio_narration,consistency\n"


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "annotations.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_all_columns_are_read_in_time_order(tmp_path: Path) -> None:
    rows = (
        'videos/a.mp4,4.0,6.5,pour,Cooking,Tokyo,"#C C pours milk, slowly",Water runs,0.25\n'
        "videos/a.mp4,1.0,3.0,cut,Cooking,Tokyo,#C C cuts,A knife,0.9\n\n"
        "b.mp4,0,1,mix,,,,,\n"
    )
    found = read_clips_csv(write(tmp_path, HEADER + rows))
    assert list(found) == ["a.mp4", "b.mp4"]
    cut, pour = found["a.mp4"]
    assert (cut.label, cut.start_ns, cut.end_ns) == ("cut", NS_PER_S, 3 * NS_PER_S)
    assert (pour.narration, pour.audio_narration, pour.consistency) == ("#C C pours milk, slowly", "Water runs", 0.25)
    assert (found["b.mp4"][0].scenario, found["b.mp4"][0].consistency) == ("", 1.0)


def test_optional_columns_may_be_missing(tmp_path: Path) -> None:
    found = read_clips_csv(write(tmp_path, "\ufeffVideo, Start_S ,end_s,label\na.mp4,0,1,cut\n"))
    assert found["a.mp4"][0].narration == ""


@pytest.mark.parametrize("consistency", ["1.2", "-0.1", "often", "nan"])
def test_a_consistency_outside_0_to_1_is_refused_with_its_line(tmp_path: Path, consistency: str) -> None:
    with pytest.raises(AnnotationError, match=rf"annotations\.csv:2: consistency '{consistency}'"):
        read_clips_csv(write(tmp_path, HEADER + f"a.mp4,0,1,cut,,,,,{consistency}\n"))


def test_bad_times_are_refused_as_the_runtime_refuses_them(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match="not after start_s"):
        read_clips_csv(write(tmp_path, HEADER + "a.mp4,2,1,cut,,,,,\n"))


def test_live_clips_are_labelled_at_their_centre(tmp_path: Path) -> None:
    spec = WindowSpec()
    rows = "a.mp4,1.0,2.2,cut,Cooking,Tokyo,#C C cuts,A knife,0.5\n"
    annotations = read_clips_csv(write(tmp_path, HEADER + rows))["a.mp4"]
    starts = spec.row_starts(100)  # 3.33 s: rows at 0, 16, 32, 48, 64 and one that ends on the last frame
    assert starts == [0, 16, 32, 48, 64, 68]
    clips = live_clips("a.mp4", annotations, starts, spec, "idle")
    assert [clip.rows for clip in clips] == [(0, 0, 0), (0, 0, 1), (0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5)]
    centres_s = [clip.centre_ns / NS_PER_S for clip in clips]
    assert centres_s == pytest.approx([16 / 30, 24 / 30, 32 / 30, 48 / 30, 64 / 30, 74 / 30], abs=1e-6)
    assert [clip.label for clip in clips] == ["idle", "idle", "cut", "cut", "cut", "idle"]
    assert [clip.consistency for clip in clips] == [1.0, 1.0, 0.5, 0.5, 0.5, 1.0]
    assert [clip.narration for clip in clips][1:3] == ["", "#C C cuts"]
    assert clips[2].boundary_s == pytest.approx(32 / 30 - 1.0, abs=1e-6)
    assert clips[5].boundary_s == pytest.approx(74 / 30 - 2.2, abs=1e-6)


def test_overlapping_annotations_give_the_one_that_starts_last(tmp_path: Path) -> None:
    rows = "a.mp4,0,10,mix,,,,,\na.mp4,4,6,pour,,,,,\n"
    annotations = read_clips_csv(write(tmp_path, HEADER + rows))["a.mp4"]
    labels = [found.label if (found := annotation_at(annotations, t * NS_PER_S)) else None for t in (3, 5, 6, 10)]
    assert labels == ["mix", "pour", "mix", None]


def test_without_annotations_there_is_no_boundary() -> None:
    assert boundary_distance_s((), 5) == float("inf")
