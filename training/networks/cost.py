"""How many multiplications a network costs, counted without computing any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.utils.flop_counter import FlopCounterMode

if TYPE_CHECKING:
    from collections.abc import Callable


def giga_macs(compute: Callable[..., Any], *inputs: Any) -> float:
    """Multiply-accumulates of convolutions and matrix products in `compute(*inputs)`, in 10^9.

    With a network and inputs on the meta device nothing is computed.
    """
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        compute(*inputs)
    return float(counter.get_total_flops()) / 2e9
