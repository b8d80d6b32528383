"""How every training of the tables is done; the same for all rows of a table."""

from __future__ import annotations

from dataclasses import dataclass, replace

from trainer.loop.settings import FitSettings
from trainer.models.fusion import LayerOrder


@dataclass(frozen=True)
class TrainingSettings:
    """Widths of the head and the schedule."""

    hidden: int
    out: int
    order: LayerOrder
    fit: FitSettings
    """Its seed is not used."""
    resumable: bool
    """Whether a training goes on where it was killed; one of a few seconds just starts again."""

    def for_epochs(self, epochs: int) -> TrainingSettings:
        """The same with another number of epochs; the learning rate drops at the same shares of the schedule."""
        share = epochs / self.fit.epochs
        milestones = tuple(max(1, round(share * epoch)) for epoch in self.fit.milestones)
        return replace(self, fit=replace(self.fit, epochs=epochs, milestones=milestones))

    def note(self) -> str:
        """One sentence for the reader of a table."""
        fit = self.fit
        drops = " and ".join(map(str, fit.milestones))
        return (
            f"Training: {fit.epochs} epochs, batches of {fit.batch}, Adam with learning rate {fit.lr:g}, multiplied by"
            f" {fit.gamma:g} after epochs {drops}; encoders of {self.hidden} and {self.out} units ({self.order}); the"
            " weights after the last epoch, so that no clip chooses them."
        )


PAPER = TrainingSettings(hidden=4096, out=512, order="fc-relu-bn", fit=FitSettings(keep="last"), resumable=True)
"""The paper's schedule. Its text gives no widths: these are CIR's."""

SMALL = TrainingSettings(hidden=192, out=128, order="fc-relu-bn", fit=FitSettings(keep="last"), resumable=False)
"""For some thousand clips (the built-in world, own clips): the same schedule, the widths of the shipped head."""
