"""A report names the model that answered, warns as the manifest does, and counts from 1."""

import folders
import pytest

import sdk
from sdk.structured_report.wording import algorithm_of, numbers


@pytest.mark.parametrize(
    ("indices", "said"),
    [([], ""), ([4], "5"), ([0, 1, 2, 6], "1-3, 7"), ([3, 1, 2], "2-4"), (range(300), "1-300")],
)
def test_frames_are_counted_from_1_in_stretches(indices, said):
    assert numbers(indices) == said


@pytest.mark.parametrize(
    ("origin", "more"),
    [({}, ()), ({"network": "small"}, ("network: small",)), ({"network": 3}, ())],
)
def test_the_algorithm_is_the_task_and_the_hash_of_the_manifest(tmp_path, origin, more):
    with sdk.Session(folders.quality_folder(tmp_path, origin=origin).path) as session:
        algorithm = algorithm_of(session)
        assert algorithm.version == session.model_sha256
    assert algorithm.name == "AngioEdge angiogram_quality"
    assert algorithm.parameters == ("precision fp32, backend onnxruntime-cpu", *more)
