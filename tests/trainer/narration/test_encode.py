from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from trainer.narration.clean_up import SUBJECTS, variants
from trainer.narration.encode import encode_narrations
from trainer.narration.hashed_text import HashedText, embed_texts
from trainer.narration.sentence_encoder import SentenceEncoder
from trainer.narration.text_features import TextFeatureError, TextFeatures

NARRATIONS = [f"#C C cuts thing {i}." for i in range(10)] + ["A motor hums.", "", "waits.."]


class Counting:
    """The hashed encoder, and every sentence that it was given."""

    dim = HashedText.dim

    def __init__(self, name: str = "counting") -> None:
        self.name = name
        self.calls: list[list[str]] = []

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.calls.append(list(texts))
        return embed_texts(texts)

    @property
    def sentences(self) -> list[str]:
        return [text for call in self.calls for text in call]


def test_all_five_variants_are_kept_and_found_by_narration(tmp_path: Path) -> None:
    encode_narrations(NARRATIONS, HashedText(), tmp_path / "text", chunk=4)
    features = TextFeatures(tmp_path / "text")
    assert (len(features), features.encoder, features.subjects) == (13, HashedText.name, SUBJECTS)
    assert isinstance(features.array, np.memmap)
    assert (features.array.shape, features.array.dtype) == ((13, 5, 512), np.float32)
    wanted = ["", "waits..", "#c c CUTS thing 7", *NARRATIONS]
    rows = features.rows_of(wanted)
    assert rows.dtype == np.int64
    expected = np.stack([embed_texts(variants(narration)) for narration in wanted])
    np.testing.assert_array_equal(features.array[rows], expected)
    assert np.abs(expected[2, 0] - expected[2, 1]).max() > 0.01


def test_one_fixed_subject(tmp_path: Path) -> None:
    features = encode_narrations(NARRATIONS, HashedText(), tmp_path, subjects=("The user",))
    assert features.array.shape == (13, 1, 512)
    [row] = features.rows_of(["#C C cuts thing 3."])
    np.testing.assert_array_equal(features.array[row], embed_texts(["The user cuts thing 3"]))


def test_every_sentence_is_encoded_once(tmp_path: Path) -> None:
    encoder = Counting()
    encode_narrations([*NARRATIONS, "#c c cuts thing 1", *NARRATIONS], encoder, tmp_path, chunk=5)
    sentences = encoder.sentences
    assert len(sentences) == len(set(sentences)) == 10 * 5 + 1 + 5 + 1  # without the wearer there is one sentence
    assert set(sentences) == {sentence for narration in NARRATIONS for sentence in variants(narration)}
    assert [len(call) for call in encoder.calls] == [25, 25, 5 + 2]


def test_only_what_is_new_is_encoded(tmp_path: Path) -> None:
    encode_narrations(NARRATIONS, Counting(), tmp_path)
    encoder, seen = Counting(), []
    features = encode_narrations(
        [*NARRATIONS, "#C C sits.", "#C C stands"], encoder, tmp_path, progress=lambda *at: seen.append(at), chunk=1
    )
    assert encoder.sentences == [*variants("#C C sits"), *variants("#C C stands")]
    assert seen == [(1, 2), (2, 2)]
    np.testing.assert_array_equal(features.rows_of(["#C C stands", "waits.."]), [14, 12])
    again = Counting()
    encode_narrations([*NARRATIONS, "#C C stands"], again, tmp_path)
    assert again.calls == []


def test_the_index_is_a_table_and_the_embeddings_a_numpy_file(tmp_path: Path) -> None:
    features = encode_narrations(NARRATIONS, HashedText(), tmp_path, chunk=6)
    table = pq.read_table(tmp_path / "index")
    assert table["row"].to_pylist() == list(range(13))
    assert table["narration"].to_pylist()[9:] == [
        "#c c cuts thing 9", "a motor hums", "#c c is doing something", "waits."
    ]  # fmt: skip
    assert all(len(key) == 64 for key in table["text_sha256"].to_pylist())
    np.testing.assert_array_equal(np.load(tmp_path / "embeddings.npy", mmap_mode="r"), features.array)


def test_another_encoder_or_other_subjects_are_refused(tmp_path: Path) -> None:
    encode_narrations(NARRATIONS, Counting("clip-text-512-aaaa"), tmp_path)
    before = (tmp_path / "embeddings.npy").read_bytes()
    with pytest.raises(
        TextFeatureError, match=r"holds clip-text-512-aaaa with She, He, .*, not clip-text-512-bbbb with"
    ):
        encode_narrations(["new"], Counting("clip-text-512-bbbb"), tmp_path)
    with pytest.raises(TextFeatureError, match="not clip-text-512-aaaa with She; give a new folder or delete this one"):
        encode_narrations(["new"], Counting("clip-text-512-aaaa"), tmp_path, subjects=("She",))
    assert (tmp_path / "embeddings.npy").read_bytes() == before


CHILD = """
    import os, signal, sys
    from pathlib import Path
    from tests.trainer.narration.test_encode import NARRATIONS
    from trainer.narration.encode import encode_narrations
    from trainer.narration.hashed_text import HashedText
    write, calls = os.fsync, []
    def killing(fd):
        write(fd)
        calls.append(fd)
        if len(calls) == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
    os.fsync = killing
    encode_narrations(NARRATIONS, HashedText(), Path(sys.argv[1]), chunk=4)
"""


