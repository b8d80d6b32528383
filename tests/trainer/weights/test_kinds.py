from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tests.trainer.weights.checkpoints import write_beats, write_slowfast
from trainer.models.checkpoint_file import CheckpointError
from trainer.models.slowfast import slowfast_r50
from trainer.weights.kinds import class_names, kind_of


def test_slowfast_of_pytorchvideo(tmp_path: Path) -> None:
    assert kind_of(write_slowfast(tmp_path / "a.pyth", 5)).startswith("SlowFast of pytorchvideo, ")
    assert kind_of(tmp_path / "a.pyth").endswith(", 5 classes")
    assert kind_of(write_slowfast(tmp_path / "b.pyth", None)).endswith(", no classifier")


def test_the_size_is_that_of_the_paper(tmp_path: Path) -> None:
    with torch.device("meta"):
        state = slowfast_r50(num_classes=400).state_dict()
    empty = {name: torch.zeros((), dtype=value.dtype).expand(value.shape) for name, value in state.items()}
    torch.save({"model_state": empty}, tmp_path / "r50.pyth")
    assert kind_of(tmp_path / "r50.pyth") == "SlowFast of pytorchvideo, 34.6 M parameters, 400 classes"


def test_slowfast_of_pyslowfast(tmp_path: Path) -> None:
    state = {"s1.pathway0_stem.conv.weight": torch.zeros(8, 3, 1, 7, 7), "head.projection.weight": torch.zeros(7, 40)}
    torch.save({"model_state": state, "epoch": 196, "cfg": "text"}, tmp_path / "a.pyth")
    assert kind_of(tmp_path / "a.pyth") == "SlowFast of PySlowFast, 0.0 M parameters, 7 classes"


@pytest.mark.parametrize(("classes", "told"), [(None, "BEATs, pre-trained, 1 layers of width 16"), (4, "4 classes")])
def test_beats(tmp_path: Path, classes: int | None, told: str) -> None:
    assert told in kind_of(write_beats(tmp_path / "a.pt", classes))


def test_other_files_are_not_taken_for_what_they_are_not(tmp_path: Path) -> None:
    torch.save({"model_state": {"stem.weight": torch.zeros(3)}}, tmp_path / "x3d.pyth")
    assert "not SlowFast" in kind_of(tmp_path / "x3d.pyth")
    torch.save({"state_dict": {}}, tmp_path / "other.pt")
    assert "no checkpoint that egoact knows" in kind_of(tmp_path / "other.pt")
    torch.save(torch.zeros(3), tmp_path / "tensor.pt")
    assert "holds a Tensor" in kind_of(tmp_path / "tensor.pt")
    save_file({"a": torch.zeros(2), "b": torch.zeros(2)}, tmp_path / "net.safetensors")
    assert kind_of(tmp_path / "net.safetensors") == "safetensors, 2 tensors"


class Harmful:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("it ran",)


def test_what_would_run_code_is_refused_with_the_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"model_state": {"a": Harmful()}}, tmp_path / "harm.pyth")
    with pytest.raises(CheckpointError, match=r"harm\.pyth: refused, it holds more than weights") as caught:
        kind_of(tmp_path / "harm.pyth")
    assert "\n" not in str(caught.value)
    assert "it ran" not in capsys.readouterr().out


def test_a_caffe2_file_of_pyslowfast_is_refused(tmp_path: Path) -> None:
    blobs = {"blobs": {"conv1_w": np.zeros((2, 2), np.float32)}}
    (tmp_path / "SLOWFAST_8x8_R50.pkl").write_bytes(pickle.dumps(blobs, protocol=2))
    with pytest.raises(CheckpointError, match=r"SLOWFAST_8x8_R50\.pkl: (refused|not a PyTorch)"):
        kind_of(tmp_path / "SLOWFAST_8x8_R50.pkl")


def test_a_torchscript_archive_is_refused(tmp_path: Path) -> None:
    torch.jit.script(torch.nn.Linear(2, 2)).save(str(tmp_path / "ViT-B-32.pt"))
    with pytest.raises(CheckpointError, match=r"ViT-B-32\.pt"):
        kind_of(tmp_path / "ViT-B-32.pt")


@pytest.mark.parametrize("name", ["cut.pyth", "cut.safetensors"])
def test_half_a_file_is_one_line(tmp_path: Path, name: str) -> None:
    write_slowfast(tmp_path / "whole.pyth")
    (tmp_path / name).write_bytes((tmp_path / "whole.pyth").read_bytes()[:3000])
    with pytest.raises(CheckpointError, match=name) as caught:
        kind_of(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_class_names_come_in_the_order_of_their_indices(tmp_path: Path) -> None:
    (tmp_path / "k.json").write_text(json.dumps({'"yoga"': 1, "abseiling": 0, "zumba": 2}))
    assert class_names(tmp_path / "k.json") == ("abseiling", "yoga", "zumba")
    (tmp_path / "a.csv").write_text('index,mid,display_name\n1,/m/0,"Speech, male"\n0,/m/1,Hum\n')
    assert class_names(tmp_path / "a.csv") == ("Hum", "Speech, male")
    assert kind_of(tmp_path / "a.csv") == "2 class names"


@pytest.mark.parametrize("text", ["{", "[]", '{"a": 1}', '{"a": "x"}'])
def test_what_is_no_list_of_names_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "k.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"k\.json"):
        class_names(tmp_path / "k.json")
