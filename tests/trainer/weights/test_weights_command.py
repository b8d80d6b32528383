from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlparse

import pytest

from edge.cli import main
from tests.trainer.weights.checkpoints import write_beats, write_slowfast
from tests.trainer.weights.servers import Behaviour, serving
from trainer.weights.catalogue import CATALOGUE

R101 = "SLOWFAST_8x8_R101.pyth"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EGOACT_WEIGHTS", str(tmp_path / "weights"))
    return tmp_path / "weights"


def weights(*arguments: str) -> int:
    return main(["weights", *arguments])


def test_the_table_is_complete() -> None:
    assert len({entry.name for entry in CATALOGUE}) == len({entry.file for entry in CATALOGUE}) == len(CATALOGUE)
    for entry in CATALOGUE:
        assert all((entry.what, entry.page, entry.licence, entry.format)), entry.name
        if entry.url is not None:
            assert urlparse(entry.url).path.endswith("/" + entry.file), entry.name


def test_list_says_what_there_is_and_where_it_comes_from(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_slowfast(folder / R101)
    assert weights("list") == 0
    out = capsys.readouterr().out
    assert str(folder) in out
    assert "slowfast8x8_r101  (here)" in out
    assert "beats  (missing)" in out
    assert "egoact weights fetch slowfast8x8_r50" in out
    assert weights("list", "--json") == 0
    entries = {e["name"]: e for e in json.loads(capsys.readouterr().out)["weights"]}
    assert entries["slowfast8x8_r101"]["present"]
    assert not entries["beats"]["present"]


def test_without_the_variable_the_folder_is_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("EGOACT_WEIGHTS", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    weights("list")
    assert f"folder: {tmp_path}/.cache/egoact/weights" in capsys.readouterr().out


def test_a_file_that_changes_after_its_first_use_is_refused_until_accepted(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_slowfast(folder / R101, seed=0)
    assert weights("check", "slowfast8x8_r101") == 0
    assert "SlowFast of pytorchvideo" in capsys.readouterr().out
    record = json.loads((folder / "checksums.json").read_text())
    assert list(record) == [R101]
    assert weights("check") == 0
    write_slowfast(folder / R101, seed=1)
    capsys.readouterr()
    assert weights("check") == 1
    error = capsys.readouterr().err
    assert "has changed since it was first used" in error
    assert f"--accept {R101}" in error
    assert json.loads((folder / "checksums.json").read_text()) == record
    assert weights("check", "--accept", R101) == 0
    assert weights("check") == 0


def test_a_named_file_that_is_missing_is_one_line_with_the_command(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert weights("check", "slowfast8x8_r101", "beats") == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].endswith(f"{R101} is not in {folder}; run: egoact weights fetch slowfast8x8_r101")
    assert "BEATs_iter3_plus_AS2M.pt is not in" in lines[1]
    assert "github.com/microsoft/unilm" in lines[1]
    assert len(lines) == 2
    assert weights("check") == 0  # nothing is here and nothing was asked for


def test_one_bad_file_does_not_hide_the_others(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_slowfast(folder / R101)
    write_beats(folder / "BEATs_iter3_plus_AS2M.pt")
    (folder / R101).write_bytes(b"cut off")
    assert weights("check") == 1
    out, error = capsys.readouterr()
    assert out.startswith("beats: BEATs, pre-trained")
    assert R101 in error
    assert R101 not in json.loads((folder / "checksums.json").read_text())


def test_a_folder_is_checked_as_a_whole(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert weights("check", "clip_vit_b32") == 1
    assert f"--local-dir {folder / 'clip-ViT-B-32'}" in capsys.readouterr().err
    model = folder / "clip-ViT-B-32" / "0_CLIPModel"
    model.mkdir(parents=True)
    assert weights("check") == 1
    assert "config.json" in capsys.readouterr().err
    (model / "config.json").write_text('{"text_config": {"num_hidden_layers": 12, "hidden_size": 512}}')
    for name in ("tokenizer.json", "model.safetensors"):
        (model / name).write_text("{}")
    assert weights("check", "clip_vit_b32") == 0
    assert "CLIP of transformers, text tower of 12 layers of width 512" in capsys.readouterr().out
    (model / ".cache").mkdir()
    (model / ".cache" / "note").write_text("of the downloader")
    assert weights("check") == 0
    (model / "model.safetensors").write_text("[]")
    assert weights("check") == 1
    assert "clip-ViT-B-32: has changed since" in capsys.readouterr().err
    assert weights("check", "--accept", "clip-ViT-B-32") == 0


def test_fetch_downloads_checks_and_records(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = write_slowfast(tmp_path / "published.pyth").read_bytes()
    server = Behaviour(content)
    with serving(server) as url:
        assert weights("fetch", "slowfast8x8_r101", "--url", url) == 0
        assert "SlowFast of pytorchvideo" in capsys.readouterr().out
        assert weights("fetch", "slowfast8x8_r101", "--url", url) == 0
    assert "is here already" in capsys.readouterr().out
    assert len(server.requested) == 1
    assert (folder / R101).read_bytes() == content
    assert R101 in json.loads((folder / "checksums.json").read_text())


def test_fetch_of_what_has_no_address_says_where_to_get_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert weights("fetch", "beats") == 1
    assert "no address to fetch it from; download it from https://github.com/microsoft" in capsys.readouterr().err


def test_fetch_that_fails_leaves_nothing_under_the_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(Behaviour(b"", status=404)) as url:
        assert weights("fetch", "slowfast8x8_r50", "--url", url) == 1
    assert "the server answers 404" in capsys.readouterr().err
    assert not (folder / "SLOWFAST_8x8_R50.pyth").exists()


def test_wrong_use(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert weights("check", "slowfast8x8_r11") == 2
    assert "did you mean 'slowfast8x8_r101'?" in capsys.readouterr().err
    assert weights("fetch", "beats", "slowfast8x8_r50", "--url", "http://127.0.0.1:9/x") == 2
    (folder).mkdir(exist_ok=True)
    (folder / "checksums.json").write_text("[]")
    write_slowfast(folder / R101)
    assert weights("check") == 1
    assert "checksums.json" in capsys.readouterr().err
