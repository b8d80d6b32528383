from __future__ import annotations

from pathlib import Path

import pytest

from edge.errors import UsageError
from trainer.features.tasks import find_tasks


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def test_folders_are_searched_to_the_bottom_in_order(tmp_path: Path) -> None:
    touch(tmp_path / "b.mp4", tmp_path / "a" / "z.MKV", tmp_path / "notes.txt", tmp_path / ".cache" / "c.mp4")
    assert [task.name for task in find_tasks([tmp_path])] == ["z.MKV", "b.mp4"]


def test_a_csv_names_videos_relative_to_itself_and_in_its_order(tmp_path: Path) -> None:
    (tmp_path / "clips.csv").write_text(
        "\ufeffVideo,start_s,end_s,label\nv/b.mp4,0,1,cut\nv/a.mp4,0,1,mix\nv/b.mp4,1,2,mix\n,,,\n", encoding="utf-8"
    )
    tasks = find_tasks([tmp_path / "clips.csv"])
    assert [(task.name, task.path) for task in tasks] == [
        ("b.mp4", tmp_path / "v" / "b.mp4"),
        ("a.mp4", tmp_path / "v" / "a.mp4"),
    ]


def test_what_is_named_twice_is_done_once(tmp_path: Path) -> None:
    touch(tmp_path / "a.mp4", tmp_path / "b.mp4")
    assert [task.name for task in find_tasks([tmp_path / "b.mp4", tmp_path])] == ["b.mp4", "a.mp4"]


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    touch(tmp_path / "x" / "a.mp4", tmp_path / "y" / "a.mp4")
    with pytest.raises(UsageError, match="have the same file name"):
        find_tasks([tmp_path])


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("clips.csv", "clip,label\na.mp4,cut\n", "has no column 'video'; its columns are clip, label"),
        ("clips.csv", "", "its columns are none"),
        ("clips.csv", "video\n", "names no video"),
        ("clips.csv", None, "no such file"),
        ("folder", None, "no videos in this folder"),
    ],
)
def test_wrong_use_is_one_line(tmp_path: Path, name: str, content: str | None, told: str) -> None:
    (tmp_path / "folder").mkdir()
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(UsageError, match=told) as caught:
        find_tasks([tmp_path / name])
    assert "\n" not in str(caught.value)
