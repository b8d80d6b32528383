"""Table 2 at ARGO1M's sizes with made-up values: how long all its trainings take, and how that is known.

Every method is trained on every split with every seed, for as many epochs as the time given allows. The minutes of the
paper's 50 epochs are extrapolated from these; one training of every method runs all 50 epochs, and the report puts its
minutes beside what the short ones foretold for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from bench.head_data import LOCATIONS, SCENARIOS, MadeUpClips
from trainer.data.clip_table import ClipTable
from trainer.data.domain_split import hold_out
from trainer.loop.fit import fit
from trainer.loop.head_clips import HeadClips
from trainer.loop.settings import FitSettings
from trainer.methods.head_spec import HeadSpec

TABLE_2 = ("erm", "cir", "narration_aligned")
SPLITS, SEEDS, EPOCHS = 10, 5, 50
AUDIO_SUBSET_CLIPS = 630_000
"""ARGO1M has 1,050,371 clips, of which the paper keeps those with sound, about 60 %."""
TARGET_MINUTES = 60


@dataclass(frozen=True)
class Trained:
    """One training."""

    split: int
    clips: int
    epochs: int
    set_up_s: float
    """Before the first step and after the last one."""
    clips_per_s: float

    @property
    def full_s(self) -> float:
        """With all epochs."""
        return self.set_up_s + EPOCHS * self.clips / self.clips_per_s

    @property
    def seconds(self) -> float:
        """What it took."""
        return self.set_up_s + self.epochs * self.clips / self.clips_per_s


@dataclass(frozen=True)
class MethodTime:
    """The trainings of one method over all splits and seeds."""

    method: str
    short: tuple[Trained, ...]
    """As many epochs as there was time for."""
    whole: Trained | None
    """All epochs of the first split; None where it was left out."""
    gpu_peak_mib: float

    @property
    def foretold_minutes(self) -> float:
        """Of all trainings with all epochs: the sum over the short ones of what each foretells."""
        return sum(one.full_s for one in self.short) / 60

    @property
    def foretold_over_whole(self) -> float:
        """What the short trainings of the first split foretell of the whole one, over what it took."""
        if self.whole is None:
            return float("nan")
        same = [one.full_s for one in self.short if one.split == self.whole.split]
        return sum(same) / len(same) / self.whole.seconds


@dataclass(frozen=True)
class TableTime:
    """All of it."""

    methods: tuple[MethodTime, ...]
    loading_s: float
    """Of placing the clips of all splits on the device, once a split."""

    @property
    def foretold_minutes(self) -> float:
        return sum(method.foretold_minutes for method in self.methods) + self.loading_s / 60


def time_table_2(
    clips: MadeUpClips,
    spec: HeadSpec,
    device: str,
    minutes: float,
    say: Callable[[str], None],
    *,
    splits: int = SPLITS,
    seeds: int = SEEDS,
    whole: bool = True,
) -> TableTime:
    """Train every method on every split with every seed, each for an equal share of `minutes`, at least one epoch.

    Args:
        whole: also one training of every method with all epochs; it comes on top of `minutes`.
    """
    share_s = 60 * minutes / (len(TABLE_2) * splits * seeds)
    table, narrations = clips.table(), clips.narrations()
    short: dict[str, list[Trained]] = {method: [] for method in TABLE_2}
    full: dict[str, Trained] = {}
    peak = dict.fromkeys(TABLE_2, 0.0)
    loading_s = 0.0
    for split in range(splits):
        started = time.monotonic()
        train = HeadClips(_training_part(table, split), narrations, device)
        loading_s += time.monotonic() - started
        for method in TABLE_2:
            if device != "cpu":
                torch.cuda.reset_peak_memory_stats()
            for seed in range(seeds):
                before = short[method][-1] if short[method] else None  # the first one, of one epoch, tells the rate
                epochs = 1 if before is None else int(share_s * before.clips_per_s / len(train))
                short[method].append(_trained(method, spec, train, split, seed, min(max(epochs, 1), EPOCHS)))
            if whole and split == 0:
                full[method] = _trained(method, spec, train, split, seeds, EPOCHS)
            if device != "cpu":
                peak[method] = max(peak[method], torch.cuda.max_memory_reserved() / 2**20)
            say(f"split {split + 1} of {splits}, {method}: {short[method][-1].clips_per_s:,.0f} clips/s")
        del train
    methods = (MethodTime(name, tuple(short[name]), full.get(name), peak[name]) for name in TABLE_2)
    return TableTime(tuple(methods), loading_s)


def _trained(method: str, spec: HeadSpec, train: HeadClips, split: int, seed: int, epochs: int) -> Trained:
    settings = FitSettings(epochs=epochs, seed=seed, keep="last")
    started = time.monotonic()
    result = fit(method, {}, spec, train, None, settings, None, lambda line: None)
    seconds = time.monotonic() - started
    clips = len(train) // settings.batch * settings.batch
    return Trained(split, clips, epochs, seconds - epochs * clips / result.clips_per_s, result.clips_per_s)


def _training_part(table: ClipTable, split: int) -> ClipTable:
    """The clips that share neither scenario nor location with the split's domain."""
    train, _ = hold_out(table.facts, str(split % SCENARIOS), str(split % LOCATIONS))
    return table.select(train)


def table_time_markdown(found: TableTime, clips: int) -> list[str]:
    """Lines: what was measured, what is extrapolated, and how far one whole training bears that out."""
    lines = [
        "| method | trainings | epochs each | clips/s, median (lowest to highest) | GPU peak, MiB "
        f"| one of {EPOCHS} epochs, measured, min | foretold / measured | all, foretold, min |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for method in found.methods:
        rates = sorted(one.clips_per_s for one in method.short)
        whole = "-" if method.whole is None else f"{method.whole.seconds / 60:.2f}"
        ratio = "-" if method.whole is None else f"{method.foretold_over_whole:.2f}"
        lines.append(
            f"| {method.method} | {len(method.short)} | {_range([one.epochs for one in method.short])} "
            f"| {rates[len(rates) // 2]:,.0f} ({rates[0]:,.0f} to {rates[-1]:,.0f}) | {method.gpu_peak_mib:,.0f} "
            f"| {whole} | {ratio} | {method.foretold_minutes:,.1f} |"
        )
    total = found.foretold_minutes
    verdict = "under" if total < TARGET_MINUTES else "NOT under"
    spent = sum(one.seconds for method in found.methods for one in method.short) / 60
    return [
        *lines,
        "",
        f"Measured: {spent:.1f} minutes of trainings. Extrapolated from them: {total:,.0f} minutes for {EPOCHS} epochs "
        f"of all trainings, with {found.loading_s / 60:.1f} minutes of placing clips; that is {verdict} the target of "
        f"{TARGET_MINUTES} minutes. Testing is not in it.",
        f"These are {clips:,} clips. With the {AUDIO_SUBSET_CLIPS:,} of ARGO1M's audio subset it would be about "
        f"{total * AUDIO_SUBSET_CLIPS / clips:,.0f} minutes, if they fit the device.",
    ]


def _range(values: Sequence[int]) -> str:
    return f"{min(values)}" if min(values) == max(values) else f"{min(values)} to {max(values)}"
