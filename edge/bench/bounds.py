"""What makes a measurement slow or doubtful, in words; the first two as trtexec warns of them.

Source: NVIDIA/TensorRT, samples/common/sampleReporting.cpp.
"""

from __future__ import annotations

from collections.abc import Collection

from edge.bench.distribution import Distribution
from edge.bench.warm_up import WarmUp

ENQUEUE_BOUND = 0.8
BUSY_SHARE = 0.1


def warnings_of(
    *,
    compute: Distribution,
    enqueue: Distribution | None,
    h2d: Distribution | None,
    d2h: Distribution | None,
    warm: WarmUp,
    throttling: Collection[str],
) -> tuple[str, ...]:
    """One line each, without the engine's name."""
    found = []
    if enqueue is not None and enqueue.median > ENQUEUE_BOUND * compute.median:
        found.append(
            f"enqueue bound: handing over takes {enqueue.median:.3f} ms of the {compute.median:.3f} ms that the GPU "
            "computes; the processor is the limit"
        )
    for name, copy in (("host to device", h2d), ("device to host", d2h)):
        if copy is not None and copy.median >= compute.median:
            found.append(f"transfer bound: {name} takes {copy.median:.3f} ms, the computation {compute.median:.3f} ms")
    if not warm.stable:
        found.append(f"not settled: the last ten of {warm.runs} warm-up runs still varied by more than 5 %")
    found += [f"throttled while it was measured: {reason}" for reason in throttling]
    return tuple(found)


def busy_warning(foreign_share: float | None) -> str | None:
    """What other programs took of the processor meanwhile, when that is enough to doubt absolute times."""
    if foreign_share is None or foreign_share < BUSY_SHARE:
        return None
    return f"other programs took {100 * foreign_share:.0f} % of the processor: trust ratios and minima, not times"
