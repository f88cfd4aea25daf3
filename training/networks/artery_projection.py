"""The 2-D baseline: FR-UNet on one or two pictures made of a whole sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch import nn

from training.networks.artery_sequence import log_odds
from training.networks.lattice import IMAGE, Lattice, LatticeConfig, decoder_table
from training.networks.sequence_blocks import initialise, scaled

if TYPE_CHECKING:
    from torch import Tensor

Projection = Literal["first", "last", "first_last", "mean", "minimum"]


class ProjectionNet(nn.Module):
    """FR-UNet on a projection over time; the minimum is where the contrast was densest."""

    def __init__(
        self, width: int = 32, projection: Projection = "minimum", dropout: float = 0.2
    ) -> None:
        super().__init__()
        self.projection = projection
        table, heads = decoder_table("full_resolution", IMAGE)
        self.lattice = Lattice(
            LatticeConfig(
                table=table,
                heads=heads,
                widths=scaled(width),
                channels_in=2 if projection == "first_last" else 1,
                logits=2,
                dropout=dropout,
            )
        )
        initialise(self)

    def forward(self, sequence: Tensor) -> Tensor:
        """Frames (B, T, rows, columns) -> log-odds of an artery (B, 1, rows, columns)."""
        logits, _ = self.lattice((project(sequence, self.projection),))
        return log_odds(logits, stride=1)


class ReducedInput(nn.Module):
    """A sequence network that sees a projection, or chosen frames, in the place of the sequence."""

    def __init__(self, network: nn.Module, projection: Projection) -> None:
        super().__init__()
        self.network = network
        self.projection = projection

    def forward(self, sequence: Tensor) -> Tensor:
        """Frames (B, T, rows, columns) -> log-odds of an artery (B, 1, rows, columns)."""
        answer: Tensor = self.network(project(sequence, self.projection))
        return answer


def project(sequence: Tensor, projection: Projection) -> Tensor:
    """(B, T, rows, columns) -> (B, 1 or 2, rows, columns).

    Raises:
        ValueError: there is no such projection.
    """
    match projection:
        case "first":
            return sequence[:, :1]
        case "last":
            return sequence[:, -1:]
        case "first_last":
            return torch.stack([sequence[:, 0], sequence[:, -1]], 1)
        case "mean":
            return sequence.mean(1, keepdim=True)
        case "minimum":
            return sequence.amin(1, keepdim=True)
    raise ValueError(f"expected first, last, first_last, mean or minimum, got {projection!r}")
