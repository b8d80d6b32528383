"""TensorRT plans of a bundle: where they lie, the sidecar beside each, and what is compared before one is loaded.

    BUNDLE/plans/<device key>/video.f16.plan         what TensorRT wrote
    BUNDLE/plans/<device key>/video.f16.plan.json    the sidecar

A plan is machine code that TensorRT trusts, tied to its version and to the GPU. So the sidecar is compared with this
machine and with the graph, and the plan's sha256 with the sidecar, before TensorRT sees a byte. That finds what is old,
foreign or damaged; it is no defence against someone who writes both files: build plans yourself.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from edge.engines.gpu import Platform
from edge.errors import PlanError
from edge.json_text import parse_json
from edge.whole_file import write_whole_file

FORMAT = 1
PLANS = "plans"
MAX_SIDECAR_BYTES = 1 << 20
RECORDED_ONLY = frozenset({"driver", "jetpack"})
"""Of `Platform`: the kernel driver matters through its CUDA, JetPack is another name for L4T."""


@dataclass(frozen=True)
class Sidecar:
    """What a plan was built from and for, and how."""

    engine: str
    precision: str
    onnx_sha256: str
    plan_sha256: str
    plan_bytes: int
    profile: dict[str, str]
    """Tensor -> dtype and shape, such as 'uint8[1, 32, 256, 256, 3]'; inputs and outputs."""
    platform: Platform
    workspace_mib: int
    optimisation_level: int
    build_s: float
    egoact: str


@dataclass(frozen=True)
class PlanFile:
    """Where a plan of a bundle lies, what it must fit, and the command that builds it."""

    path: Path
    engine: str
    precision: str
    onnx_sha256: str
    platform: Platform
    rebuild: str
    """The command line that mends a plan that is not fit."""

    @property
    def sidecar(self) -> Path:
        return self.path.with_name(self.path.name + ".json")


@dataclass(frozen=True)
class CheckedPlan:
    """Bytes that were compared with their sidecar, and a sidecar that was compared with this machine."""

    file: PlanFile
    sidecar: Sidecar
    content: bytes


def plan_file(
    bundle: Path, engine: str, precision: str, *, onnx_sha256: str, platform: Platform, rebuild: str
) -> PlanFile:
    """Where the plan of an engine lies in a bundle, with all that it must have been built for."""
    path = bundle / PLANS / platform.device_key / f"{engine}.{precision}.plan"
    return PlanFile(path, engine, precision, onnx_sha256, platform, rebuild)


def check_plan(file: PlanFile) -> CheckedPlan:
    """Read a plan and its sidecar and compare everything that the plan depends on.

    Raises:
        PlanError: one is missing, a link, unreadable, or built from or for something else; names the field, both
            values, and the command that rebuilds.
    """
    sidecar = read_sidecar(file)
    compare(file, sidecar)
    content = _read(file, file.path)
    for field, here, wanted in (
        ("plan_bytes", len(content), sidecar.plan_bytes),
        ("plan_sha256", hashlib.sha256(content).hexdigest(), sidecar.plan_sha256),
    ):
        if here != wanted:
            raise _differs(file, field, "the file has", here, "the sidecar says", wanted)
    return CheckedPlan(file, sidecar, content)


def compare(file: PlanFile, sidecar: Sidecar) -> None:
    """Compare what the sidecar says with this machine and this graph.

    Raises:
        PlanError: names the first field that differs.
    """
    expected: dict[str, object] = {
        "engine": file.engine,
        "precision": file.precision,
        "onnx_sha256": file.onnx_sha256,
        **{name: value for name, value in asdict(file.platform).items() if name not in RECORDED_ONLY},
    }
    built: dict[str, object] = {**vars(sidecar), **asdict(sidecar.platform)}
    for field, here in expected.items():
        if built[field] != here:
            raise _differs(file, field, "built with", built[field], "this is", here)


def read_sidecar(file: PlanFile) -> Sidecar:
    """Raises PlanError: missing, a link, too large, not JSON, or a field missing or of the wrong kind."""
    content = _read(file, file.sidecar, limit=MAX_SIDECAR_BYTES)
    try:
        data = parse_json(content)
        if data["format"] != FORMAT:
            raise _differs(file, "format", "built with", data["format"], "this egoact reads", FORMAT)
        return _parse(data)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        reason = f"no field {error}" if isinstance(error, KeyError) else str(error).splitlines()[0]
        raise PlanError(f"{file.sidecar}: not a sidecar ({reason}); {_advice(file)}", "sidecar") from error


def write_plan(file: PlanFile, plan: bytes, sidecar: Sidecar) -> None:
    """Write both files whole or not at all, the sidecar last: a plan without its sidecar is never loaded.

    Raises:
        PlanError: the folder cannot be written to, or is a link.
    """
    data = {"format": FORMAT, **asdict(sidecar)}
    try:
        file.path.parent.mkdir(parents=True, exist_ok=True)
        _refuse_links(file, file.path)
        write_whole_file(file.path, plan)
        write_whole_file(file.sidecar, json.dumps(data, indent=2, sort_keys=True) + "\n")
    except OSError as error:
        bundle = file.path.parents[2]
        raise PlanError(
            f"{file.path}: cannot be written ({error.strerror}); copy the bundle to a folder of yours and build "
            f"there: `cp -r {shlex.quote(str(bundle))} my-bundle`",
            "path",
        ) from error


def _parse(data: Mapping[str, Any]) -> Sidecar:
    platform = Platform(**{f.name: _kind(data["platform"][f.name], f.name, str(f.type)) for f in fields(Platform)})
    plain = {
        f.name: _kind(data[f.name], f.name, str(f.type))
        for f in fields(Sidecar)
        if f.name not in ("platform", "profile")
    }
    profile = {str(tensor): _kind(form, "profile", "str") for tensor, form in data["profile"].items()}
    return Sidecar(**plain, platform=platform, profile=profile)


def _kind(value: Any, name: str, kind: str) -> Any:
    wanted: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (int, float)}
    if not isinstance(value, wanted[kind]) or isinstance(value, bool):
        raise TypeError(f"{name} is {str(value)[:40]!r}")
    return value


def _read(file: PlanFile, path: Path, limit: int | None = None) -> bytes:
    _refuse_links(file, path)
    try:
        if limit is not None and path.stat().st_size > limit:
            raise PlanError(f"{path}: larger than {limit >> 20} MiB, not a sidecar; {_advice(file)}", "sidecar")
        return path.read_bytes()
    except FileNotFoundError:
        raise PlanError(f"{path}: missing; {_advice(file)}", "missing") from None
    except OSError as error:
        raise PlanError(f"{path}: cannot be read ({error.strerror}); {_advice(file)}", "path") from error


def _refuse_links(file: PlanFile, path: Path) -> None:
    """A link below the bundle's folder could point at anything that somebody else can change."""
    for part in (path, path.parent, path.parent.parent):
        if part.is_symlink():
            raise PlanError(f"{part}: a link; plans are files in the bundle; remove it and {_advice(file)}", "link")


def _differs(file: PlanFile, field: str, first: str, one: object, second: str, other: object) -> PlanError:
    return PlanError(
        f"{file.path}: {field} differs: {first} {_short(one)}, {second} {_short(other)}; {_advice(file)}", field
    )


def _short(value: object) -> str:
    text = str(value)
    return f"{text[:12]}..." if len(text) == 64 else text or "none"


def _advice(file: PlanFile) -> str:
    return f"build it on this device: `{file.rebuild}`"
