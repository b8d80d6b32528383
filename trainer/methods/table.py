"""Every method by the name that the command line and the checkpoints use."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from trainer.methods.boda import Boda
from trainer.methods.cir import Cir
from trainer.methods.coral import Coral
from trainer.methods.dann import Dann
from trainer.methods.doprompt import DoPrompt
from trainer.methods.erm import Erm
from trainer.methods.method import Method
from trainer.methods.mixup import Mixup
from trainer.methods.mmd import Mmd
from trainer.methods.narration_aligned import NarrationAligned
from trainer.methods.one_vs_all import one_vs_all_loss
from trainer.methods.rna import RnaNet
from trainer.methods.simmmdg import SimMmdg

METHODS: dict[str, Callable[..., Method]] = {
    # ICASSP 2025, table 4: B; B + weighted a by r; B + L_vt + L_mt + L_at; B + L_vt + L_mt + L_at^; Ours.
    "erm": Erm,
    "erm_r": partial(Erm, weight_by_r=True),
    "align_visual": partial(NarrationAligned, weight_by_r=False, audio_narrations=False),
    "align_audio": partial(NarrationAligned, weight_by_r=False),
    "narration_aligned": NarrationAligned,
    # Its rivals.
    "cir": Cir,
    "rna": RnaNet,
    "simmmdg": SimMmdg,
    "mixup": Mixup,
    "coral": Coral,
    "mmd": Mmd,
    "dann": Dann,
    "boda": Boda,
    "doprompt": DoPrompt,
    # Beyond the papers.
    "one_vs_all": partial(Erm, criterion=one_vs_all_loss),
    "narration_aligned_one_vs_all": partial(NarrationAligned, criterion=one_vs_all_loss),
}
"""Name -> `build(spec: HeadSpec, **hyper_parameters)`; the defaults are the papers'."""
