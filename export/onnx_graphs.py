"""PyTorch modules -> ONNX graphs with the names and static shapes of the window contract."""

from __future__ import annotations

import copy
import warnings
from pathlib import Path

import onnx
import torch
from torch import nn

from edge.contract import HEAD_MASK
from export.audio_form import EngineBeats
from export.fold_constants import fold_constants
from export.video_form import EngineVideoNet
from trainer.models.beats import Beats
from trainer.models.fbank import MEL_BINS, Fbank
from trainer.models.slowfast import FAST_FRAMES
from trainer.models.video_net import VideoNet

OPSET = 17  # the first with LayerNormalization as one node; TensorRT 10.3 (JetPack 6) parses it


def export_video(net: VideoNet, path: Path) -> None:
    """frames [1, 32, S, S, 3] uint8 -> appearance [1, A], motion [1, M]."""
    side = net.slowfast.crop_px
    frames = torch.zeros(1, FAST_FRAMES, side, side, 3, dtype=torch.uint8)
    _export(EngineVideoNet(net), (frames,), path, ["frames"], ["appearance", "motion"])


def export_fbank(path: Path, samples: int) -> None:
    """waveform [1, samples] float32 at 16 kHz -> fbank [1, frames, 128]. Run it in float32 always."""
    _export(Fbank(), (torch.zeros(1, samples),), path, ["waveform"], ["fbank"])


def export_audio(beats: Beats, path: Path, fbank_frames: int) -> None:
    """fbank [1, fbank_frames, 128] -> audio [1, D]."""
    _export(EngineBeats(beats), (torch.zeros(1, fbank_frames, MEL_BINS),), path, ["fbank"], ["audio"])


def export_head(rows: nn.Module, path: Path, widths: tuple[int, int, int]) -> None:
    """appearance [1, 3A], motion [1, 3M], audio [1, D], mask [3, 3] -> logits [3, K].

    Args:
        rows: of `head_rows`, or a `StarterHead`.
        widths: 3A, 3M and D.
    """
    inputs = (*(torch.zeros(1, width) for width in widths), torch.from_numpy(HEAD_MASK))
    _export(rows, inputs, path, ["appearance", "motion", "audio", "mask"], ["logits"])


def _export(
    net: nn.Module, inputs: tuple[torch.Tensor, ...], path: Path, input_names: list[str], output_names: list[str]
) -> None:
    # eval() on the outermost module: the exporter restores its mode recursively and would switch dropout back on.
    net = copy.deepcopy(net).cpu().eval()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the exporter warns of its age and of shapes that are meant to be static
        torch.onnx.export(
            net, inputs, path, dynamo=False, opset_version=OPSET, input_names=input_names, output_names=output_names
        )
    model = onnx.load(path)
    _declare_unused(model.graph, dict(zip(input_names, inputs, strict=True)))
    _inline_shared_weights(model.graph)
    fold_constants(model)
    _infer_outputs(model)
    _strip_provenance(model)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString(deterministic=True))


def _declare_unused(graph: onnx.GraphProto, inputs: dict[str, torch.Tensor]) -> None:
    # The exporter drops an input that nothing reads (sound, of a head trained without it); the contract has them all.
    used = {port.name: port for port in graph.input}
    kinds = {torch.float32: onnx.TensorProto.FLOAT, torch.uint8: onnx.TensorProto.UINT8}
    ports = [
        used.get(name) or onnx.helper.make_tensor_value_info(name, kinds[value.dtype], list(value.shape))
        for name, value in inputs.items()
    ]
    del graph.input[:]
    graph.input.extend(ports)


def _infer_outputs(model: onnx.ModelProto) -> None:
    # The exporter's own guess is wrong behind a Pad whose widths it had not folded.
    for port in model.graph.output:
        port.type.tensor_type.ClearField("shape")
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    del model.graph.output[:]
    model.graph.output.extend(inferred.graph.output)


def _inline_shared_weights(graph: onnx.GraphProto) -> None:
    # The exporter merges equal weights and reads them through Identity; quantisers look for weights at the node itself.
    weights = {initializer.name for initializer in graph.initializer}
    sources = {n.output[0]: n.input[0] for n in graph.node if n.op_type == "Identity" and n.input[0] in weights}
    kept = [node for node in graph.node if node.output[0] not in sources]
    for node in kept:
        node.input[:] = [sources.get(name, name) for name in node.input]
    del graph.node[:]
    graph.node.extend(kept)


def _strip_provenance(model: onnx.ModelProto) -> None:
    # Doc strings and metadata hold stack traces with local paths, which would also make equal weights differ in bytes.
    model.doc_string = ""
    del model.metadata_props[:]
    graph = model.graph
    graph.doc_string = ""
    for item in [*graph.node, *graph.initializer, *graph.input, *graph.output, *graph.value_info]:
        item.doc_string = ""
        del item.metadata_props[:]
