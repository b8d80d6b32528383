"""The bundle, complete and unchanged, and its TensorRT plans, fit for this device."""

from __future__ import annotations

from edge.bundle import SHIPPED, Bundle, load_bundle
from edge.doctor.finding import Finding
from edge.doctor.host import Host
from edge.doctor.probe import ProbeError
from edge.engines.gpu import Platform
from edge.engines.plan import PLANS, PlanFile, check_plan, plan_file
from edge.engines.plan_choice import build_command, engine_precision
from edge.errors import BundleError, PlanError
from edge.precision import AUTO, Precisions
from edge.sysfs import matching
from edge.text import printable


def bundle(host: Host) -> list[Finding]:
    """Loads it as `egoact live` would: every hash is compared."""
    try:
        loaded = load_bundle(host.bundle)
    except BundleError as error:
        mend = "pip install --force-reinstall --no-deps egoact" if host.bundle == SHIPPED else "egoact export --help"
        return [Finding("bundle", "broken", printable(str(error)), mend)]
    flavours = [name for name in sorted(loaded.sha256) if name.count(".") == 2 and name.endswith(".onnx")]
    more = f", and {len(flavours)} quantised graphs" if flavours else ""
    return [Finding("bundle", "ok", f"{printable(loaded.describe())}; all files as they should be{more}")]


def plans(host: Host) -> list[Finding]:
    """Compares every plan of this device with its sidecar, as loading would, but gives none to TensorRT."""
    try:
        platform = Platform(**host.probe("tensorrt"))
    except ProbeError:
        return []  # the line of TensorRT, or of CUDA, says why
    loaded = load_bundle(host.bundle)
    found = matching(host.bundle / PLANS / platform.device_key, "*.plan")
    if not found:
        others = [folder.name for folder in matching(host.bundle / PLANS, "*")]
        foreign = f"; those of {', '.join(others)} do not fit" if others else ""
        value = f"none for this device: the processor computes{foreign}"
        return [Finding("plans", "warning", value, build_command(host.bundle, AUTO))]
    return [_plan(_expected(loaded, platform, path.name)) for path in found]


def _expected(loaded: Bundle, platform: Platform, name: str) -> PlanFile:
    """`name` is ENGINE.PRECISION.plan."""
    engine, precision, _ = name.split(".", 2)
    _, flavour = engine_precision(Precisions(precision, precision, "tensorrt"), engine)
    graph = f"{engine}.onnx" if flavour is None else f"{engine}.{flavour}.onnx"
    return plan_file(
        loaded.path,
        engine,
        precision,
        onnx_sha256=loaded.sha256.get(graph, ""),
        platform=platform,
        rebuild=build_command(loaded.path, precision),
    )


def _plan(file: PlanFile) -> Finding:
    name = f"plan {file.engine} {file.precision}"
    try:
        checked = check_plan(file)
    except PlanError as error:
        # The command at the end of the message gets a line of its own.
        reason = str(error).removeprefix(f"{file.path}: ").split("; build it on this device")[0]
        return Finding(name, "warning", f"{printable(reason)}: the processor computes", file.rebuild)
    return Finding(name, "ok", f"fits this device, {checked.sidecar.plan_bytes / 1e6:.1f} MB")
