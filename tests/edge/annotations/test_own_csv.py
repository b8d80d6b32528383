from __future__ import annotations

from pathlib import Path

import pytest

from edge.annotations import label_at, read_annotations
from edge.contract import Segment
from edge.errors import AnnotationError
from tests.edge.snapshots import seconds


def written(folder: Path, data: bytes | str) -> Path:
    path = folder / "own.csv"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def test_segments_come_by_file_name_in_order_of_start(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "video,start_s,end_s,label,scenario\n"
        "clips/a.mp4,3.5,5,pour,cooking\n"
        "clips/a.mp4,0.25,3,cut,cooking\n"
        "b.mp4,0,1.000000001,fold,\n",
    )
    assert read_annotations(path) == {
        "a.mp4": (
            Segment(250_000_000, 3_000_000_000, "cut", 1.0),
            Segment(3_500_000_000, 5_000_000_000, "pour", 1.0),
        ),
        "b.mp4": (Segment(0, 1_000_000_001, "fold", 1.0),),
    }


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_byte_order_mark_line_ends_and_quotes(tmp_path: Path, mark: bytes, end: str) -> None:
    lines = ["Video, start_s ,end_s,label,narration", '"a,b.mp4",1,2,"say ""hi"", wave","#C C, waves"', "", " , , , ,"]
    assert read_annotations(written(tmp_path, mark + end.join(lines).encode())) == {
        "a,b.mp4": (seconds(1, 2, 'say "hi", wave', 1.0),)
    }


def test_columns_may_stand_in_any_order_and_windows_paths_are_cut(tmp_path: Path) -> None:
    path = written(tmp_path, "label,end_s,note,start_s,video\ncut,2,x,1,C:\\clips\\a.mp4\n")
    assert read_annotations(path) == {"a.mp4": (seconds(1, 2, "cut", 1.0),)}


HEADER = "video,start_s,end_s,label\n"


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [
        ("video,start_s,label\na.mp4,1,cut\n", 1, "no column 'end_s'"),
        ("a.mp4,1,2,cut\n", 1, "no column 'video'"),
        ("video,start_s,end_s,label,label\na.mp4,1,2,cut,x\n", 1, "column 'label' occurs twice"),
        (HEADER + "a.mp4,1,2,cut\na.mp4,3,2,cut\n", 3, "end_s 2 is not after start_s 3"),
        (HEADER + "a.mp4,2,2,cut\n", 2, "end_s 2 is not after start_s 2"),
        (HEADER + "a.mp4,nan,2,cut\n", 2, "start_s 'nan' is not finite"),
        (HEADER + "a.mp4,1,inf,cut\n", 2, "end_s 'inf' is not finite"),
        (HEADER + "a.mp4,-0.5,2,cut\n", 2, "start_s -0.5 is negative"),
        (HEADER + "a.mp4,1,1e300,cut\n", 2, "end_s 1e300 is more than 10000000 s"),
        (HEADER + "a.mp4,one,2,cut\n", 2, "start_s 'one' is not a number"),
        (HEADER + "a.mp4,1,2,\n", 2, "no label"),
        (HEADER + ",1,2,cut\n", 2, "no video"),
        (HEADER + "clips/,1,2,cut\n", 2, "is a folder"),
        (HEADER + "a.mp4,1,2\n", 2, "3 fields where the header names 4"),
        (HEADER + "a.mp4,1,2,cut, then pour\n", 2, "5 fields where the header names 4"),
        (HEADER + 'a.mp4,1,2,"cut\n', 2, "not CSV"),
        (HEADER + "x/a.mp4,1,2,cut\ny/a.mp4,1,2,cut\n", 3, "two videos in different folders are called 'a.mp4'"),
        (HEADER.encode() + b"a.mp4,1,2,cut\na.mp4,2,3,gr\xf6\xdfer\n", 3, "not UTF-8"),
        ("video,start_s,end_s,label\n".encode("utf-16"), 1, "not UTF-8"),
    ],
)
def test_errors_name_the_file_the_line_and_the_reason(
    tmp_path: Path, data: bytes | str, line: int, reason: str
) -> None:
    path = written(tmp_path, data)
    with pytest.raises(AnnotationError) as raised:
        read_annotations(path)
    message = str(raised.value)
    assert message.startswith(f"{path}:{line}: ")
    assert reason in message
    assert "\n" not in message


@pytest.mark.parametrize("data", ["", " \n\r\n"])
def test_an_empty_file_is_an_error(tmp_path: Path, data: str) -> None:
    with pytest.raises(AnnotationError, match="is empty"):
        read_annotations(written(tmp_path, data))


def test_a_header_alone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match="holds no annotated action"):
        read_annotations(written(tmp_path, HEADER))


def test_a_missing_file_and_a_folder_are_errors(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match="cannot be read: No such file"):
        read_annotations(tmp_path / "missing.csv")
    with pytest.raises(AnnotationError, match="cannot be read: Is a directory"):
        read_annotations(tmp_path)


def test_escape_sequences_in_a_file_do_not_reach_the_terminal(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError) as raised:
        read_annotations(written(tmp_path, HEADER + "a.mp4,\x1b[31m,2,cut\n"))
    assert "\x1b" not in str(raised.value)


def test_the_label_at_a_time_is_that_of_the_segment_that_started_last() -> None:
    segments = (seconds(0, 10, "cook"), seconds(2, 4, "stir"))
    times_s = (0, 1.999, 2, 3.999, 4, 9.999, 10)
    assert [label_at(segments, round(t * 1e9)) for t in times_s] == [
        "cook",
        "cook",
        "stir",
        "stir",
        "cook",
        "cook",
        None,
    ]
