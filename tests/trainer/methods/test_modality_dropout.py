from __future__ import annotations

import pytest
import torch

from trainer.methods.modality_dropout import drop_modalities

CLIPS = 40_000


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_shares_are_the_probabilities_and_never_both_are_hidden() -> None:
    scale = drop_modalities(CLIPS, 0.2, 0.3, generator())
    assert scale.shape == (CLIPS, 3)
    assert set(scale.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(scale[:, 0], scale[:, 1]), "appearance and motion come from the same camera"
    assert (scale[:, 0] + scale[:, 2] >= 1).all()
    # Four standard deviations of a share of 40 000 draws.
    assert (scale[:, 0] == 0).float().mean() == pytest.approx(0.2, abs=4 * (0.2 * 0.8 / CLIPS) ** 0.5)
    assert (scale[:, 2] == 0).float().mean() == pytest.approx(0.3, abs=4 * (0.3 * 0.7 / CLIPS) ** 0.5)


def test_the_seed_decides() -> None:
    first = drop_modalities(64, 0.3, 0.3, generator(1))
    assert torch.equal(first, drop_modalities(64, 0.3, 0.3, generator(1)))
    assert not torch.equal(first, drop_modalities(64, 0.3, 0.3, generator(2)))


def test_extremes() -> None:
    assert torch.equal(drop_modalities(50, 0, 0, generator()), torch.ones(50, 3))
    assert torch.equal(drop_modalities(50, 0, 1, generator()), torch.tensor([1.0, 1.0, 0.0]).expand(50, 3))
    assert torch.equal(drop_modalities(50, 1, 0, generator()), torch.tensor([0.0, 0.0, 1.0]).expand(50, 3))


@pytest.mark.parametrize(("p_video", "p_audio"), [(0.6, 0.5), (-0.1, 0.2), (0.2, -0.1)])
def test_impossible_probabilities_are_refused(p_video: float, p_audio: float) -> None:
    with pytest.raises(ValueError, match="sum of at most 1"):
        drop_modalities(4, p_video, p_audio, generator())
