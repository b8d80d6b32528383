from __future__ import annotations

import pytest

from edge.bench.bounds import busy_warning, warnings_of
from edge.bench.distribution import Distribution, distribution
from edge.bench.warm_up import WarmUp

SETTLED = WarmUp(10, True, 1.0)


def of(ms: float | None) -> Distribution | None:
    return None if ms is None else distribution([ms, ms, 50 * ms])


def warnings(compute: float, enqueue: float | None = None, h2d: float | None = None, d2h: float | None = None) -> str:
    computed = of(compute)
    assert computed is not None
    return "; ".join(
        warnings_of(compute=computed, enqueue=of(enqueue), h2d=of(h2d), d2h=of(d2h), warm=SETTLED, throttling=())
    )


def test_the_processor_has_neither_bound() -> None:
    assert warnings(5.0) == ""


@pytest.mark.parametrize(("enqueue", "bound"), [(7.9, False), (8.1, True)])
def test_enqueue_bound_from_eighty_per_cent_of_the_median(enqueue: float, bound: bool) -> None:
    assert warnings(10.0, enqueue, 1.0, 1.0).startswith("enqueue bound") == bound


@pytest.mark.parametrize(
    ("h2d", "d2h", "said"), [(9.9, 0.1, ""), (10.0, 0.1, "host to device"), (1, 11, "device to host")]
)
def test_transfer_bound_when_a_copy_takes_as_long_as_the_computation(h2d: float, d2h: float, said: str) -> None:
    found = warnings(10.0, 1.0, h2d, d2h)
    assert ("transfer bound" in found) == bool(said)
    assert said in found


def test_unsettled_and_throttled_are_told() -> None:
    computed = of(1.0)
    assert computed is not None
    found = warnings_of(
        compute=computed, enqueue=None, h2d=None, d2h=None, warm=WarmUp(50, False, 1.0), throttling=["slowed: cpufreq"]
    )
    assert "not settled" in found[0]
    assert "slowed: cpufreq" in found[1]


@pytest.mark.parametrize(("share", "told"), [(None, False), (0.05, False), (0.4, True)])
def test_a_busy_machine_is_told(share: float | None, told: bool) -> None:
    assert (busy_warning(share) is not None) == told
