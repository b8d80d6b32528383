from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch
from safetensors.torch import load_file, save_file

from edge.errors import EgoactError
from tests.trainer.models.network import cut_network
from tests.trainer.models.tiny_clip import DIM, write_clip
from trainer.models import transformers_package
from trainer.models.checkpoint_file import CheckpointError
from trainer.models.clip_folder import find_clip
from trainer.models.clip_text import load_clip_text


@pytest.fixture(autouse=True)
def attempts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The network is cut, and the user has no weights and an empty cache of the hub."""
    monkeypatch.setenv("EGOACT_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    return cut_network(monkeypatch)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "clip"))


def refusal(source: Any) -> str:
    with pytest.raises(CheckpointError) as caught:
        load_clip_text(source)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_without_a_source_it_lies_in_the_folder_of_weights(whole: Path, tmp_path: Path, attempts: list[str]) -> None:
    expected = tmp_path / "weights" / "clip-ViT-B-32"
    assert refusal(None) == (
        f"CLIP: no config.json in {expected}; run: hf download sentence-transformers/clip-ViT-B-32 "
        f"--include '0_CLIPModel/*' --local-dir {expected}"
    )
    shutil.copytree(whole, expected / "0_CLIPModel")
    assert find_clip() == expected / "0_CLIPModel"
    assert load_clip_text().dim == DIM
    assert attempts == []


def test_a_folder_that_is_missing_is_not_asked_from_the_hub(attempts: list[str]) -> None:
    message = refusal("openai/clip-vit-base-patch32")
    assert "for a repository write hub:openai/clip-vit-base-patch32" in message
    assert attempts == []


@pytest.mark.parametrize(
    ("file", "lack"),
    [
        ("config.json", "config.json"),
        ("vocab.json", "tokenizer.json or vocab.json"),
        ("merges.txt", "tokenizer.json or merges.txt"),
        ("model.safetensors", "model.safetensors or pytorch_model.bin"),
    ],
)
def test_what_is_missing_is_named(folder: Path, file: str, lack: str) -> None:
    (folder / file).unlink()
    assert refusal(folder).startswith(f"CLIP: no {lack} in {folder}; run: hf download ")


def test_a_folder_name_with_blanks_can_be_pasted(tmp_path: Path) -> None:
    assert refusal(tmp_path / "my clip").endswith(f"--local-dir '{tmp_path}/my clip'")


class RunsCode:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("it-ran",)


def test_a_pickle_that_would_run_code_is_refused(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    state = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save({**state, "extra": RunsCode()}, folder / "pytorch_model.bin")
    assert "pytorch_model.bin: refused, it holds more than weights" in refusal(folder)
    assert not (tmp_path / "it-ran").exists()


def test_safetensors_are_read_where_both_are(folder: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(b"never read")
    assert load_clip_text(folder).dim == DIM


def test_a_file_that_is_cut_off_is_refused(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    assert f"{file}: not a safetensors file, or incomplete" in refusal(folder)


def change_weights(folder: Path, **changes: torch.Tensor | None) -> None:
    state = {**load_file(folder / "model.safetensors"), **{k.replace("__", "."): v for k, v in changes.items()}}
    save_file({k: v for k, v in state.items() if v is not None}, folder / "model.safetensors", {"format": "pt"})


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"text_projection__weight": None}, "lacks weight 'text_projection.weight'"),
        ({"text_model__final_layer_norm__bias": torch.zeros(5)}, "has another shape of weight 'text_model.final_"),
        ({"text_model__more": torch.zeros(5)}, "has the unknown weight 'text_model.more'"),
    ],
)
def test_nothing_is_skipped_and_nothing_is_made_up(folder: Path, changes: Any, problem: str) -> None:
    change_weights(folder, **changes)
    assert problem in refusal(folder)


def test_positions_that_older_files_hold_are_no_weights(folder: Path) -> None:
    change_weights(folder, text_model__embeddings__position_ids=torch.arange(77)[None])
    assert load_clip_text(folder).dim == DIM


def test_another_kind_of_model_is_refused(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "bert"}))
    assert refusal(folder).endswith("config.json: describes a model of type 'bert', not CLIP")
    (folder / "config.json").write_text("{")
    assert "config.json: cannot be read (" in refusal(folder)


def test_the_tokenizer_of_another_model_is_refused(folder: Path) -> None:
    vocabulary = json.loads((folder / "vocab.json").read_text())
    (folder / "vocab.json").write_text(json.dumps({**vocabulary, "more</w>": len(vocabulary)}))
    assert "tokenizer does not belong to its weights" in refusal(folder)
    (folder / "vocab.json").write_text("{")
    assert "tokenizer cannot be read" in refusal(folder)


def test_the_end_of_text_must_be_the_one_of_the_weights(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["eos_token_id"] = 7
    (folder / "config.json").write_text(json.dumps(config))
    assert "tokenizer does not belong to its weights" in refusal(folder)


def test_a_hub_that_cannot_be_reached_is_one_line(attempts: list[str], tmp_path: Path) -> None:
    message = refusal("hub:sentence-transformers/clip-ViT-B-32")
    assert message.startswith("hub:sentence-transformers/clip-ViT-B-32: cannot be had from the hub (")
    assert message.endswith(
        "; where it can be reached, run: hf download sentence-transformers/clip-ViT-B-32 --include '0_CLIPModel/*' "
        f"--local-dir {tmp_path}/weights/clip-ViT-B-32"
    )
    assert attempts


def test_a_repository_in_the_cache_needs_no_network(whole: Path, tmp_path: Path, attempts: list[str]) -> None:
    repository = tmp_path / "cache" / "models--some--clip"
    shutil.copytree(whole, repository / "snapshots" / ("0" * 40))
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    assert find_clip("hub:some/clip") == repository / "snapshots" / ("0" * 40)
    assert load_clip_text("hub:some/clip").dim == DIM
    assert attempts == []


def test_the_hub_is_asked_for_safetensors_first_and_for_the_rest_only_without_them(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A repository that holds pytorch_model.bin alone: the second request gets it."""
    asked: list[list[str]] = []

    def snapshot_download(name: str, *, allow_patterns: list[str], local_files_only: bool) -> str:
        if local_files_only:
            raise FileNotFoundError("not in the cache")
        asked.append(allow_patterns)
        shutil.copytree(whole, tmp_path / name, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.safetensors"))
        if "*pytorch_model.bin" in allow_patterns:
            (tmp_path / name / "pytorch_model.bin").touch()
        return str(tmp_path / name)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    assert find_clip("hub:some/clip") == tmp_path / "some" / "clip"
    assert asked == [["*.json", "*merges.txt", f"*{name}"] for name in ("model.safetensors", "pytorch_model.bin")]


def test_without_the_package_the_line_says_what_to_install(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(transformers_package.importlib, "import_module", missing)
    with pytest.raises(EgoactError) as caught:
        load_clip_text(whole)
    assert str(caught.value).startswith("CLIP needs the package transformers (No module named 'transformers")
    assert str(caught.value).endswith("; run: pip install 'egoact[train]'")
