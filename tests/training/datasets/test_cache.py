"""What is kept is kept for one version of the phantoms."""

from dataclasses import dataclass

import numpy as np
import pytest

from training.datasets import cache


@dataclass(frozen=True, kw_only=True)
class Numbers:
    values: np.ndarray


def test_is_made_once_and_mapped(tmp_path):
    made = []

    def make() -> Numbers:
        made.append(1)
        return Numbers(values=np.arange(4))

    for _ in range(2):
        kept = cache.kept(tmp_path / "numbers", Numbers, make)
        assert isinstance(kept.values, np.memmap)
        assert kept.values.tolist() == [0, 1, 2, 3]
    assert len(made) == 1


def test_what_was_not_finished_is_made_again(tmp_path):
    with pytest.raises(ZeroDivisionError):
        cache.kept(tmp_path / "numbers", Numbers, lambda: 1 / 0)
    kept = cache.kept(tmp_path / "numbers", Numbers, lambda: Numbers(values=np.ones(2)))
    assert kept.values.tolist() == [1, 1]


def test_other_phantoms_have_another_place(tmp_path, monkeypatch):
    (tmp_path / "physics.py").write_text("contrast = 1\n")
    monkeypatch.setattr(cache, "PHANTOMS", tmp_path)
    cache._version.cache_clear()
    before = cache.place(tmp_path, "heads", 7, 12)
    assert before == cache.place(tmp_path, "heads", 7, 12)
    assert before != cache.place(tmp_path, "heads", 8, 12)
    (tmp_path / "physics.py").write_text("contrast = 2\n")
    cache._version.cache_clear()
    assert before != cache.place(tmp_path, "heads", 7, 12)
    cache._version.cache_clear()
