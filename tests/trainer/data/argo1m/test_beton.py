from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.argo1m_files import Argo1mFiles, write_argo1m_beton
from tests.beton_file import beton_bytes
from tests.trainer.data.argo1m.test_features import expected_features
from trainer.data.argo1m_beton import read_argo1m_beton
from trainer.data.beton import Beton, BetonError
from trainer.data.errors import DatasetError

SMALL: list[tuple[str, Any, list[Any]]] = [
    ("uid", "json", [["a"], ["bé"], ["c" * 40]]),
    ("feat", ("<f4", (2, 3)), [np.arange(6, dtype="<f4").reshape(2, 3) + 10 * i for i in range(3)]),
    ("label", ("<i4", (3,)), [np.array([i, i + 1, i + 2], "<i4") for i in range(3)]),
    ("flag", ("|u1", (1,)), [np.array([i], "u1") for i in range(3)]),
]
SMALL_BYTES = beton_bytes(SMALL)


def opened(path: Path, data: bytes) -> Beton:
    path.write_bytes(data)
    return Beton(path)


def read_all(path: Path, data: bytes) -> None:
    """Everything that can be read of a file by its own account."""
    beton = opened(path, data)
    list(beton.texts("uid"))
    beton.arrays(beton.array_field("feat", (2, 3), "<f4"))
    beton.arrays(beton.array_field("label", (3,), "<i4"))


def test_header_and_records_lie_where_ffcv_puts_them() -> None:
    """ffcv/types.py: 24 bytes of header, 1041 a field, 16 + 8 + 8 + 8 a sample, then the data."""
    first = 24 + 4 * 1041 + 3 * 40
    assert struct.unpack_from("<HHIQ", SMALL_BYTES) == (2, 4, 1 << 23, 3)
    assert struct.unpack_from("<B16s", SMALL_BYTES, 24 + 1041) == (4, b"feat".ljust(16, b"\0"))
    assert struct.unpack_from("<QQQ", SMALL_BYTES, 24 + 4 * 1041) == (first, 6, first + 6)
    assert SMALL_BYTES[first : first + 6] == b'["a"]\0'


def test_fields_are_read_by_name(tmp_path: Path) -> None:
    for number, fields in enumerate((SMALL, SMALL[::-1])):
        beton = opened(tmp_path / f"{number}.beton", beton_bytes(fields))
        assert (len(beton), list(beton.fields)) == (3, [name for name, _, _ in fields])
        assert list(beton.texts("uid")) == [["a"], ["bé"], ["c" * 40]]
        feat = beton.arrays(beton.array_field("feat", (2, 3), "<f4"))
        assert feat.dtype == np.float32
        assert np.array_equal(feat, np.stack(SMALL[1][2]))
        assert beton.arrays(beton.array_field("label", (3,), "<i4")).tolist() == [[0, 1, 2], [1, 2, 3], [2, 3, 4]]
        assert beton.arrays(beton.array_field("flag", (1,), "|u1")).tolist() == [[0], [1], [2]]


def test_a_file_without_samples_is_read(tmp_path: Path) -> None:
    beton = opened(tmp_path / "a.beton", beton_bytes([(name, kind, []) for name, kind, _ in SMALL]))
    assert list(beton.texts("uid")) == []
    assert beton.arrays(beton.array_field("feat", (2, 3), "<f4")).shape == (0, 2, 3)


