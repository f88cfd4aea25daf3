"""What every recipe says about the course of its training."""

from __future__ import annotations

from typing import Protocol


class Schedule(Protocol):
    """Fields of every recipe, a dataclass, whatever it trains."""

    @property
    def steps(self) -> int:
        """Optimiser steps, unless the time is limited instead."""

    @property
    def seed(self) -> int:
        """Seed of the weights and of the order of the batches."""

    @property
    def learning_rate(self) -> float:
        """Highest learning rate."""

    @property
    def final_rate(self) -> float:
        """Last learning rate as a fraction of the highest."""

    @property
    def warm_up_steps(self) -> int:
        """Steps of the linear warm-up."""

    @property
    def gradient_clip(self) -> float:
        """Largest norm of the gradient."""

    @property
    def average_decay(self) -> float:
        """Decay per step of the averaged weights, which are kept; 0 averages nothing."""

    @property
    def validate_every_s(self) -> float:
        """Seconds between validations."""

    @property
    def threads(self) -> int:
        """Threads that a layer is computed with."""

    @property
    def device(self) -> str:
        """Where torch computes, such as ``cpu`` or ``cuda``."""
