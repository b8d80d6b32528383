from __future__ import annotations

import json
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from edge.cli import main
from tests.argo1m_files import Argo1mFiles, write_argo1m
from tests.trainer.models.tiny_clip import DIM, write_clip
from tests.trainer.tables.toy import write_own, write_world
from trainer.models.clip_text import load_clip_text
from trainer.narration.clean_up import SUBJECTS, variants, with_subject
from trainer.narration.command import read_narrations
from trainer.narration.encode import encode_narrations
from trainer.narration.hashed_text import embed_texts
from trainer.narration.text_features import TextFeatures

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def argo1m(tmp_path_factory: pytest.TempPathFactory) -> Argo1mFiles:
    return write_argo1m(tmp_path_factory.mktemp("data") / "argo1m", clips_per_domain=2)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_own(tmp_path_factory.mktemp("own"))


def narrations(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict:
    assert main(["narrations", *map(str, arguments), "--threads", "1", "--device", "cpu", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refusal(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    code = main(["narrations", *map(str, arguments)])
    [line] = capsys.readouterr().err.splitlines()
    return code, line


def test_all_narrations_of_argo1ms_files_hashed(
    argo1m: Argo1mFiles, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clips = [clip for part in argo1m.parts.values() for clip in part]
    told = {text for clip in clips for text in (clip.narration, clip.audio_narration) if text}
    found = narrations(capsys, argo1m.csv("test").parent, "--out", tmp_path / "texts", "--hashed")
    features = TextFeatures(tmp_path / "texts")
    assert found["encoder"] == "hashed-text-512"
    assert tuple(found["subjects"]) == SUBJECTS
    wanted = sorted(told)
    np.testing.assert_array_equal(
        features.array[features.rows_of(wanted)], np.stack([embed_texts(variants(text)) for text in wanted])
    )
    one = narrations(capsys, argo1m.csv("test"), "--out", tmp_path / "one", "--hashed", "--subject", "The user")
    assert 0 < one["of_source"] < found["of_source"]
    [row] = TextFeatures(tmp_path / "one").rows_of([argo1m.parts["test"][0].narration])
    expected = embed_texts([with_subject(argo1m.parts["test"][0].narration, "The user")])
    np.testing.assert_array_equal(TextFeatures(tmp_path / "one").array[row], expected)


def test_clip_is_the_default_and_its_vectors_are_its_own(
    own: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EGOACT_WEIGHTS", str(tmp_path / "weights"))
    csv, _ = own
    code, line = refusal(capsys, csv, "--out", tmp_path / "texts")
    assert code == 1
    assert "CLIP: no config.json in" in line
    assert "run: hf download" in line
    assert not (tmp_path / "texts").exists(), "nothing is begun without weights"

    clip = write_clip(tmp_path / "weights" / "clip-ViT-B-32")
    found = narrations(capsys, csv, "--out", tmp_path / "texts")
    assert found["dim"] == DIM
    text = read_narrations(csv)[0]
    features = TextFeatures(tmp_path / "texts")
    [row] = features.rows_of([text])
    expected = load_clip_text(clip).encode(variants(text))
    np.testing.assert_allclose(features.array[row], expected, atol=1e-6)
    assert narrations(capsys, csv, "--out", tmp_path / "texts", "--clip", clip) == found
    code, line = refusal(capsys, csv, "--out", tmp_path / "texts", "--hashed")
    assert code == 1
    assert "not hashed-text-512 with" in line


def test_a_world_and_own_clips_go_into_one_folder_that_train_reads(
    own: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world, _ = write_world(tmp_path / "world")
    texts = tmp_path / "texts"
    csv, store = own
    first = narrations(capsys, csv, "--out", texts, "--hashed")
    both = narrations(capsys, world, "--out", texts, "--hashed")
    assert both["narrations"] > first["narrations"]
    settings = ("--hidden", 16, "--width", 8, "--epochs", 1, "--threads", 1, "--device", "cpu")
    run = ["train", csv, "--features", store, "--narrations", texts, "--out", tmp_path / "run", *settings]
    assert main([str(part) for part in run]) == 0


CHILD = """
    import os, signal, sys
    from edge.cli import main
    from trainer.narration import encode
    encode.encode_narrations.__kwdefaults__["chunk"] = 3
    write, calls = os.fsync, []
    def killing(fd):
        write(fd)
        calls.append(fd)
        if len(calls) == 4:
            os.kill(os.getpid(), signal.SIGKILL)
    os.fsync = killing
    sys.exit(main(sys.argv[1:]))
"""


def test_a_killed_command_goes_on_to_the_same_bytes(
    argo1m: Argo1mFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    command = ["narrations", str(argo1m.csv("test")), "--hashed", "--device", "cpu", "--out"]
    child = [sys.executable, "-c", textwrap.dedent(CHILD), *command, str(killed)]
    assert subprocess.run(child, cwd=ROOT, timeout=120).returncode == -signal.SIGKILL
    assert len(TextFeatures(killed)) == 3
    monkeypatch.setitem(encode_narrations.__kwdefaults__, "chunk", 3)
    assert main([*command, str(killed)]) == main([*command, str(whole)]) == 0
    files = sorted(path.relative_to(whole) for path in whole.rglob("*") if path.is_file())
    assert len(files) > 4
    assert files == sorted(path.relative_to(killed) for path in killed.rglob("*") if path.is_file())
    assert all((killed / file).read_bytes() == (whole / file).read_bytes() for file in files)


def test_wrong_sources_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "texts"
    assert refusal(capsys, tmp_path / "no", "--out", out, "--hashed") == (
        2,
        f"egoact narrations: {tmp_path / 'no'}: there is no such file or folder",
    )
    (tmp_path / "empty").mkdir()
    code, line = refusal(capsys, tmp_path / "empty", "--out", out, "--hashed")
    assert code == 2
    assert "holds neither ARGO1M's files" in line
    silent = tmp_path / "silent.csv"
    silent.write_text("video,start_s,end_s,label\na.mp4,0,1,cut\n")
    code, line = refusal(capsys, silent, "--out", out, "--hashed")
    assert code == 1
    assert "holds no narration; its columns are 'narration' and 'audio_narration'" in line
    (tmp_path / "file").write_text("")
    code, line = refusal(capsys, _told(tmp_path), "--out", tmp_path / "file", "--hashed")
    assert code == 1
    assert line.startswith(f"egoact narrations: {tmp_path / 'file'}: cannot be written (")


def _told(folder: Path) -> Path:
    path = folder / "told.csv"
    path.write_text("video,start_s,end_s,label,narration\na.mp4,0,1,cut,#C C cuts\n")
    return path
