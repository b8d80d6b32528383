"""Held-out domains: the test clips' scenario and location occur nowhere in training (ARGO1M's protocol)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trainer.data.clip_facts import ClipFacts
from trainer.data.errors import DatasetError


def hold_out(facts: ClipFacts, scenario: str, location: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of the training and of the test clips of one held-out domain; clips that share one name are in neither.

    Raises:
        DatasetError: a name is unknown, or one of the two sets is empty.
    """
    for kind, name, names in (
        ("scenario", scenario, facts.scenario_names),
        ("location", location, facts.location_names),
    ):
        if name not in names:
            raise DatasetError(f"{facts.name}: no {kind} '{name}'; there are {', '.join(names)}")
    in_scenario = facts.scenario == facts.scenario_names.index(scenario)
    in_location = facts.location == facts.location_names.index(location)
    train, test = np.flatnonzero(~in_scenario & ~in_location), np.flatnonzero(in_scenario & in_location)
    for part, chosen in (("training", train), ("test", test)):
        if not len(chosen):
            raise DatasetError(f"{facts.name}: no {part} clip when {scenario}/{location} is held out; hold out another")
    return train, test


def shared_domains(train: ClipFacts, test: ClipFacts) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Scenarios and locations that occur in both, by name, sorted."""
    return (
        _shared(_used(train.scenario, train.scenario_names), _used(test.scenario, test.scenario_names)),
        _shared(_used(train.location, train.location_names), _used(test.location, test.location_names)),
    )


def require_disjoint(train: ClipFacts, test: ClipFacts) -> None:
    """Raises DatasetError when a scenario or a location of the test clips occurs in training."""
    scenarios, locations = shared_domains(train, test)
    if scenarios or locations:
        kind, names = ("scenario", scenarios) if scenarios else ("location", locations)
        raise DatasetError(
            f"{train.name} and {test.name} share the {kind} {', '.join(names)}:"
            " the domain is not held out; take these clips out of training"
        )


def _used(codes: NDArray[np.int64], names: tuple[str, ...]) -> set[str]:
    return {names[code] for code in np.unique(codes).tolist()}


def _shared(first: set[str], second: set[str]) -> tuple[str, ...]:
    return tuple(sorted(first & second))
