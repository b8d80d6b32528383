"""Build a bundle's TensorRT plans on the device that will run them.

Plans depend on the GPU and on TensorRT's version, so they are never shipped. They lie in the bundle under
plans/DEVICE/, each with a sidecar that is compared before the plan is loaded. What is up to date is not built again,
so an interrupted build goes on where it stopped.

example:
  egoact build my-bundle --precision f16
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from edge.bundle import SHIPPED, load_bundle
from edge.engines.gpu import Gpu, find_gpu
from edge.engines.plan import PlanFile, Sidecar, check_plan, plan_file, write_plan
from edge.engines.plan_builder import BuildSettings, Progress, build_plan
from edge.engines.plan_choice import build_command, plans_wanted
from edge.engines.timing_cache import TimingCacheFile
from edge.errors import NoGpuError, PlanError, UsageError
from edge.precision import AUTO
from edge.text import printable


@dataclass(frozen=True)
class BuildOptions:
    """What `egoact build` was asked to do."""

    bundle: Path = SHIPPED
    precision: str = AUTO
    settings: BuildSettings = field(default_factory=BuildSettings)
    allow_cpu: bool = False
    force: bool = False
    json: bool = False


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to its parser."""
    add, default = parser.add_argument, BuildSettings()
    add("bundle", nargs="?", type=Path, default=SHIPPED, metavar="BUNDLE", help="default: the one that is built in")
    add(
        "--precision",
        default=AUTO,
        metavar="P",
        help="f32, f16, int8, VIDEO+AUDIO such as int8+f16, 'all' that the bundle has, or auto: what its evidence "
        "chose (default)",
    )
    add(
        "--workspace-mib",
        type=int,
        default=default.workspace_mib,
        metavar="N",
        help=f"memory that a kernel may use for itself (default {default.workspace_mib})",
    )
    add(
        "--optimisation-level",
        type=int,
        default=default.optimisation_level,
        choices=range(6),
        help=f"0 builds quickly, 5 builds long for a faster plan (default {default.optimisation_level})",
    )
    add("--allow-cpu", action="store_true", help="where TensorRT cannot run, say so and succeed: the CPU is used")
    add("--force", action="store_true", help="build again what is up to date")
    add("--json", action="store_true", help="print one JSON object at the end and nothing else")


def run(args: argparse.Namespace) -> int:
    """Run the command; returns its exit code. What a user can mend is raised as an EgoactError."""
    if args.workspace_mib < 1:
        raise UsageError(f"--workspace-mib {args.workspace_mib}: must be at least 1")
    settings = BuildSettings(args.workspace_mib, args.optimisation_level)
    return build(BuildOptions(args.bundle, args.precision, settings, args.allow_cpu, args.force, args.json))


def build(options: BuildOptions, find: Callable[[], Gpu] = find_gpu, capability: str = "CURRENT") -> int:
    """Build what is not up to date; returns 0.

    Args:
        find: how to come by the GPU.
        capability: see `build_plan`.

    Raises:
        NoGpuError: this machine cannot run TensorRT, and the CPU was not allowed.
        EgoactError: the bundle has no such graph, TensorRT refuses one, or the folder cannot be written.
    """
    bundle = load_bundle(options.bundle)
    wanted = plans_wanted(bundle, options.precision)
    say = _Voice(quiet=options.json)
    try:
        gpu = find()
    except NoGpuError as error:
        if not options.allow_cpu:
            raise NoGpuError(f"{error}; give --allow-cpu to go on with the CPU engines") from None
        say.line(f"no plans are built, egoact runs on the CPU engines here: {error}")
        say.result({"device": None, "reason": str(error), "plans": []})
        return 0
    say.line(f"{gpu.platform.gpu}, SM {gpu.platform.sm}, {gpu.platform.module} {gpu.platform.tensorrt}")
    plans = []
    for engine, precision, flavour in wanted:
        graph = bundle.graph(engine, flavour)
        file = plan_file(
            bundle.path,
            engine,
            precision,
            onnx_sha256=bundle.sha256[graph.name],
            platform=gpu.platform,
            rebuild=build_command(options.bundle, options.precision),
        )
        done = _up_to_date(file, options, say) or _built(file, graph, gpu, options.settings, capability, say)
        plans.append(
            {
                "engine": engine,
                "precision": precision,
                "plan": str(file.path),
                "bytes": done.sidecar.plan_bytes,
                "build_s": done.sidecar.build_s,
                "state": "built" if done.fresh else "up to date",
            }
        )
    say.result({"device": gpu.platform.device_key, "reason": None, "plans": plans})
    return 0


class _Done(NamedTuple):
    sidecar: Sidecar
    fresh: bool


def _up_to_date(file: PlanFile, options: BuildOptions, say: _Voice) -> _Done | None:
    """The plan that is there, when it fits this machine, the graph and the settings."""
    label = f"{file.engine} {file.precision}"
    if options.force:
        return None
    try:
        sidecar = check_plan(file).sidecar
    except PlanError as error:
        if error.field != "missing":
            say.line(f"{label}: built again, {error.field} differs or cannot be read")
        return None
    settings = BuildSettings(sidecar.workspace_mib, sidecar.optimisation_level)
    if settings != options.settings:
        say.line(f"{label}: built again with other settings")
        return None
    say.line(f"{label}: up to date, {sidecar.plan_bytes / 1e6:.1f} MB")
    return _Done(sidecar, fresh=False)


def _built(file: PlanFile, graph: Path, gpu: Gpu, settings: BuildSettings, capability: str, say: _Voice) -> _Done:
    label = f"{file.engine} {file.precision}"
    cache = TimingCacheFile(file.path.parent, gpu.platform.tensorrt)
    content = graph.read_bytes()
    built = build_plan(
        gpu.trt,
        file.engine,
        content,
        settings,
        timing_cache=cache.read(),
        capability=capability,
        progress=say.progress(label),
    )
    sidecar = Sidecar(
        engine=file.engine,
        precision=file.precision,
        onnx_sha256=hashlib.sha256(content).hexdigest(),
        plan_sha256=hashlib.sha256(built.plan).hexdigest(),
        plan_bytes=len(built.plan),
        profile=built.profile,
        platform=file.platform,
        workspace_mib=settings.workspace_mib,
        optimisation_level=settings.optimisation_level,
        build_s=round(built.build_s, 3),
        egoact=_version(),
    )
    write_plan(file, built.plan, sidecar)
    cache.write(built.timing_cache)
    say.line(f"{label}: built in {built.build_s:.1f} s, {len(built.plan) / 1e6:.1f} MB")
    return _Done(sidecar, fresh=True)


def _version() -> str:
    try:
        return metadata.version("egoact")
    except metadata.PackageNotFoundError:
        return "not installed"


class _Voice:
    """What a person or a machine reads: lines and a counter for the one, one JSON object for the other."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._counter = not quiet and sys.stderr.isatty()

    def line(self, text: str) -> None:
        if self._counter:
            sys.stderr.write("\r\033[K")
        if not self._quiet:
            print(printable(text), flush=True)

    def progress(self, label: str) -> Progress:
        def tell(share: float) -> None:
            if self._counter:
                sys.stderr.write(f"\r\033[K{label}: building, {100 * share:.0f} %")
                sys.stderr.flush()

        tell(0.0)
        return tell

    def result(self, data: dict[str, object]) -> None:
        if self._quiet:
            print(json.dumps(data))