@pytest.mark.parametrize(
    ("offset", "change", "message"),
    [
        (0, struct.pack("<H", 1), r"version 1 is not 2"),
        (2, struct.pack("<H", 0), r"0 fields; the file is damaged"),
        (2, struct.pack("<H", 65535), r"65535 fields; the file is damaged"),
        (2, struct.pack("<H", 200), r"is cut short"),
        (8, struct.pack("<Q", 2**63), r"is cut short"),
        (16, struct.pack("<Q", len(SMALL_BYTES) + 1), r"is cut short"),
        (24, b"\x02", r"field 'uid' has type 2; only arrays and JSON"),
        (24, b"\x63", r"field 'uid' has type 99"),
        (25, b"label\0", r"two fields have one name"),
        (25, b"\0", r"a field has no valid name"),
        (25, b"\x1b[2J", r"a field has no valid name"),
        (24 + 1041 + 17, struct.pack("<Q", 2**62), r"sample 0: feat lies outside of the file"),
        (24 + 1041 + 17, struct.pack("<QQ", 2**62, 2**62), r"sample 0: feat lies outside of the file"),
        (24 + 1041 + 17, struct.pack("<QQ", 0, 3), r"field 'feat' has no valid shape or dtype"),
        (24 + 1041 + 17, struct.pack("<QQ", 0, 0), r"field 'feat' has no valid shape or dtype"),
        (24 + 1041 + 17 + 264, b'[["", "|O"]] ', r"field 'feat' has no valid shape or dtype"),
        (24 + 1041 + 17 + 264, b"[[[[[[[[[[[[", r"field 'feat' has no valid shape or dtype"),
        (24 + 4 * 1041, struct.pack("<Q", 2**64 - 1), r"sample 0: uid lies outside of the file"),
        (24 + 4 * 1041 + 8, struct.pack("<Q", 2**64 - 1), r"sample 0: uid lies outside of the file"),
        (24 + 4 * 1041 + 16, struct.pack("<Q", len(SMALL_BYTES) - 23), r"sample 0: feat lies outside of the file"),
        (24 + 4 * 1041 + 3 * 40, b"{", r"sample 0: uid is not JSON"),
        (24 + 4 * 1041 + 3 * 40, b"\xff", r"sample 0: uid is not JSON"),
    ],
)
def test_a_damaged_file_is_refused_in_one_line(tmp_path: Path, offset: int, change: bytes, message: str) -> None:
    data = SMALL_BYTES[:offset] + change + SMALL_BYTES[offset + len(change) :]
    with pytest.raises(BetonError, match=message) as caught:
        read_all(tmp_path / "a.beton", data)
    assert str(caught.value).startswith(str(tmp_path / "a.beton") + ":")
    assert str(caught.value).isprintable()


def test_a_deep_text_and_a_long_one_are_refused(tmp_path: Path) -> None:
    first = 24 + 1041 + 16
    descriptor = struct.pack("<B16s1024s", 5, b"uid", b"")

    def one(payload: bytes) -> bytes:
        header = struct.pack("<HHIQQ", 2, 1, 1 << 23, 1, first + len(payload))
        return header + descriptor + struct.pack("<QQ", first, len(payload)) + payload

    with pytest.raises(BetonError, match="sample 0: uid is not JSON"):
        list(opened(tmp_path / "deep.beton", one(b"[" * 500_000)).texts("uid"))
    with pytest.raises(BetonError, match="more than 1 MiB"):
        opened(tmp_path / "long.beton", one(b" " * (1 << 21)))


def test_other_fields_than_those_asked_for_are_named(tmp_path: Path) -> None:
    beton = opened(tmp_path / "a.beton", SMALL_BYTES)
    with pytest.raises(BetonError, match=r"no array field 'uid' \(fields: uid, feat, label, flag\)"):
        beton.array_field("uid", (1,), "<f4")
    with pytest.raises(BetonError, match=r"no JSON field 'noun'"):
        list(beton.texts("noun"))
    with pytest.raises(BetonError, match=r"field 'feat' is float32 \[2, 3\], expected float32 \[3, 2304\]"):
        beton.array_field("feat", (3, 2304), "<f4")
    with pytest.raises(BetonError, match=r"field 'label' is int32 \[3\], expected int64 \[3\]"):
        beton.array_field("label", (3,), "<i8")


def test_missing_and_empty_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BetonError, match="cannot be read"):
        Beton(tmp_path / "none.beton")
    with pytest.raises(BetonError, match="cannot be read"):
        opened(tmp_path / "a.beton", b"")
    with pytest.raises(BetonError, match="cannot be read"):
        Beton(tmp_path)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(SMALL_BYTES) - 1), st.integers(0, 255)), min_size=1, max_size=12))
def test_changed_bytes_give_typed_errors_only(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]]
) -> None:
    data = bytearray(SMALL_BYTES)
    for offset, value in changes:
        data[offset] = value
    _read_or_refuse(tmp_path_factory, bytes(data))


