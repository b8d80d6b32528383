"""The networks that every peer runs, as a bundle on disk."""

from __future__ import annotations

from pathlib import Path

from bench.engine_graphs import SIZES, write_graphs
from edge.bundle import Bundle, FeatureDims, Thresholds, write_bundle
from edge.contract import WindowSpec

PRECISIONS = ("f32", "bf16", "int8")


def make_bundle(size: str, folder: Path, threads: int) -> Bundle:
    """The networks of `bench.engine_graphs` as a bundle with an INT8 flavour. Weights are random, statistics real."""
    made = SIZES[size]
    networks = made.networks()
    slowfast = networks.video.slowfast
    write_graphs(made, folder, threads)
    return write_bundle(
        folder,
        labels=tuple(f"label {number}" for number in range(made.classes)),
        background_label=None,
        window=WindowSpec(frame_size_px=slowfast.crop_px),
        feature_dims=FeatureDims(slowfast.appearance_dim, slowfast.motion_dim, networks.audio.dim),
        temperatures=dict.fromkeys(PRECISIONS, 1.0),
        thresholds=Thresholds(),
        provenance={"name": f"random weights, {size}"},
    )
