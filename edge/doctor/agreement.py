"""Whether the precision that `--precision auto` takes here says what FP32 says.

The bundle's evidence was measured on one processor with one version of OpenVINO. On another one a kernel may be wrong,
and nothing says so: the labels just mean nothing. So some seconds of the built-in clip are run in both, in a child.

python -m edge.doctor.agreement BUNDLE PRECISION      prints {"appearance": cosine, "motion": ..., "audio": ...}
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from edge.bundle import load_bundle
from edge.compare.difference import feature_differences
from edge.compare.outputs import run_both
from edge.demo import DEMO
from edge.doctor.finding import Finding
from edge.doctor.host import Host
from edge.doctor.probe import ProbeError
from edge.engines.load import load_engines
from edge.precision import choose

WINDOWS = 16
LOWEST_COSINE = 0.8
"""Of mean-removed features, on average: INT8 stays above 0.97, a wrong kernel is near 0."""
TIMEOUT_S = 120.0


def agreement(host: Host) -> list[Finding]:
    """Nothing to be said where FP32 itself runs, or TensorRT, of which the plans are the evidence."""
    chosen = host.choose(load_bundle(host.bundle))
    precision = f"{chosen.video}+{chosen.audio}"
    if chosen.backend != "cpu" or precision == "f32+f32":
        return []
    cosines = host.cosines(host.bundle, precision)
    value = ", ".join(f"{name} {cosine:.3f}" for name, cosine in cosines.items())
    if min(cosines.values()) < LOWEST_COSINE:
        told = (
            f"{precision} does not compute FP32's features on this processor (cosine: {value}): its labels mean nothing"
        )
        return [Finding("agreement", "broken", told, "egoact live --camera CAMERA --precision f32")]
    return [Finding("agreement", "ok", f"{precision} computes FP32's features here (cosine: {value})")]


def measured_cosines(bundle: Path, precision: str) -> dict[str, float]:
    """Mean-removed cosine of each feature in `precision` against FP32, on this machine, in a child process.

    Raises:
        ProbeError: the child failed or hung.
    """
    command = [sys.executable, "-m", "edge.doctor.agreement", str(bundle), precision]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        cosines: dict[str, float] = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise ProbeError(f"no answer within {TIMEOUT_S:.0f} s", missing=False) from None
    except ValueError:
        last = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise ProbeError(last[0], missing=False) from None
    return cosines


def main(folder: Path, precision: str) -> None:
    """The child."""
    bundle = load_bundle(folder)
    engines = load_engines(bundle, threads=1), load_engines(bundle, choose(bundle, precision), threads=1)
    first, second = run_both((bundle, bundle), engines, sorted(DEMO.glob("*.mp4"))[:1], windows=WINDOWS)
    differences = feature_differences(first, second)
    print(json.dumps({d.name: d.centred_cosine_mean for d in differences if d.windows > 1}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
