"""Typed errors: each message is one line that names the thing, the reason and what mends it."""

from __future__ import annotations


class EgoactError(Exception):
    """A failure that a user can act on; the command line prints it as one line and exits with `exit_code`."""

    exit_code = 1


class UsageError(EgoactError):
    """The command was used wrongly (exit code 2)."""

    exit_code = 2


class SourceError(EgoactError):
    """A clip, camera or microphone cannot be opened or read."""


class DeviceLostError(SourceError):
    """A live device that was there went away (unplugged, sound server gone): opening it again later may succeed."""


class StorageError(EgoactError):
    """Results cannot be kept (the disk is full or read-only): neither can those that follow."""


class BundleError(EgoactError):
    """A bundle is missing, damaged, of another schema version, or inconsistent."""


class EngineError(EgoactError):
    """An engine cannot be built, loaded, or was given the wrong tensors."""


class WrongThreadError(EngineError):
    """An engine was used by another thread than the one that owns it."""


class NoGpuError(EngineError):
    """This machine cannot run TensorRT: no driver, no device, or no TensorRT for this Python."""


class PlanError(EngineError):
    """A TensorRT plan is missing, damaged, or was built for something else; `field` names what differs."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


class AnnotationError(EgoactError):
    """An annotation file cannot be read or does not hold what it must."""
