from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.trainer.models.seeded import seed_weights
from trainer.models.checkpoint_file import CheckpointError, read_checkpoint
from trainer.models.slowfast import SlowFast, slowfast_r50, slowfast_r101
from trainer.models.slowfast_checkpoint import _build, _pytorchvideo_name, load_slowfast


def pyslowfast_name(name: str) -> str:
    """pytorchvideo's name of a weight -> PySlowFast's (slowfast/models/*_helper.py, video_model_builder.py)."""
    if name.startswith("blocks.6.proj."):
        return name.replace("blocks.6.proj.", "head.projection.")
    stage = int(name.split(".")[1]) + 1
    rest = name.split(".", 2)[2]
    if rest.startswith("multipathway_fusion."):
        rest = rest.removeprefix("multipathway_fusion.").replace("conv_fast_to_slow", "conv_f2s")
        return f"s{stage}_fuse.{rest}".replace(".norm.", ".bn.")
    if stage == 1:
        return re.sub(r"multipathway_blocks\.(\d)\.", r"s1.pathway\1_stem.", rest).replace(".norm.", ".bn.")
    rest = re.sub(r"multipathway_blocks\.(\d)\.res_blocks\.(\d+)\.", r"pathway\1_res\2.", rest)
    rest = rest.replace("branch1_conv", "branch1").replace("branch1_norm", "branch1_bn")
    return f"s{stage}." + re.sub(r"norm_([abc])", r"\1_bn", re.sub(r"conv_([abc])", r"\1", rest))


def tiny() -> SlowFast:
    net = SlowFast((1, 2, 1, 1), width=16, beta_inv=4, fusion_kernel=5, crop_px=64, num_classes=7)
    seed_weights(net)
    return net


def save(state: dict[str, Tensor], path: Path) -> Path:
    torch.save({"model_state": state, "epoch": 196, "cfg": "TRAIN: ..."}, path)
    return path


@pytest.mark.parametrize("project", ["pytorchvideo", "pyslowfast"])
def test_either_project_gives_the_same_features(tmp_path: Path, project: str) -> None:
    net = tiny()
    state = net.state_dict()
    if project == "pyslowfast":
        state = {pyslowfast_name(name): value for name, value in state.items()}
        assert "s2.pathway1_res0.branch2.a_bn.running_mean" in state
    loaded = load_slowfast(save(state, tmp_path / "model.pyth"), crop_px=64)
    slow, fast = torch.ones(1, 3, 8, 64, 64), torch.ones(1, 3, 32, 64, 64)
    with torch.inference_mode():
        features, expected = loaded.eval()(slow, fast), net.eval()(slow, fast)
    torch.testing.assert_close(features, expected)
    assert loaded.classify(*features).shape == (1, 7)


@pytest.mark.parametrize("build", [slowfast_r50, slowfast_r101])
@pytest.mark.parametrize("head", [True, False])
def test_full_size_models_are_recognised_by_their_shapes(build: type[SlowFast], head: bool) -> None:
    with torch.device("meta"):
        net = build(num_classes=400 if head else None)
        state = net.state_dict()
        mapped = {_pytorchvideo_name(pyslowfast_name(name), Path("x")): value for name, value in state.items()}
        rebuilt = _build(mapped, alpha=4, crop_px=256)
    shapes = {name: value.shape for name, value in rebuilt.state_dict().items()}
    assert shapes == {name: value.shape for name, value in state.items()}


def test_4x16_has_four_slow_frames(tmp_path: Path) -> None:
    loaded = load_slowfast(save(tiny().state_dict(), tmp_path / "model.pyth"), alpha=8, crop_px=64)
    assert loaded.slow_frames == 4
    loaded.eval()(torch.ones(1, 3, 4, 64, 64), torch.ones(1, 3, 32, 64, 64))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda s: s.pop("blocks.2.multipathway_fusion.norm.bias"),
            "lacks weight 'blocks.2.multipathway_fusion",
        ),
        (lambda s: s.update({"blocks.9.weight": torch.ones(1)}), "unknown weight 'blocks.9.weight'"),
        (lambda s: s.update({"s1.pathway0_nonlocal.weight": torch.ones(1)}), "has no counterpart"),
        (lambda s: s.clear(), "not a SlowFast checkpoint"),
    ],
)
def test_weights_that_do_not_fit_are_refused(tmp_path: Path, change: object, message: str) -> None:
    state = dict(tiny().state_dict())
    change(state)  # type: ignore[operator]
    with pytest.raises(CheckpointError, match=message) as caught:
        load_slowfast(save(state, tmp_path / "model.pyth"))
    assert "\n" not in str(caught.value)


class Payload:
    def __reduce__(self) -> tuple[type, tuple[str]]:
        return Path, ("code would run here",)


def test_files_that_are_no_plain_checkpoint_are_refused(tmp_path: Path) -> None:
    torch.save({"model_state": Payload()}, tmp_path / "code.pyth")
    (tmp_path / "text.pyth").write_text("hello")
    (tmp_path / "empty.pyth").write_bytes(b"")
    torch.save({"model_state": torch.ones(1000)}, tmp_path / "cut.pyth")
    (tmp_path / "cut.pyth").write_bytes((tmp_path / "cut.pyth").read_bytes()[:2000])
    torch.save([1, 2], tmp_path / "list.pyth")
    for name, message in {
        "code.pyth": "holds more than weights",
        "text.pyth": "refused|not a PyTorch checkpoint",
        "empty.pyth": "not a PyTorch checkpoint",
        "cut.pyth": "not a PyTorch checkpoint",
        "list.pyth": "no entry 'model_state'",
        "missing.pyth": "no such checkpoint file",
        "": "is a folder",
    }.items():
        with pytest.raises(CheckpointError, match=message) as caught:
            read_checkpoint(tmp_path / name, "model_state")
        assert "\n" not in str(caught.value)
