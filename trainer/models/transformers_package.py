"""The package `transformers`, imported when it is needed: that takes seconds, and the edge runtime does without it."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from edge.errors import EgoactError


def import_transformers(needed_by: str = "CLIP") -> Any:
    """The package with its CLIP loaded; `needed_by` is what the error says needs it.

    Raises:
        EgoactError: it is missing or broken.
    """
    # Version 5 imports torchaudio beside CLIP if there is one, and fails if that was built for another torch.
    hidden = not _can_import("torchaudio")
    if hidden:
        sys.modules["torchaudio"] = None  # type: ignore[assignment]
    try:
        importlib.import_module("transformers.models.clip.modeling_clip")
        return importlib.import_module("transformers")
    except Exception as error:  # its own dependencies fail in arbitrary ways
        reason = first_line(error)
        told = f"{needed_by} needs the package transformers ({reason})"
        raise EgoactError(f"{told}; run: pip install 'egoact[train]'") from None
    finally:
        if hidden:
            del sys.modules["torchaudio"]


def _can_import(name: str) -> bool:
    try:
        importlib.import_module(name)
    except Exception:  # a package that does not fit fails in arbitrary ways
        return False
    return True


def first_line(error: Exception) -> str:
    """What an error of the package says, without the advice that follows."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
