"""A session answers a volume: every bleed once, every candidate accounted for."""

from dataclasses import replace

import numpy as np
import pytest
import volume_folders

import sdk
from sdk import tuning
from sdk.backends import version_of
from sdk.model_part import part_name
from sdk.tasks import contract_of, parts_of
from sdk.tuning import Setting, Tuning


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    folder = volume_folders.microbleed_folder(tmp_path_factory.mktemp("model"))
    with sdk.VolumeSession(folder.path, threads=1) as opened:
        yield opened


def bleeds(session, *lesions, **options):
    outcome = session(volume_folders.head(*lesions), sdk.VolumeOptions(**options))
    return outcome.require()


def near(bleed, lesion, within_mm=3.5):
    apart = np.subtract(bleed.voxel, lesion) * volume_folders.SPACING
    return np.linalg.norm(apart) <= within_mm


BORDERS = [(row, column) for row in (23.6, 24.0, 39.5, 55.9) for column in (24.0, 40.2)]


def test_a_bleed_on_the_border_of_tiles_is_found_exactly_once(session):
    for row, column in BORDERS:
        answer = bleeds(session, (11.7, row, column))
        assert len(answer.microbleeds) == 1, (row, column)
        assert near(answer.microbleeds[0], (11.7, row, column))


def test_every_candidate_is_kept_or_listed_with_its_reason(session):
    answer = bleeds(session, (12, 40, 30), (8, 20, 50))
    assert len(answer.microbleeds) == 2
    assert {entry.reason for entry in answer.dropped} == {sdk.Dropped.SUPPRESSED}
    for entry in answer.dropped:
        assert any(near(entry.candidate, bleed.voxel, 10.0) for bleed in answer.microbleeds)
    scores = [bleed.score for bleed in answer.microbleeds]
    assert scores == sorted(scores, reverse=True)


def test_places_agree_in_voxels_millimetres_and_the_patient(session):
    answer = bleeds(session, (12, 40, 30))
    bleed = answer.microbleeds[0]
    np.testing.assert_allclose(bleed.centre_mm, np.multiply(bleed.voxel, volume_folders.SPACING))
    np.testing.assert_allclose(answer.volume.to_voxel(bleed.patient_mm), bleed.voxel)
    assert bleed.diameter_mm == pytest.approx(10.0)


def test_regions_are_named_and_both_ways_agree(session):
    lesions = [(12, 40, 22), (12, 40, 52), (6, 24, 60)]
    lazy, whole = bleeds(session, *lesions), bleeds(session, *lesions, whole_regions=True)
    assert lazy.regions is None
    assert whole.regions.shape == volume_folders.SHAPE
    assert [b.region for b in lazy.microbleeds] == [b.region for b in whole.microbleeds]
    regions = {round(b.voxel[2] / 10): b.region for b in lazy.microbleeds}
    assert regions == {2: sdk.Region.LOBAR, 5: sdk.Region.DEEP, 6: sdk.Region.DEEP}


def test_a_candidate_outside_the_regions_is_dropped_with_its_overlap(session):
    hole = volume_folders.head((12, 40, 30), (12, 40, 60))
    swi = hole.voxels.copy()
    swi[8:17, 32:49, 52:69] = 0.0
    answer = session(replace(hole, voxels=swi)).require()
    assert [round(bleed.voxel[2], -1) for bleed in answer.microbleeds] == [30]
    gone = [entry for entry in answer.dropped if entry.reason is not sdk.Dropped.SUPPRESSED]
    assert [entry.reason for entry in gone] == [sdk.Dropped.OUTSIDE_REGIONS]
    assert gone[0].candidate.overlap == 0.0


def test_the_centre_voxel_alone_can_decide(tmp_path):
    options = volume_folders.OPTIONS | {"centre_voxel_only": True}
    folder = volume_folders.microbleed_folder(tmp_path, options=options)
    with sdk.VolumeSession(folder.path, threads=1) as session:
        answer = session(volume_folders.head((12, 40, 30))).require()
    assert answer.microbleeds[0].overlap == 1.0


def test_no_more_than_asked_for_are_kept(tmp_path):
    options = volume_folders.OPTIONS | {"most": 1}
    folder = volume_folders.microbleed_folder(tmp_path, options=options)
    with sdk.VolumeSession(folder.path, threads=1) as session:
        answer = session(volume_folders.head((12, 40, 30), (12, 40, 50))).require()
    assert len(answer.microbleeds) == 1
    assert sdk.Dropped.TOO_MANY in {entry.reason for entry in answer.dropped}


