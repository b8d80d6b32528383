"""A method from its name, and what a run is, in words."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from edge.errors import UsageError
from trainer.loop.head_clips import HeadClips
from trainer.loop.settings import FitSettings
from trainer.methods.gather import across_ranks
from trainer.methods.head_spec import HeadSpec
from trainer.methods.method import Method
from trainer.methods.table import METHODS


def build(method: str, hyper: Mapping[str, Any], spec: HeadSpec, several_ranks: bool = False) -> Method:
    """A new method; with several ranks, its losses that compare clips see those of all of them.

    Raises:
        UsageError: there is no such method or hyper-parameter, or a value is wrong.
    """
    if method not in METHODS:
        raise UsageError(f"method '{method}': there is none; take one of {', '.join(METHODS)}")
    make = METHODS[method]
    known = inspect.signature(make).parameters
    unknown = [name for name in hyper if name not in known or name in ("spec", "gather")]
    if unknown:
        names = ", ".join(name for name in known if name not in ("spec", "gather")) or "none"
        raise UsageError(f"method {method} has no hyper-parameter '{unknown[0]}'; it has: {names}")
    gather = {"gather": across_ranks} if several_ranks and "gather" in known else {}
    try:
        return make(spec, **hyper, **gather)
    except ValueError as problem:
        raise UsageError(f"method {method}: {problem}") from None


def describe(
    method: str,
    hyper: Mapping[str, Any],
    spec: HeadSpec,
    train: HeadClips,
    validation: HeadClips | None,
    settings: FitSettings,
    ranks: int,
) -> str:
    """Everything that the weights depend on but the values of the features, as JSON: a run that goes on must agree."""
    run = {
        "method": method,
        "hyper-parameters": dict(hyper),
        "head": asdict(spec),
        "settings": asdict(settings),
        "number of ranks": ranks,
        "training clips": train.facts_sha256,
        "validation clips": None if validation is None else validation.facts_sha256,
    }
    return json.dumps(run, sort_keys=True, default=str)
