"""Which plans a choice of precisions needs."""

from __future__ import annotations

import shlex
from pathlib import Path

from edge.bundle import GRAPHS, Bundle
from edge.errors import UsageError
from edge.precision import AUTO, TENSORRT_PRECISIONS, Precisions, choose

ALL = "all"


def engine_precision(precisions: Precisions, engine: str) -> tuple[str, str | None]:
    """Precision and flavour of one engine; the log-mel graph and the head are always FP32."""
    if engine not in ("video", "audio"):
        return "f32", None
    return getattr(precisions, engine), precisions.flavour(engine)


def plans_wanted(bundle: Bundle, asked: str) -> list[tuple[str, str, str | None]]:
    """(engine, precision, flavour) of every plan that `--precision asked` needs, in the order of the data flow.

    No temperature is asked for: precisions are built first and measured afterwards.

    Args:
        asked: 'auto', 'all' (every precision that the bundle has graphs for), one precision, or VIDEO+AUDIO.

    Raises:
        UsageError: an unknown precision.
        BundleError: a precision of which the bundle has no graph.
    """
    found: dict[tuple[str, str, str | None], None] = {}
    wanted = _precisions(bundle, asked)
    for engine in GRAPHS:
        for precisions in wanted:
            precision, flavour = engine_precision(precisions, engine)
            if asked == ALL and flavour is not None and not bundle.has(engine, flavour):
                continue
            bundle.graph(engine, flavour)
            found[(engine, precision, flavour)] = None
    return list(found)


def build_command(bundle: Path, asked: str) -> str:
    """The command line that builds what `asked` needs, ready to be pasted into a shell."""
    return f"egoact build {shlex.quote(str(bundle))} --precision {asked}"


def _precisions(bundle: Bundle, asked: str) -> list[Precisions]:
    if asked == ALL:
        return [Precisions(p, p, "tensorrt") for p in TENSORRT_PRECISIONS]
    if asked == AUTO:
        return [choose(bundle, AUTO, "tensorrt")]
    parts = asked.split("+")
    if len(parts) > 2 or any(part not in TENSORRT_PRECISIONS for part in parts):
        known = ", ".join((AUTO, ALL, *TENSORRT_PRECISIONS))
        raise UsageError(f"--precision {asked}: not one of {known}, nor two precisions as VIDEO+AUDIO")
    return [Precisions(parts[0], parts[-1], "tensorrt")]
