"""The processes of one training: one alone, or several that `torchrun` started.

`DistributedDataParallel` hooks into `forward`, and the recipes here call other methods of their
networks too; so gradients are averaged by hand, between the backward pass and the optimiser.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from os import environ
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch import distributed as group

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Made = TypeVar("Made")

PATIENCE = timedelta(days=1)
"""How long processes wait for the first one, which makes phantoms and validates alone."""


@dataclass(frozen=True, kw_only=True)
class Processes:
    """Which of how many processes this one is."""

    rank: int = 0
    """Number of this process, from 0; the first one writes files and talks."""
    count: int = 1
    """Number of processes."""

    @property
    def first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def share(self, batch: int) -> int:
        """How much of a batch this process draws.

        Raises:
            ValueError: the batch cannot be shared out evenly.
        """
        if batch % self.count:
            message = (
                f"expected a batch that {self.count} processes can share evenly, got {batch}; "
                f"set it to a multiple of {self.count}, or start another number of processes"
            )
            raise ValueError(message)
        return batch // self.count

    def generator(self, seed: int, step: int) -> np.random.Generator:
        """Random numbers of a step, others in every process."""
        # A zero at the end changes nothing: the first process draws what one alone would draw.
        return np.random.default_rng([seed, step, self.rank])

    def once(self, make: Callable[[], Made]) -> Made:
        """What the first process makes and keeps in a folder, and the others then read there."""
        if self.first:
            made = make()
            self.wait()
            return made
        self.wait()
        return make()

    def wait(self) -> None:
        """Until all processes are here."""
        self._sum(torch.zeros(1))

    def begin(self, networks: Iterable[nn.Module], seed: int) -> None:
        """Gives all networks the weights of the first process, and each its own dropout.

        On CUDA every BatchNorm sees the whole batch of all processes (SyncBatchNorm), whose
        parameters have the same names.
        """
        if self.count == 1:
            return
        for network in networks:
            for tensor in network.state_dict().values():
                group.broadcast(tensor, 0)
            if next(network.parameters()).is_cuda:
                nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
        torch.manual_seed(seed + self.rank)

    def average(self, parameters: Sequence[nn.Parameter], networks: Iterable[nn.Module]) -> None:
        """Makes gradients and running statistics the mean over the processes.

        A parameter keeps no gradient where it has none in any process. The statistics are those of
        BatchNorm on a CPU, which sees the part of the batch that its own process has.
        """
        if self.count == 1:
            return
        gradients = [torch.zeros_like(e) if e.grad is None else e.grad for e in parameters]
        known = torch.tensor([float(e.grad is not None) for e in parameters]).to(gradients[0])
        buffers = [b for n in networks for b in n.buffers() if b.is_floating_point()]
        mean = self._sum(torch.cat([e.reshape(-1) for e in (known, *gradients, *buffers)]))
        mean /= self.count
        sizes = [len(known), *(tensor.numel() for tensor in (*gradients, *buffers))]
        anywhere, *parts = torch.split(mean, sizes)
        for index, has in enumerate(anywhere.tolist()):
            parameters[index].grad = parts[index].view_as(parameters[index]) if has else None
        for buffer, part in zip(buffers, parts[len(gradients) :], strict=True):
            buffer.copy_(part.view_as(buffer))

    def agree(self, loss: float, elapsed_s: float) -> tuple[float, float]:
        """The mean loss, and the time of the first process: all take the same decisions by it."""
        if self.count == 1:
            return loss, elapsed_s
        own = [loss / self.count, elapsed_s if self.first else 0.0]
        total = self._sum(torch.tensor(own, dtype=torch.float64)).tolist()
        return total[0], total[1]

    def _sum(self, tensor: Tensor) -> Tensor:
        if self.count > 1:
            group.all_reduce(tensor)
        return tensor


def join(device: str) -> Processes:
    """Joins the processes that torchrun started, which it tells by the environment, or stays alone.

    CPU tensors travel by gloo, CUDA tensors by NCCL; ``cuda`` is another device in each process.
    """
    if "TORCHELASTIC_RUN_ID" not in environ:
        return Processes()
    if not group.is_initialized():
        by_cuda = device.startswith("cuda")
        if by_cuda:
            torch.cuda.set_device(int(environ["LOCAL_RANK"]))
        group.init_process_group("cpu:gloo,cuda:nccl" if by_cuda else "gloo", timeout=PATIENCE)
    return Processes(rank=group.get_rank(), count=group.get_world_size())


def leave() -> None:
    """Leaves the other processes, where there are any."""
    if group.is_initialized():
        group.destroy_process_group()