@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, 24 + 4 * 1041 + 3 * 40 - 8),
    st.sampled_from([0, 1, 2**16, 2**31, 2**32, 2**53, 2**62, 2**63, 2**64 - 1, 2**64 - 24]),
)
def test_extreme_numbers_in_the_head_give_typed_errors_only(
    tmp_path_factory: pytest.TempPathFactory, offset: int, value: int
) -> None:
    data = SMALL_BYTES[:offset] + struct.pack("<Q", value) + SMALL_BYTES[offset + 8 :]
    _read_or_refuse(tmp_path_factory, data)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(SMALL_BYTES)), st.binary(max_size=64))
def test_cut_and_continued_files_give_typed_errors_only(
    tmp_path_factory: pytest.TempPathFactory, length: int, tail: bytes
) -> None:
    _read_or_refuse(tmp_path_factory, SMALL_BYTES[:length] + tail)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400))
def test_anything_gives_typed_errors_only(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    _read_or_refuse(tmp_path_factory, data)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=760))
def test_any_description_of_an_array_gives_typed_errors_only(
    tmp_path_factory: pytest.TempPathFactory, description: bytes
) -> None:
    at = 24 + 1041 + 17 + 256
    arguments = (struct.pack("<Q", len(description)) + description).ljust(768, b"\0")
    _read_or_refuse(tmp_path_factory, SMALL_BYTES[:at] + arguments + SMALL_BYTES[at + 768 :])


def _read_or_refuse(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.beton"
    path.unlink(missing_ok=True)  # a mapped file must not change under its map
    message = "read"
    try:
        read_all(path, data)
    except BetonError as problem:
        message = str(problem)
    assert message.isprintable()


@pytest.mark.parametrize("reverse", [False, True])
def test_argo1m_files_give_a_table_that_gathers_from_the_file(
    right_files: Argo1mFiles, tmp_path: Path, reverse: bool
) -> None:
    clips = right_files.parts["test"]
    write_argo1m_beton(tmp_path / "a.beton", clips, right_files.video_rows, reverse)
    table = read_argo1m_beton(tmp_path / "a.beton")
    chosen = np.array([5, 0, 11, 5])
    batch = table.batch(chosen)
    expected = expected_features(right_files, "test")[chosen]
    assert np.array_equal(batch.appearance.numpy(), expected[:, :, :2048].reshape(4, -1))
    assert np.array_equal(batch.motion.numpy(), expected[:, :, 2048:].reshape(4, -1))
    assert (batch.audio.shape, batch.audio.any().item(), batch.heard.tolist()) == ((4, 768), False, [0, 0, 0, 0])
    assert batch.label.tolist() == [clips[i].label for i in chosen]
    assert (set(batch.scenario.tolist()), set(batch.location.tolist())) == ({1}, {4})
    facts = table.facts
    assert [facts.video_names[i] for i in facts.video] == [clip.uid for clip in clips]
    assert [facts.texts[i] for i in facts.narration] == [clip.narration for clip in clips]
    table.require_finite()


def test_half_a_character_in_a_narration_does_not_travel_on(tmp_path: Path, right_files: Argo1mFiles) -> None:
    clip = right_files.parts["test"][0]
    path = tmp_path / "a.beton"
    write_argo1m_beton(path, [clip], right_files.video_rows)
    old = json.dumps([clip.narration]).encode()
    path.write_bytes(path.read_bytes().replace(old, b'["\\ud800'.ljust(len(old) - 2, b"x") + b'"]'))
    (text,) = read_argo1m_beton(path).facts.texts
    assert text.encode().startswith(b"?xx")


def test_argo1m_files_with_other_contents_are_refused(tmp_path: Path, right_files: Argo1mFiles) -> None:
    path = tmp_path / "a.beton"
    clip = right_files.parts["test"][0]
    write_argo1m_beton(path, [], right_files.video_rows)
    with pytest.raises(DatasetError, match=r"a\.beton: holds no clip"):
        read_argo1m_beton(path)
    path.unlink()
    write_argo1m_beton(path, [type(clip)(clip.uid, 60, 1, 4, 0, 2, "")], right_files.video_rows)
    with pytest.raises(DatasetError, match=r"a\.beton: clip 0: label 60 is not in 0\.\.59"):
        read_argo1m_beton(path)
    path.unlink()
    path.write_bytes(SMALL_BYTES)
    with pytest.raises(BetonError, match=r"field 'feat' is float32 \[2, 3\], expected float32 \[3, 2304\]"):
        read_argo1m_beton(path)
