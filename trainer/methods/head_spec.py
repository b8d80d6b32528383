"""The sizes of a head: what the data decide, and the widths and modalities that a run chooses."""

from __future__ import annotations

from dataclasses import dataclass

from trainer.models.fusion import FusedModel, LayerOrder, Modalities


@dataclass(frozen=True)
class HeadSpec:
    """Every method is built from one. The defaults are the paper's, and CIR's code's where it is silent (4096, 512)."""

    appearance_dim: int
    motion_dim: int
    audio_dim: int
    classes: int
    scenarios: int
    locations: int
    text_dim: int = 512
    """CLIP ViT-B/32's."""
    modalities: Modalities = "ap+mo+au"
    order: LayerOrder = "fc-relu-bn"
    hidden: int = 4096
    out: int = 512

    def model(self, extra_inputs: int = 0, classifier_hidden: int = 0) -> FusedModel:
        """A new network; `extra_inputs` widens the input of every modality."""
        return FusedModel(
            self.appearance_dim + extra_inputs,
            self.motion_dim + extra_inputs,
            self.audio_dim + extra_inputs,
            self.hidden,
            self.out,
            self.classes,
            self.order,
            self.modalities,
            classifier_hidden,
        )