def test_tiles_without_brain_are_skipped_and_counted(session):
    brain = np.zeros(volume_folders.SHAPE, bool)
    brain[4:20, 10:30, 10:30] = True
    answer = session(volume_folders.head((12, 20, 20), brain=brain)).require()
    assert answer.tiles_skipped > 0
    assert answer.tiles + answer.tiles_skipped == 2 * 4 * 4
    assert len(answer.microbleeds) == 1


def test_progress_comes_to_its_end(session):
    steps = []
    bleeds(session, (12, 40, 30), progress=lambda *step: steps.append(step))
    detect = [step[1:] for step in steps if step[0] == "detect"]
    assert detect == [(done, detect[-1][1]) for done in range(detect[-1][1] + 1)]
    assert any(stage == "localise" for stage, _, _ in steps)


def test_a_cancelled_volume_has_no_answer(session):
    asked = []
    outcome = session(
        volume_folders.head((12, 40, 30)),
        sdk.VolumeOptions(cancelled=lambda: asked.append(0) or len(asked) > 3),
    )
    assert (outcome.status, outcome.answer) == (sdk.Status.CANCELLED, None)
    assert len(asked) == 4
    with pytest.raises(sdk.SessionError, match="cancelled"):
        outcome.require()


@pytest.mark.parametrize("values", [1e300, 1e-42])
def test_values_that_no_window_can_hold_are_refused(session, values):
    head = volume_folders.head((12, 40, 30))
    outcome = session(replace(head, voxels=head.voxels.astype(np.float64) * values))
    assert (outcome.status, outcome.answer) == (sdk.Status.REJECTED, None)


@pytest.mark.parametrize("guided", [False, True])
@pytest.mark.parametrize("image", ["voxels", "phase"])
def test_a_brain_with_one_value_that_is_not_finite_is_rejected(session, image, guided):
    """Beside a single NaN the detector finds nothing, and says nothing."""
    volume = volume_folders.head((12, 40, 30))
    guide = session.guide(volume, volume.shape, volume.to_patient) if guided else None
    getattr(volume, image)[12, 40, 40] = np.nan
    outcome = session(volume, sdk.VolumeOptions(guide=guide))
    assert outcome.status is sdk.Status.REJECTED
    assert "not finite" in outcome.reason


def test_a_volume_without_phase_is_rejected_with_its_reason(session):
    volume = replace(volume_folders.head(), phase=None)
    outcome = session(volume)
    assert outcome.status is sdk.Status.REJECTED
    assert "only the phase" in outcome.reason
    assert session(volume_folders.head()).status is sdk.Status.DELIVERED


def test_the_order_of_the_axes_does_not_matter(session):
    straight = volume_folders.head((12, 40, 30))
    turn = np.eye(4)[:, [2, 0, 1, 3]]
    turned = sdk.Volume(
        voxels=np.transpose(straight.voxels, (2, 0, 1)),
        phase=np.transpose(straight.phase, (2, 0, 1)),
        brain=np.transpose(straight.brain, (2, 0, 1)),
        to_patient=straight.to_patient @ turn,
    )
    places = [session(v).require().microbleeds[0].patient_mm for v in (straight, turned)]
    np.testing.assert_allclose(*places)


def test_a_flipped_phase_hides_the_bleed(session):
    volume = volume_folders.head((12, 40, 30))
    assert not session(replace(volume, phase=-volume.phase)).require().microbleeds


def test_a_machine_that_computes_something_else_is_refused(tmp_path):
    folder = volume_folders.microbleed_folder(tmp_path)
    with np.load(folder.path / "golden.npz") as archive:
        altered = {name: archive[name].copy() for name in archive.files}
    altered["1/outputs/regions"][0, 0, 0] += 300.0
    np.savez(folder.path / "golden.npz", **altered)
    files = {n: (folder.path / n).read_bytes() for n in folder.manifest.files}
    sdk.model_folder.write_folder(folder.path, folder.manifest, files)
    with pytest.raises(sdk.BackendError, match="regions fp32, golden frame 0: regions differs"):
        sdk.VolumeSession(folder.path)


def test_other_folders_and_other_sessions_are_told_apart(tmp_path):
    folder = volume_folders.microbleed_folder(tmp_path)
    with pytest.raises(sdk.ModelFolderError, match=r"sdk\.VolumeSession"):
        sdk.Session(folder.path)
    smaller = volume_folders.microbleed_folder(
        tmp_path / "b", options=volume_folders.OPTIONS | {"tile": [48, 48, 48]}
    )
    with pytest.raises(sdk.ModelFolderError, match="does not fit its task"):
        sdk.VolumeSession(smaller.path)


def test_a_closed_session_answers_no_more(tmp_path):
    session = sdk.VolumeSession(volume_folders.microbleed_folder(tmp_path).path)
    session.close()
    session.close()
    with pytest.raises(sdk.SessionError, match="closed"):
        session(volume_folders.head())


