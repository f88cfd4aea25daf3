"""Frame by frame or all at once, the streaming network answers the same; its cost is constant."""

from __future__ import annotations

import pytest
import torch

from training.networks.artery_sequence import VssNet
from training.networks.artery_stream import SHIPPED, StreamingVssNet
from training.networks.cost import giga_macs
from training.networks.sequence_blocks import SequenceConfig, scaled

TINY = [
    SequenceConfig(widths=scaled(4)),
    SequenceConfig(widths=(4, 6, 8, 10), stride=2, norm="batch", decoder="plain"),
]


@pytest.mark.parametrize("config", TINY)
def test_step_by_step_is_the_whole_sequence(config: SequenceConfig) -> None:
    torch.manual_seed(0)
    network = StreamingVssNet(config).double().eval()
    sequence = torch.randn(2, 5, 32, 48, dtype=torch.float64)
    state = network.initial_state(32, 48, batch=2)
    with torch.no_grad():
        whole = network(sequence, at=range(5))
        for index in range(5):
            arteries, filled, state = network.step(sequence[:, index : index + 1], state)
            torch.testing.assert_close(arteries[:, 0], whole.arteries[:, index])
            torch.testing.assert_close(filled[:, 0], whole.filled[:, index])


def test_later_frames_change_no_earlier_answer() -> None:
    torch.manual_seed(0)
    network = StreamingVssNet(TINY[0]).eval()
    sequence = torch.randn(1, 5, 16, 16)
    with torch.no_grad():
        early = network(sequence[:, :3], at=(0, 1, 2)).arteries
        torch.testing.assert_close(network(sequence, at=(0, 1, 2)).arteries, early)


def test_every_frame_so_far_has_a_say() -> None:
    torch.manual_seed(0)
    network = StreamingVssNet(TINY[1]).eval().requires_grad_(requires_grad=False)
    sequence = torch.randn(1, 4, 32, 32, requires_grad=True)
    (gradient,) = torch.autograd.grad(network(sequence).arteries.sum(), sequence)
    assert (gradient.abs().amax((0, 2, 3)) > 0).all()


def test_what_state_lay_there_before_the_first_frame_does_not_matter() -> None:
    torch.manual_seed(0)
    network = StreamingVssNet(TINY[0]).eval()
    frame, zero = torch.randn(1, 1, 16, 16), network.initial_state(16, 16)
    other = (zero[0], *(torch.randn_like(entry) for entry in zero[1:]))
    with torch.no_grad():
        for a, b in zip(network.step(frame, zero)[:2], network.step(frame, other)[:2], strict=True):
            assert torch.equal(a, b)


def test_states_have_names() -> None:
    network = StreamingVssNet(TINY[0])
    assert len(network.state_names()) == len(network.initial_state(16, 16)) == 9


def test_a_new_frame_costs_a_fourth_of_the_whole_sequence_and_less() -> None:
    """Published widths at 512 x 512; the spec's 287 GMAC and the head of the frame itself."""
    with torch.device("meta"):
        stream, whole = StreamingVssNet(SequenceConfig()).eval(), VssNet().eval()
        frame, sequence = torch.empty(1, 1, 512, 512), torch.empty(1, 8, 512, 512)
        state = stream.initial_state(512, 512)
        step = giga_macs(stream.step, frame, state)
        head = 9 * 64 * 2 * 512 * 512 / 1e9
        assert step - head == pytest.approx(287.3, rel=2e-3)
        assert giga_macs(whole, sequence) > 4 * step


def test_the_shipped_form_is_small() -> None:
    with torch.device("meta"):
        network = StreamingVssNet(SHIPPED).eval()
        frame = torch.empty(1, 1, 512, 512)
        cost = giga_macs(network.step, frame, network.initial_state(512, 512))
    assert cost == pytest.approx(4.91, abs=0.01)


def test_a_student_begins_with_what_its_teacher_knows_of_the_past() -> None:
    config = TINY[0]
    torch.manual_seed(5)
    teacher, student = VssNet(config), StreamingVssNet(config)
    student.begin_as(teacher)
    own, known = student.state_dict(), teacher.state_dict()
    assert torch.equal(
        own["levels.2.onward.of_state.weight"], known["levels.2.onward.of_state.weight"]
    )
    width = config.widths[1]
    assert torch.equal(own["levels.1.fuse.weight"], known["levels.1.fuse.weight"][:, :width])
