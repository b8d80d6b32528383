from __future__ import annotations

import pytest
import torch

from trainer.loop import products
from trainer.loop.products import EXACT, fast_products

CPU = torch.device("cpu")


def test_products_inside_are_as_exact_as_float32_and_the_setting_comes_back() -> None:
    before = torch.get_float32_matmul_precision()
    a, b = torch.randn(100, 700), torch.randn(700, 90)
    with fast_products(CPU):
        found = a @ b
    exact = a.double() @ b.double()
    assert float((found - exact).abs().max() / exact.abs().max()) < EXACT
    assert torch.get_float32_matmul_precision() == before


@pytest.mark.parametrize(("exact", "inside"), [(True, "medium"), (False, "highest")])
def test_the_faster_library_is_taken_only_when_it_is_exact(
    exact: bool, inside: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(products, "_onednn_is_exact", lambda: exact)
    with fast_products(CPU):
        assert torch.get_float32_matmul_precision() == inside
    with fast_products(torch.device("cuda")):
        assert torch.get_float32_matmul_precision() == "highest"
    assert torch.get_float32_matmul_precision() == "highest"
