"""Make beats_reference.json: outputs of the reference BEATs for weights and inputs by formula.

Needs a copy of the reference (microsoft/unilm at 768a3c8, folder beats/: BEATs.py, backbone.py, modules.py):

    python -m tests.trainer.models.make_beats_reference PATH/TO/unilm/beats
"""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path

import torch

from tests.trainer.models.test_beats import REFERENCE, SIZES, fbank, official_checkpoint


def main(reference_folder: Path) -> None:
    # The reference imports torchaudio for its filter bank, which is tested on its own; here the input is an fbank.
    for name in ("torchaudio", "torchaudio.compliance", "torchaudio.compliance.kaldi"):
        sys.modules[name] = types.ModuleType(name)
    sys.path.insert(0, str(reference_folder))
    import BEATs as reference  # type: ignore[import-not-found]

    outputs: dict[str, dict[str, list[float]]] = {}
    for size in SIZES:
        outputs[size] = {}
        for finetuned in (False, True):
            checkpoint = official_checkpoint(size, finetuned)
            net = reference.BEATs(reference.BEATsConfig(checkpoint["cfg"])).eval()
            net.load_state_dict(checkpoint["model"], strict=True)
            net.preprocess = lambda source, **_: source
            with torch.inference_mode():
                output, _ = net.extract_features(fbank())
            values = output[0] if finetuned else output[0].mean(dim=0)
            outputs[size]["scores" if finetuned else "embedding"] = [float(f"{value:.8g}") for value in values]
    REFERENCE.write_text(json.dumps(outputs) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
