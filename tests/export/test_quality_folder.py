"""A checkpoint becomes a model folder that a session runs and verifies."""

import json

import numpy as np
import pytest
import torch

import sdk
from export.quality_folder import make_folder
from training.datasets.angiogram_pool import generate
from training.evaluation import by_folder, by_torch, evaluate
from training.networks.angiogram_quality import AngiogramQualityNet
from training.phantoms.angiogram import phantom_frame
from training.preprocess import frame_of
from training.recipes.checkpoint import load_weights, save_weights


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("quality")
    torch.manual_seed(0)
    save_weights(path / "weights.safetensors", AngiogramQualityNet(), {"steps": 0})
    (path / "report.json").write_text(json.dumps({"dice": 0.0}))
    (path / "model").mkdir()
    (path / "model" / "MODEL_CARD.md").write_text("# untrained\n")
    return make_folder(path / "weights.safetensors", path / "report.json", path / "model")


def test_the_session_computes_what_torch_recorded(folder):
    """Opening compares the golden vectors, which torch made, with ONNX Runtime's answers."""
    with sdk.Session(folder.path, task=sdk.AngiogramQuality) as session:
        answer = session(frame_of(phantom_frame(1))).require()
    assert sum(answer.probabilities) == pytest.approx(1.0)
    assert len(folder.golden()) == 2


def test_the_manifest_says_where_the_network_comes_from(folder):
    origin = folder.manifest.origin
    assert origin["trained_on"] == "phantoms only"
    assert origin["training"] == {"steps": 0}
    assert origin["held_out"] == {"dice": 0.0}
    assert max(origin["parity_with_torch"].values()) <= 1e-4


def test_the_model_card_is_vouched_for(folder):
    assert "MODEL_CARD.md" in folder.manifest.files


def test_golden_inputs_are_exact_in_half_precision(folder):
    (inputs, _), *_ = folder.golden()
    assert inputs["frame"].dtype == np.float16
    assert 0.0 <= inputs["frame"].min() < inputs["frame"].max() <= 1.0


def test_the_folder_scores_as_torch_does(folder):
    network = AngiogramQualityNet()
    load_weights(folder.path.parent / "weights.safetensors", network)
    pool = generate(range(3), network.config.size, workers=1)
    by_graph, by_network = (
        evaluate(predict, pool) for predict in (by_folder(folder.path), by_torch(network, 512))
    )
    np.testing.assert_allclose(by_graph.dice_per_frame, by_network.dice_per_frame, atol=1e-3)
    np.testing.assert_array_equal(by_graph.predicted_grades, by_network.predicted_grades)