def test_backends_by_name_answer_alike(session, tmp_path):
    pytest.importorskip("openvino")
    folder = volume_folders.microbleed_folder(tmp_path)
    with sdk.VolumeSession(folder.path, backend="openvino", threads=1) as other:
        outcome = other(volume_folders.head((12, 40, 30)))
    assert (outcome.backend, other.precision) == ("openvino-cpu", "fp32")
    expected = bleeds(session, (12, 40, 30)).microbleeds
    assert [b.voxel for b in outcome.require().microbleeds] == [b.voxel for b in expected]


def test_a_library_that_is_not_there_is_an_error(tmp_path):
    folder = volume_folders.microbleed_folder(tmp_path)
    with pytest.raises(sdk.BackendError, match="no backend 'abacus'"):
        sdk.VolumeSession(folder.path, backend="abacus")
    with pytest.raises(sdk.ModelFolderError, match="no int8 graph of its detector"):
        sdk.VolumeSession(folder.path, precision="int8")


def test_every_network_runs_what_was_tuned_for_it(tmp_path):
    folder = volume_folders.microbleed_folder(tmp_path, graphs=volume_folders.TWINS)
    detector, _ = parts_of(folder)
    choice = Setting(precision="twin", threads=1)
    record = Tuning(
        chosen=choice,
        reason="",
        measured=(),
        left_out={},
        machine=tuning.describe_machine(),
        graphs=tuning.graph_hashes(detector),
        versions={"onnxruntime": version_of("onnxruntime")},
    )
    tuning.write_tuning(detector, record)
    with sdk.VolumeSession(folder.path) as session:
        assert session.precision == "fp32"
        (note,) = session.notes
        assert note.startswith("tuned.detector.json is ignored: it chose the twin graph, which is")
    certified = {"calibration": {"certified": True}}
    folder = volume_folders.microbleed_folder(
        tmp_path, graphs=volume_folders.TWINS, origin=certified
    )
    with sdk.VolumeSession(folder.path) as session:
        assert session.precision == "detector twin, regions fp32"
        assert session.notes == ()
        assert len(session(volume_folders.head((12, 40, 30))).require().microbleeds) == 1
    with sdk.VolumeSession(folder.path, precision="fp32") as session:
        assert session.precision == "fp32"


def test_your_own_backends_take_the_networks_names(tmp_path, monkeypatch):
    folder = volume_folders.microbleed_folder(tmp_path)
    replays = {
        part_name(part): sdk.ReplayBackend(contract_of(part).inputs, [part.golden()[0][1]])
        for part in parts_of(folder)
    }
    with sdk.VolumeSession(folder.path, backend=replays) as session:
        assert session.backend == "replay"
        assert session(volume_folders.head()).status is sdk.Status.DELIVERED
    monkeypatch.setattr(sdk.ReplayBackend, "close", lambda _: pytest.fail("it is the caller's"))
    with pytest.raises(sdk.SessionError, match="a backend named regions, got detector"):
        sdk.VolumeSession(folder.path, backend={"detector": replays["detector"]})
    with pytest.raises(sdk.ModelFolderError, match="does not fit its task"):
        sdk.VolumeSession(folder.path, backend=dict.fromkeys(replays, replays["regions"]))


def test_stages_are_recorded_volume_after_volume(tmp_path):
    with sdk.VolumeSession(volume_folders.microbleed_folder(tmp_path).path) as session:
        outcomes = [session(volume_folders.head((12, 40, 30))) for _ in range(2)]
        assert session.latency.summary()["detect"].frames == 2
    assert set(outcomes[0].stages_ms) == {"prepare", "detect", "localise"}
    assert outcomes[0].latency_ms == pytest.approx(sum(outcomes[0].stages_ms.values()))


def test_the_outcome_repeats_what_the_reader_did(session):
    volume = replace(volume_folders.head(), notes=("phase stored as radians",))
    assert session(volume).notes == ("phase stored as radians",)


@pytest.mark.parametrize(("network", "name"), [("detector", "offsets"), ("regions", "regions")])
def test_outputs_that_are_no_numbers_are_a_failure(session, monkeypatch, network, name):
    backend = session._backends[network]

    def run():
        type(backend).run(backend)
        backend.outputs[name].flat[0] = np.nan

    monkeypatch.setattr(backend, "run", run)
    outcome = session(volume_folders.head((12, 40, 30)))
    assert outcome.status is sdk.Status.FAILED
    assert f"gave NaN or infinities as {name}" in outcome.reason


def test_no_number_of_threads_is_refused(tmp_path):
    with pytest.raises(sdk.SessionError, match="threads must be a whole number from 1 on, got 0"):
        sdk.VolumeSession(volume_folders.microbleed_folder(tmp_path).path, threads=0)