@pytest.mark.parametrize(
    ("killed_at", "kept"),
    [
        (1, 0),  # text.json is written, not yet renamed into place
        (4, 4),  # the second chunk's embeddings are on the disk, its index is not
        (5, 4),  # its index is written, not yet renamed into place
    ],
)
def test_a_killed_run_goes_on_to_the_same_bytes(tmp_path: Path, killed_at: int, kept: int) -> None:
    path, root = tmp_path / "text", Path(__file__).parents[3]
    child = [sys.executable, "-c", textwrap.dedent(CHILD), str(path), str(killed_at)]
    assert subprocess.run(child, cwd=root, timeout=60).returncode == -signal.SIGKILL
    if kept:
        left = TextFeatures(path)
        assert len(left) == len(left.array) == kept
        assert (path / "embeddings.npy").stat().st_size > left.array.nbytes + 1000
    encoder = Counting(HashedText.name)
    encode_narrations(NARRATIONS, encoder, path, chunk=4)
    assert len(encoder.sentences) == 57 - 5 * kept
    encode_narrations(NARRATIONS, HashedText(), tmp_path / "undisturbed", chunk=4)
    for file in ("embeddings.npy", "text.json", *(f"index/{i:06d}.parquet" for i in range(4))):
        assert (path / file).read_bytes() == (tmp_path / "undisturbed" / file).read_bytes(), file
    assert len(list((path / "index").iterdir())) == 4


def test_an_encoder_that_fails_leaves_what_was_committed(tmp_path: Path) -> None:
    class Failing(Counting):
        def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
            if len(self.calls) == 2:
                raise OSError("the device is gone")
            return super().encode(texts)

    with pytest.raises(OSError, match="the device is gone"):
        encode_narrations(NARRATIONS, Failing(), tmp_path, chunk=4)
    assert len(TextFeatures(tmp_path)) == 8
    assert len(encode_narrations(NARRATIONS, Counting(), tmp_path, chunk=4)) == 13


def test_vectors_that_are_no_numbers_are_not_stored(tmp_path: Path) -> None:
    class Broken(Counting):
        def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
            vectors = super().encode(texts)
            vectors[-1, -1] = np.nan
            return vectors

    with pytest.raises(TextFeatureError, match="all finite"):
        encode_narrations(NARRATIONS, Broken(), tmp_path)
    assert len(TextFeatures(tmp_path)) == 0
    assert TextFeatures(tmp_path).array.shape == (0, 5, 512)


def test_two_writers_do_not_mix(tmp_path: Path) -> None:
    encode_narrations(NARRATIONS, HashedText(), tmp_path)
    with open(tmp_path / "writer.lock", "w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(TextFeatureError, match="another process is writing there; wait for it"):
            encode_narrations(["new"], HashedText(), tmp_path)
    assert len(encode_narrations(["new"], HashedText(), tmp_path)) == 14


def test_what_was_not_encoded_is_named(tmp_path: Path) -> None:
    features = encode_narrations(NARRATIONS, HashedText(), tmp_path)
    with pytest.raises(TextFeatureError, match=r"no embedding of '#C C flies\.'; add it: egoact narrations SOURCE"):
        features.rows_of(["#C C cuts thing 1", "#C C flies."])


def test_damage_is_found_and_named(tmp_path: Path) -> None:
    with pytest.raises(TextFeatureError, match=r"no embedded narrations here .*make them: egoact narrations"):
        TextFeatures(tmp_path)
    encode_narrations(NARRATIONS, HashedText(), tmp_path, chunk=4)
    os.truncate(tmp_path / "embeddings.npy", 13 * 5 * 512 * 4)  # the last numbers are gone
    with pytest.raises(TextFeatureError, match=r"embeddings.npy: does not hold 13 rows"):
        _ = TextFeatures(tmp_path).array
    with pytest.raises(TextFeatureError, match=r"embeddings.npy: does not hold 13 rows"):
        encode_narrations(["new"], HashedText(), tmp_path)
    (tmp_path / "index" / "000002.parquet").write_bytes(b"PAR1")
    with pytest.raises(TextFeatureError, match=r"000002.parquet: damaged"):
        TextFeatures(tmp_path)
    (tmp_path / "index" / "000002.parquet").unlink()
    with pytest.raises(TextFeatureError, match=r"000003.parquet: does not follow the part before it"):
        TextFeatures(tmp_path)
    head = json.loads((tmp_path / "text.json").read_text())
    (tmp_path / "text.json").write_text(json.dumps({**head, "format_version": 2}))
    with pytest.raises(TextFeatureError, match="format 2, this egoact reads format 1"):
        TextFeatures(tmp_path)
    (tmp_path / "text.json").write_text("[]")
    with pytest.raises(TextFeatureError, match=r"text.json: cannot be read"):
        TextFeatures(tmp_path)


def test_both_encoders_are_sentence_encoders() -> None:
    """mypy checks the assignment; the name and the width are there at run time, too."""
    encoder: SentenceEncoder = HashedText()
    assert (encoder.name, encoder.dim) == ("hashed-text-512", 512)
    assert encoder.encode(["water runs", ""]).shape == (2, 512)
