"""How big a build of the shipped bundle is: the world, the lengths of the trainings, the splits."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from edge.contract import WindowSpec
from trainer.data.world.actions import IDLE_LABEL
from trainer.data.world.actions import LABELS as ACTION_LABELS
from trainer.data.world.domains import DEMO_SPLIT, DOMAINS, SPLITS, Domain, domain_role
from trainer.loop.settings import FitSettings
from trainer.pretrain_audio import PretrainAudioSettings
from trainer.pretrain_video import PretrainVideoSettings

LABELS = (*ACTION_LABELS, IDLE_LABEL)
SPEC = WindowSpec(frame_size_px=128)
FULL_MINUTES = 45
"""What the full build may take on two cores."""


@dataclass(frozen=True)
class HeadPlan:
    """How the heads are trained: the paper's method and schedule, smaller widths, and modality dropout."""

    method: str = "narration_aligned"
    hidden: int = 192
    out: int = 128
    fit: FitSettings = field(default_factory=lambda: FitSettings(drop_video=0.15, drop_audio=0.15))


@dataclass(frozen=True)
class BuildPlan:
    """Everything that a bundle depends on."""

    seed: int = 0
    pretrain_domains: tuple[Domain, ...] = tuple(d for d in DOMAINS if domain_role(*d) == "pretrain")
    pretrain_videos: int = 4
    """Videos of each pretraining domain."""
    split_domains: tuple[Domain, ...] = tuple(d for d in DOMAINS if domain_role(*d) != "pretrain")
    split_videos: int = 2
    """Videos of each of the other domains."""
    video_s: float = 60.0
    demo_split: str = DEMO_SPLIT
    """The split whose head ships."""
    splits: tuple[str, ...] = tuple(SPLITS)
    """The splits whose heads are trained."""
    video: PretrainVideoSettings = field(default_factory=PretrainVideoSettings)
    audio: PretrainAudioSettings = field(default_factory=PretrainAudioSettings)
    head: HeadPlan = field(default_factory=HeadPlan)


def plan_for(minutes: int, seed: int, bf16: bool) -> BuildPlan:
    """The full plan, with the two pretrainings shortened or lengthened to fit `minutes` on two cores.

    The work is fixed by the arguments and never by a clock, so that the same arguments give the same bundle.
    """
    share = minutes / FULL_MINUTES
    full = BuildPlan()
    phases = tuple(replace(phase, rows=round(phase.rows * share)) for phase in full.video.phases)
    return replace(
        full,
        seed=seed,
        video=replace(full.video, phases=phases, bf16=bf16, seed=seed),
        audio=replace(full.audio, windows=round(full.audio.windows * share), seed=seed),
        head=replace(full.head, fit=replace(full.head.fit, seed=seed)),
    )
