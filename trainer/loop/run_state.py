"""What lets a killed run go on: weights, optimiser, generators and place, in one file that is replaced whole."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from edge.json_text import parse_json
from trainer.loop.errors import RunError
from trainer.loop.ranks import Ranks
from trainer.loop.whole_run_file import write_run_file
from trainer.methods.method import Method

STATE = "state.pt"


class Place:
    """Where a run is: all that changes beside the weights, the optimiser and the generators."""

    def __init__(self, device: torch.device) -> None:
        self.epoch = 0
        """Epochs done."""
        self.step = 0
        """Steps done of the next one."""
        self.loss_sum = torch.zeros((), device=device)
        """Over these steps; on the device, so that no step waits for it."""
        self.best_epoch = 0
        self.best_accuracy = math.nan
        self.best: dict[str, Tensor] = {}
        """Weights of the best epoch, where they are wanted."""
        self.last_accuracy = math.nan
        self.seconds = 0.0

    def end_epoch(self, accuracy: float, device: torch.device) -> None:
        """Take in the validation accuracy after an epoch, NaN without validation: then the last epoch is the best."""
        self.epoch, self.step, self.loss_sum = self.epoch + 1, 0, torch.zeros((), device=device)
        self.last_accuracy = accuracy
        if not accuracy <= self.best_accuracy:
            self.best_epoch, self.best_accuracy = self.epoch, accuracy


class RunState:
    """The file `state.pt` of a run.

    Args:
        folder: of the run; None keeps nothing.
        run: what the run is, as JSON: another run's file is refused.
    """

    def __init__(self, folder: Path | None, run: str, ranks: Ranks, device: torch.device) -> None:
        self._path = None if folder is None else folder / STATE
        self._run, self._ranks, self._device = run, ranks, device

    def save(self, model: Method, optimiser: torch.optim.Optimizer, place: Place) -> None:
        """Write the file; all ranks call this, since each has generators of its own.

        Raises:
            RunError: the disk is full or cannot be written; the file before it stays.
        """
        if self._path is None:
            return
        generators = self._ranks.gathered(_generators(self._device))
        if not self._ranks.first:
            return
        content = io.BytesIO()
        state = {"run": self._run, "model": model.state_dict(), "optimiser": optimiser.state_dict()}
        torch.save({**state, "place": vars(place), "generators": generators}, content)
        write_run_file(self._path, content.getvalue())

    def restore(self, model: Method, optimiser: torch.optim.Optimizer) -> Place | None:
        """Put everything back as it was saved; None when there is no file.

        Raises:
            RunError: the file cannot be read, or is another run's.
        """
        if self._path is None or not self._path.exists():
            return None
        try:
            state: dict[str, Any] = torch.load(self._path, map_location="cpu", weights_only=True)
            found = state["run"]
        except Exception as problem:  # torch.load raises whatever a damaged archive leads to
            reason = (str(problem).splitlines() or [type(problem).__name__])[0]
            raise RunError(f"{self._path}: cannot be read ({reason}); delete it to start again") from None
        if found != self._run:
            other = _difference(found, json.loads(self._run))
            raise RunError(f"{self._path.parent}: holds a run with another {other}; give another folder")
        try:
            model.load_state_dict(state["model"])
            optimiser.load_state_dict(state["optimiser"])
            _set_generators(state["generators"][self._ranks.index], self._device)
            place = Place(self._device)
            vars(place).update(state["place"])
            place.loss_sum = place.loss_sum.to(self._device)
        except Exception as problem:  # whatever a file leads to that says it is this run, and is not
            reason = (str(problem).splitlines() or [type(problem).__name__])[0]
            raise RunError(f"{self._path}: is damaged ({reason}); delete it to start again") from None
        return place


def copied(model: Method) -> dict[str, Tensor]:
    """The weights, untouched by further training."""
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def _generators(device: torch.device) -> dict[str, Tensor]:
    states = {"cpu": torch.get_rng_state()}
    return states | ({"cuda": torch.cuda.get_rng_state(device)} if device.type == "cuda" else {})


def _set_generators(states: dict[str, Tensor], device: torch.device) -> None:
    torch.set_rng_state(states["cpu"])
    if "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"], device)


def _difference(found: Any, here: dict[str, Any]) -> str:
    try:
        there = dict(parse_json(found))
    except (ValueError, TypeError, AttributeError):
        return "version"
    return " and ".join(name for name in here if there.get(name) != here[name]) or "version"
