"""Where a training uses bfloat16."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from training.recipes.angiogram_quality import AngiogramQualityRecipe
from training.recipes.halves import bfloat16_is_fast


@pytest.mark.parametrize(("capability", "fast"), [("AVX512", True), ("AVX2", False)])
def test_a_cpu_needs_avx_512(
    monkeypatch: pytest.MonkeyPatch, capability: str, *, fast: bool
) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    assert bfloat16_is_fast("cpu") is fast
    assert AngiogramQualityRecipe().in_bfloat16() is fast


@pytest.mark.parametrize("asked", [True, False])
def test_who_asks_is_heard(*, asked: bool) -> None:
    assert replace(AngiogramQualityRecipe(), bfloat16=asked).in_bfloat16() is asked
