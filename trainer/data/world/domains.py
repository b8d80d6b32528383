"""Scenarios, locations and the held-out splits of the built-in world.

A scenario decides what is done with which object on which material; a location decides light, walls, ambience, camera
and how much the wearer walks. Names are those of ARGO1M (data/index_scenario.txt, data/index_location.txt). As in
ARGO1M a split tests one (scenario, location) pair and trains on neither that scenario nor that location.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Literal

import numpy as np

Rgb = tuple[int, int, int]


@dataclass(frozen=True)
class Scenario:
    """Material of the worktop, its two colours, and the noise that belongs to the scenario."""

    name: str
    worktop: str
    worktop_rgb: Rgb
    worktop_second_rgb: Rgb
    noise: str


@dataclass(frozen=True)
class Location:
    """Light, walls, sound and camera of a place. Gains are per colour channel, levels in dBFS, angles in degrees."""

    name: str
    light_gain: tuple[float, float, float]
    shadow: float
    shadow_offset_px: tuple[float, float]
    wall: str
    wall_rgb: Rgb
    wall_second_rgb: Rgb
    clutter: int
    ambience: str
    ambience_dbfs: float
    reverb_s: float
    reverb_db: float
    zoom: float
    grain: float
    walking: float
    tilt_deg: float


SCENARIOS: tuple[Scenario, ...] = (
    Scenario("Sport", "court", (64, 112, 150), (225, 232, 235), "bouncing ball"),
    Scenario("Arts and craft", "mat", (58, 128, 110), (150, 196, 176), "radio"),
    Scenario("Playing", "carpet", (176, 120, 92), (205, 176, 120), "toy piano"),
    Scenario("Cooking", "wood", (176, 132, 86), (120, 80, 46), "sizzling"),
    Scenario("Gardening", "soil", (96, 72, 50), (74, 120, 58), "barking"),
    Scenario("Mechanic", "metal", (130, 136, 142), (92, 98, 106), "hammering"),
    Scenario("Cleaning", "tiles", (206, 210, 204), (158, 168, 170), "vacuum cleaner"),
    Scenario("Building", "plywood", (196, 166, 118), (150, 118, 74), "sawing"),
)

LOCATIONS: tuple[Location, ...] = (
    Location(
        "Pittsburgh",
        (1.00, 0.97, 0.92),
        0.42,
        (9, 7),
        "brick",
        (150, 84, 66),
        (188, 172, 158),
        4,
        "fan",
        -37.0,
        0.35,
        -9.0,
        1.00,
        1.6,
        0.5,
        2,
    ),
    Location(
        "Bristol",
        (0.86, 0.93, 1.02),
        0.25,
        (-8, 6),
        "plaster",
        (188, 196, 200),
        (150, 160, 168),
        3,
        "birds",
        -38.0,
        0.12,
        -16.0,
        0.90,
        1.2,
        1.3,
        -3,
    ),
    Location(
        "Singapore",
        (1.08, 1.02, 0.90),
        0.50,
        (4, 10),
        "shelves",
        (214, 206, 184),
        (110, 84, 60),
        6,
        "traffic",
        -34.0,
        0.25,
        -11.0,
        1.12,
        2.0,
        0.8,
        3,
    ),
    Location(
        "Catania",
        (1.14, 1.02, 0.84),
        0.58,
        (-12, 8),
        "window",
        (226, 200, 150),
        (120, 176, 214),
        3,
        "voices",
        -35.0,
        0.9,
        -5.0,
        1.06,
        1.4,
        1.0,
        -2,
    ),
    Location(
        "Tokyo",
        (0.98, 1.03, 1.00),
        0.34,
        (8, 5),
        "panels",
        (206, 200, 186),
        (140, 122, 100),
        5,
        "hum",
        -36.0,
        0.5,
        -7.0,
        0.95,
        1.8,
        0.7,
        4,
    ),
    Location(
        "Minnesota",
        (0.80, 0.84, 0.94),
        0.38,
        (-6, 9),
        "planks",
        (120, 100, 84),
        (84, 68, 56),
        2,
        "wind",
        -36.0,
        0.15,
        -14.0,
        0.98,
        2.4,
        1.6,
        0,
    ),
)

SCENARIO_BY_NAME: dict[str, Scenario] = {scenario.name: scenario for scenario in SCENARIOS}
LOCATION_BY_NAME: dict[str, Location] = {location.name: location for location in LOCATIONS}

Domain = tuple[str, str]
DOMAINS: tuple[Domain, ...] = tuple((s.name, p.name) for s in SCENARIOS for p in LOCATIONS)

PRETRAIN_SCENARIOS: tuple[str, ...] = ("Arts and craft", "Playing", "Mechanic", "Cleaning")
PRETRAIN_LOCATIONS: tuple[str, ...] = ("Pittsburgh", "Singapore", "Minnesota")

SPLITS: dict[str, Domain] = {
    "Co-Tok": ("Cooking", "Tokyo"),
    "Co-Cat": ("Cooking", "Catania"),
    "Co-Bri": ("Cooking", "Bristol"),
    "Ga-Tok": ("Gardening", "Tokyo"),
    "Ga-Bri": ("Gardening", "Bristol"),
    "Bu-Cat": ("Building", "Catania"),
    "Bu-Tok": ("Building", "Tokyo"),
    "Bu-Bri": ("Building", "Bristol"),
    "Sp-Cat": ("Sport", "Catania"),
    "Sp-Bri": ("Sport", "Bristol"),
}
DEMO_SPLIT = "Co-Cat"

DomainRole = Literal["pretrain", "mixed", "held-out"]
SplitRole = Literal["train", "test"]


def domain_role(scenario: str, location: str) -> DomainRole:
    """'pretrain': the backbones see it; 'mixed': they see one of the names elsewhere; 'held-out': they see neither."""
    seen = (scenario in PRETRAIN_SCENARIOS) + (location in PRETRAIN_LOCATIONS)
    roles: tuple[DomainRole, ...] = ("held-out", "mixed", "pretrain")
    return roles[seen]


def split_roles(split: str) -> dict[Domain, SplitRole | None]:
    """Role of every domain in `split`; None where it has none.

    Pretraining domains are never used, because a frozen backbone knows their clips by heart.
    """
    test_scenario, test_location = SPLITS[split]
    roles: dict[Domain, SplitRole | None] = {}
    for scenario, location in DOMAINS:
        if (scenario, location) == (test_scenario, test_location):
            roles[scenario, location] = "test"
        elif scenario == test_scenario or location == test_location or domain_role(scenario, location) == "pretrain":
            roles[scenario, location] = None
        else:
            roles[scenario, location] = "train"
    return roles


def slug(name: str) -> str:
    """File-name form of a scenario or location: 'Arts and craft' -> 'arts_and_craft'."""
    return name.lower().replace(" ", "_")


def rng_for(seed: int, *names: str | int) -> np.random.Generator:
    """Generator that depends on the seed and the names alone, so that order and number of workers change nothing."""
    return np.random.default_rng([seed, *(zlib.crc32(str(name).encode()) for name in names)])
