"""The streaming form of VSS-Net: frame and state in, masks and state out, at a constant cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from training.networks.artery_sequence import log_odds, sequence_decoder
from training.networks.sequence_blocks import (
    LEVELS,
    ConvGru,
    SequenceConfig,
    SequenceDown,
    Stem,
    by_sequence,
    initialise,
    per_frame,
    raw_frames,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.networks.artery_sequence import VssNet

SHIPPED = SequenceConfig(
    widths=(16, 24, 32, 48), stride=2, norm="batch", decoder="plain", dropout=0.0
)
"""Small enough for every frame of 512 x 512 on a 2-core CPU."""


@dataclass(frozen=True, kw_only=True)
class StreamOutputs:
    """Log-odds after each of some frames, both (B, frames, rows, columns)."""

    arteries: Tensor
    """Of an artery in any frame so far."""
    filled: Tensor
    """Of an artery with contrast in this very frame."""


class StreamingFeatures(nn.Module):
    """One level of the causal encoder: the forward recurrence alone."""

    def __init__(self, level: int, config: SequenceConfig) -> None:
        super().__init__()
        channels = config.widths[level]
        above = config.widths[level - 1]
        self.down = SequenceDown(above, channels, config) if level else None
        self.onward = ConvGru(channels)
        self.fuse = nn.Conv2d(channels, channels, 3, padding=1)

    def enter(self, maps: Tensor, frames: Tensor | None) -> Tensor:
        """Maps (N, C, H, W) of the level above at the resolution of this one."""
        if self.down is None or frames is None:
            return maps
        entered: Tensor = self.down(frames, maps)
        return entered

    def read(self, state: Tensor) -> Tensor:
        """Maps in (-1, 1) from a state, (N, C, H, W)."""
        return torch.tanh(self.fuse(state))


class StreamingVssNet(nn.Module):
    """VSS-Net without the recurrence from the end, and with a running maximum over time.

    A second head says which arteries hold contrast in the frame itself. `forward` sees a whole
    sequence at once, for training; `step` is the same computation frame by frame.
    """

    def __init__(self, config: SequenceConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or SHIPPED
        self.stem = Stem(config)
        self.levels = nn.ModuleList(StreamingFeatures(level, config) for level in range(LEVELS))
        self.decoder = sequence_decoder(config)
        first = config.widths[0]
        self.filled = nn.Conv2d(2 * first, 2 * config.stride**2, 3, padding=1)
        initialise(self)

    def forward(self, sequence: Tensor, at: Sequence[int] = (-1,)) -> StreamOutputs:
        """Frames (B, T, rows, columns) -> answers after the frames `at`, the last by default."""
        frames = sequence.flatten(0, 1)[:, None]
        times = [index % sequence.shape[1] for index in at]
        maps = by_sequence(self.stem(frames), len(sequence))
        highest: list[Tensor] = []
        latest: list[Tensor] = []
        for level, raw in zip(self._features, self._raw(frames), strict=True):
            entered = by_sequence(level.enter(maps.flatten(0, 1), raw), len(sequence))
            maps = per_frame(level.read, level.onward(entered))
            highest.append(maps.cummax(1).values[:, times].flatten(0, 1))
            latest.append(maps[:, times].flatten(0, 1))
        arteries, filled = self._decode(highest, latest[0])
        return StreamOutputs(
            arteries=by_sequence(arteries[:, 0], len(sequence)),
            filled=by_sequence(filled[:, 0], len(sequence)),
        )

    def step(
        self, frame: Tensor, state: tuple[Tensor, ...]
    ) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
        """The next frame (B, 1, rows, columns) and the state -> arteries, filled, new state.

        Both answers are log-odds (B, 1, rows, columns).
        """
        count, old = state[0], state[1:]
        going = count.clamp(max=1.0)
        maps, latest = self.stem(frame), None
        new: list[Tensor] = [count + 1.0]
        for index, (level, raw) in enumerate(zip(self._features, self._raw(frame), strict=True)):
            entered = level.enter(maps, raw)
            hidden = begun(old[2 * index], entered, going)
            hidden = level.onward.step(level.onward.of_input(entered), hidden)
            maps = level.read(hidden)
            new += [hidden, torch.maximum(begun(old[2 * index + 1], maps, going), maps)]
            latest = maps if latest is None else latest
        arteries, filled = self._decode(new[2::2], latest if latest is not None else maps)
        return arteries, filled, tuple(new)

    def begin_as(self, teacher: VssNet) -> None:
        """Takes over what a bidirectional network of the same shape knows without the future.

        Stem, down-sampling, the recurrence from the beginning and the decoder are copied; of the
        fusion of both directions, the half that reads the one that is left.

        Raises:
            ValueError: the teacher has another shape.
        """
        known = {
            name: value
            for name, value in teacher.state_dict().items()
            if "backward_in_time" not in name
        }
        for index, width in enumerate(self.config.widths):
            name = f"levels.{index}.fuse.weight"
            known[name] = known[name][:, :width]
        own = self.state_dict()
        unlike = [name for name in known if name not in own or own[name].shape != known[name].shape]
        if unlike:
            message = (
                f"expected a teacher of the shape {self.config}, got {teacher.config}: "
                f"{unlike[0]} and {len(unlike) - 1} other tensors differ"
            )
            raise ValueError(message)
        self.load_state_dict({**own, **known})

    def initial_state(self, rows: int, columns: int, batch: int = 1) -> tuple[Tensor, ...]:
        """The state before the first frame: zeros. See `state_names` for the order."""
        like = next(self.parameters())
        shapes = [(batch, 1, 1, 1)]
        for level, width in enumerate(self.config.widths):
            side = self.config.stride << level
            shapes += [(batch, width, rows // side, columns // side)] * 2
        return tuple(like.new_zeros(shape) for shape in shapes)

    @staticmethod
    def state_names() -> tuple[str, ...]:
        """Frames seen, then hidden state and running maximum of each level."""
        levels = range(1, LEVELS + 1)
        return ("frames", *(f"{kind}{level}" for level in levels for kind in ("hidden", "highest")))

    @property
    def _features(self) -> list[StreamingFeatures]:
        return cast("list[StreamingFeatures]", list(self.levels))

    def _raw(self, frames: Tensor) -> tuple[Tensor | None, ...]:
        return (None, *raw_frames(frames, self.config.stride))

    def _decode(self, highest: Sequence[Tensor], latest: Tensor) -> tuple[Tensor, Tensor]:
        logits, finest = self.decoder(tuple(highest))
        filled = self.filled(torch.cat([finest, latest], 1))
        return log_odds(logits, self.config.stride), log_odds(filled, self.config.stride)


def begun(state: Tensor, first: Tensor, going: Tensor) -> Tensor:
    """`state` where `going` is 1, `first` where it is 0; exact, and the same for every device."""
    return state * going + first * (1.0 - going)
