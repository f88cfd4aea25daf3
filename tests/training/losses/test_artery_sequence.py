"""The losses are the published sums, and each term pulls where it should."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from training.datasets.scribbles import UNLABELLED
from training.losses.artery_sequence import (
    ScribbleWeights,
    distillation_loss,
    partial_cross_entropy,
    pseudo_labels,
    scribble_loss,
    segmentation_loss,
)


@pytest.fixture
def pair() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    first, second = torch.randn(2, 2, 1, 4, 4, generator=generator)
    return first.requires_grad_(), second.requires_grad_()


@pytest.fixture
def scribbles() -> torch.Tensor:
    codes = torch.full((2, 1, 4, 4), UNLABELLED)
    codes[0, 0, 0], codes[1, 0, 2] = 1, 0
    return codes


def test_two_logits_give_the_same_loss_as_their_difference() -> None:
    logits = torch.randn(2, 2, 4, 4, dtype=torch.float32)
    truth = torch.randint(0, 2, (2, 4, 4))
    probability = logits.softmax(1)[:, 1]
    overlap = (2 * (probability * truth).sum() + 1e-5) / (probability.sum() + truth.sum() + 1e-5)
    expected = functional.cross_entropy(logits, truth) + 1 - overlap
    torch.testing.assert_close(segmentation_loss(logits[:, 1] - logits[:, 0], truth), expected)


def test_a_perfect_answer_costs_nothing() -> None:
    truth = (torch.rand(1, 1, 8, 8) > 0.5).float()
    assert float(segmentation_loss(truth * 200 - 100, truth)) == pytest.approx(0, abs=1e-5)


def test_partial_cross_entropy_is_the_mean_over_the_scribbles(
    pair: tuple[torch.Tensor, torch.Tensor], scribbles: torch.Tensor
) -> None:
    first = pair[0].detach()
    logits = torch.cat([torch.zeros_like(first), first], 1)
    expected = functional.cross_entropy(logits, scribbles[:, 0].long(), ignore_index=UNLABELLED)
    torch.testing.assert_close(partial_cross_entropy(first, scribbles), expected)


def test_no_scribble_costs_nothing(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    nothing = torch.full((2, 1, 4, 4), UNLABELLED)
    assert float(partial_cross_entropy(pair[0].detach(), nothing)) == 0.0


def test_scribbles_correct_pseudo_labels(
    pair: tuple[torch.Tensor, torch.Tensor], scribbles: torch.Tensor
) -> None:
    labels = pseudo_labels(pair[0], scribbles)
    assert not labels.requires_grad
    assert (labels[0, 0, 0] == 1).all()
    assert (labels[1, 0, 2] == 0).all()
    free = scribbles == UNLABELLED
    assert torch.equal(labels[free], (pair[0] > 0).float()[free])


def test_every_step_of_the_ablation_adds_its_term(
    pair: tuple[torch.Tensor, torch.Tensor], scribbles: torch.Tensor
) -> None:
    first, second = pair
    partial = partial_cross_entropy(first, scribbles) + partial_cross_entropy(second, scribbles)
    labels = pseudo_labels(first, scribbles), pseudo_labels(second, scribbles)
    entropy = functional.binary_cross_entropy_with_logits
    own = entropy(first, labels[0]) + entropy(second, labels[1])
    crossed = entropy(first, labels[1]) + entropy(second, labels[0])
    apart = (torch.sigmoid(first) - torch.sigmoid(second)).square().mean()
    ladder = {
        ScribbleWeights(pseudo=0.0, consistency=0.0): partial,
        ScribbleWeights(crossed=False, consistency=0.0): partial + own,
        ScribbleWeights(consistency=0.0): partial + crossed,
        ScribbleWeights(): partial + crossed + 0.5 * apart,
    }
    for weights, expected in ladder.items():
        torch.testing.assert_close(scribble_loss(first, second, scribbles, weights), expected)


def test_consistency_has_a_gradient(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    first, second = pair
    nothing = torch.full((2, 1, 4, 4), UNLABELLED)
    loss = scribble_loss(first, second, nothing, ScribbleWeights(pseudo=0.0))
    for gradient in torch.autograd.grad(loss, (first, second)):
        assert (gradient != 0).all()


def test_a_student_like_its_teacher_learns_nothing_from_it() -> None:
    student = torch.randn(1, 1, 4, 4, requires_grad=True)
    teacher = student.detach().clone().requires_grad_()
    truth = torch.zeros(1, 1, 4, 4)
    loss = distillation_loss(student, teacher, truth, 1.0)
    of_student, of_teacher = torch.autograd.grad(loss, (student, teacher), allow_unused=True)
    torch.testing.assert_close(of_student, torch.zeros_like(student), atol=1e-7, rtol=0)
    assert of_teacher is None
    assert distillation_loss(student, teacher, truth, 0.0) == segmentation_loss(student, truth)
