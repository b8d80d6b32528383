from __future__ import annotations

import pytest
import torch

from trainer.methods.balanced_sampling import balanced_indices, domain_groups

LABELS = torch.tensor([0] * 90 + [3] * 9 + [7])


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_every_class_has_an_equal_share_of_every_run() -> None:
    drawn = LABELS[balanced_indices(LABELS, 301, generator())]
    for first in range(0, 300, 3):
        assert sorted(drawn[first : first + 3].tolist()) == [0, 3, 7]
    assert len(drawn) == 301


def test_the_order_of_the_classes_is_drawn() -> None:
    drawn = LABELS[balanced_indices(LABELS, 300, generator())].reshape(-1, 3)
    assert len({tuple(row.tolist()) for row in drawn}) == 6


def test_clips_of_a_class_are_drawn_alike() -> None:
    indices = balanced_indices(LABELS, 27_000, generator())
    counts = indices.bincount(minlength=100)
    assert counts[99] == 9000
    # 9000 draws over 90 and over 9 clips: five standard deviations of a binomial count.
    assert ((counts[:90] - 100).abs() < 5 * 10).all()
    assert ((counts[90:99] - 1000).abs() < 5 * 30).all()


def test_the_generator_decides() -> None:
    first = balanced_indices(LABELS, 64, generator(1))
    assert torch.equal(first, balanced_indices(LABELS, 64, generator(1)))
    assert not torch.equal(first, balanced_indices(LABELS, 64, generator(2)))


def test_order_of_the_clips_does_not_matter() -> None:
    mixed = LABELS[torch.randperm(100, generator=generator())]
    drawn = mixed[balanced_indices(mixed, 300, generator())]
    assert drawn.bincount().tolist() == [100, 0, 0, 100, 0, 0, 0, 100]


def test_a_domain_is_a_pair_of_scenario_and_location() -> None:
    scenario, location = torch.tensor([0, 0, 1, 1, 0]), torch.tensor([0, 2, 0, 2, 2])
    groups = domain_groups(scenario, location)
    same = groups[:, None] == groups
    assert torch.equal(same, (scenario[:, None] == scenario) & (location[:, None] == location))


def test_no_clips_are_refused_and_no_draws_are_none() -> None:
    with pytest.raises(ValueError, match="no clips to draw from"):
        balanced_indices(torch.zeros(0, dtype=torch.int64), 3, generator())
    assert len(balanced_indices(LABELS, 0, generator())) == 0
    assert len(domain_groups(torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=torch.int64))) == 0
