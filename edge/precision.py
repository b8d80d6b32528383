"""Which precision each backbone runs in: as asked, or as the bundle's evidence chose and this processor can."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from edge.bundle import Bundle
from edge.errors import BundleError, UsageError

AUTO = "auto"
CPU_PRECISIONS = ("f32", "bf16", "int8")
TENSORRT_PRECISIONS = ("f32", "f16", "int8")
BACKENDS = ("cpu", "tensorrt")
_FLAVOUR = {("cpu", "int8"): "int8-cpu", ("tensorrt", "f16"): "f16-trt", ("tensorrt", "int8"): "int8-trt"}
_NEEDED_FLAGS = {
    "bf16": ("avx512_bf16", "amx_bf16"),
    # Without VNNI the products saturate in 16 bits: slower gains, and BEATs' features suffer.
    "int8": ("avx512_vnni", "avx_vnni", "amx_int8", "asimddp"),
}


class Precisions(NamedTuple):
    """Of the two backbones; the log-mel graph and the head always run in FP32."""

    video: str
    audio: str
    backend: str = "cpu"

    @property
    def key(self) -> str:
        """The name under which `Bundle.temperatures` holds this pair: 'int8', 'int8+bf16', 'trt-f16', ..."""
        pair = self.video if self.video == self.audio else f"{self.video}+{self.audio}"
        # FP32 computes the same everywhere; other precisions round differently on each back end.
        return pair if self.backend == "cpu" or pair == "f32" else f"trt-{pair}"

    def flavour(self, engine: str) -> str | None:
        """Which file of the bundle the engine reads; None for the FP32 graph."""
        return _FLAVOUR.get((self.backend, getattr(self, engine)))


def choose(bundle: Bundle, asked: str, backend: str = "cpu") -> Precisions:
    """Precisions for this bundle on this machine.

    Args:
        asked: 'auto' (the bundle's selection where the processor has what it needs, else FP32), one precision for both
            backbones, or VIDEO+AUDIO such as 'int8+bf16'.

    Raises:
        UsageError: an unknown precision or back end.
        BundleError: a precision of which the bundle has no graph or no temperature.
    """
    known = CPU_PRECISIONS if backend == "cpu" else TENSORRT_PRECISIONS
    if backend not in BACKENDS:
        raise UsageError(f"back end {backend!r} is not one of {', '.join(BACKENDS)}")
    if asked == AUTO:
        return _selected(bundle, backend)
    parts = asked.split("+")
    if len(parts) > 2 or any(part not in known for part in parts):
        raise UsageError(
            f"--precision {asked}: not one of {AUTO}, {', '.join(known)}, nor two of them as VIDEO+AUDIO, on {backend}"
        )
    precisions = Precisions(parts[0], parts[-1], backend)
    for engine in ("video", "audio"):
        bundle.graph(engine, precisions.flavour(engine))
    temperature(bundle, precisions)
    return precisions


def temperature(bundle: Bundle, precisions: Precisions) -> float:
    """The temperature fitted for these precisions.

    Raises:
        BundleError: none was fitted.
    """
    try:
        return bundle.temperatures[precisions.key]
    except KeyError:
        raise BundleError(
            f"{bundle.path}: no temperature was fitted for {precisions.key}; it has "
            f"{', '.join(sorted(bundle.temperatures))}; fit it with `egoact calibrate {bundle.path} --clips DIR`"
        ) from None


def processor_can(precision: str, cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether this processor computes in `precision` in hardware; read from its flags, FP32 always."""
    needed = _NEEDED_FLAGS.get(precision)
    if needed is None:
        return True
    try:
        flags = set(cpuinfo.read_text(encoding="utf-8").split())
    except OSError:
        return False
    return not flags.isdisjoint(needed)


def _selected(bundle: Bundle, backend: str) -> Precisions:
    chosen = bundle.selection.get(backend, {})
    wanted = {engine: chosen[engine].precision if engine in chosen else "f32" for engine in ("video", "audio")}
    if backend == "cpu":
        wanted = {engine: p if processor_can(p) else "f32" for engine, p in wanted.items()}
    precisions = Precisions(wanted["video"], wanted["audio"], backend)
    complete = precisions.key in bundle.temperatures and all(
        precisions.flavour(engine) is None or bundle.has(engine, str(precisions.flavour(engine)))
        for engine in ("video", "audio")
    )
    return precisions if complete else Precisions("f32", "f32", backend)
