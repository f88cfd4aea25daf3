"""Pictures show what they claim to show."""

import weakref

import cv2
import folders
import numpy as np
import pytest

import sdk
from sdk.pictures import Album, draw_contact_sheet, draw_timeline, write_video
from sdk.pictures.contact_sheet import pick
from sdk.pictures.overlay import CAPTION_HEIGHT, caption_of, draw_outcome, encode_jpeg
from sdk.pictures.video import frame_rate


@pytest.fixture
def outcomes(tmp_path):
    folder = folders.quality_folder(tmp_path / "model")
    frames = [sdk.Frame(pixels=folders.dark_square(), index=i, time_ms=100.0 * i) for i in range(6)]
    frames[3] = sdk.Frame(pixels=folders.dark_square() * 0, index=3, time_ms=300.0)
    with sdk.Session(folder.path) as session:
        return list(session.stream(frames))


def test_the_outline_runs_around_the_vessel_in_the_grades_colour(outcomes):
    picture = draw_outcome(outcomes[0], 128)[:128].astype(int)
    colourful = np.ptp(picture, axis=2) > 60
    rows, columns = np.nonzero(colourful)
    assert abs(rows.min() - 32) <= 1
    assert abs(rows.max() - 63) <= 1
    assert not colourful[40:56, 40:56].any()
    assert abs(columns.max() - 63) <= 1


def test_a_thin_outline_keeps_its_colour_in_a_jpeg():
    picture = np.full((64, 64, 3), 90, np.uint8)
    picture[:, 31] = colour = (80, 200, 90)
    read = cv2.imdecode(np.frombuffer(encode_jpeg(picture), np.uint8), cv2.IMREAD_COLOR_RGB)
    assert abs(read[:, 31].astype(int) - colour).max() < 24
    assert abs(read[:, :30].astype(int) - 90).max() < 24


def test_a_wide_frame_keeps_its_aspect(outcomes):
    wide = sdk.Frame(pixels=folders.dark_square()[:64])
    picture = draw_outcome(
        sdk.Outcome(frame=wide, status=sdk.Status.FAILED, answer=None, stages_ms={}, backend=""),
        128,
    )
    assert picture.shape == (128 + CAPTION_HEIGHT, 128, 3)
    assert picture[:31].max() == 0


def test_the_caption_names_frame_grade_and_area(outcomes):
    assert caption_of(outcomes[0]).startswith("frame 0  ")
    assert caption_of(outcomes[0]).endswith("1024 px")
    assert caption_of(outcomes[3]) == "frame 3  rejected"


def test_the_video_has_every_frame_at_the_runs_rate(outcomes, tmp_path):
    path = tmp_path / "run.webm"
    write_video(outcomes, path)
    video = cv2.VideoCapture(str(path))
    assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(10.0, abs=0.1)
    count = 0
    while video.read()[0]:
        count += 1
    assert count == len(outcomes)


def test_an_unknown_frame_rate_has_a_default(outcomes):
    timeless = sdk.Frame(pixels=folders.dark_square())
    outcome = sdk.Outcome(
        frame=timeless, status=sdk.Status.FAILED, answer=None, stages_ms={}, backend=""
    )
    assert frame_rate([outcome]) == 10.0


@pytest.mark.parametrize("draw", [draw_contact_sheet, draw_timeline])
def test_a_picture_is_written(outcomes, tmp_path, draw):
    draw(outcomes, tmp_path / "picture.png")
    picture = cv2.imread(str(tmp_path / "picture.png"))
    assert picture.shape[0] > 200
    assert picture.std() > 10


@pytest.mark.parametrize("draw", [draw_contact_sheet, write_video])
def test_an_empty_run_is_refused(tmp_path, draw):
    with pytest.raises(ValueError, match="no outcomes"):
        draw([], tmp_path / "picture.png")


def test_a_contact_sheet_keeps_first_and_last():
    assert pick(3, 20) == [0, 1, 2]
    assert pick(96, 20)[0] == 0
    assert pick(96, 20)[-1] == 95
    assert len(pick(96, 20)) == 20


def test_a_subtracted_frame_is_shown_subtracted():
    bones = np.tile(np.linspace(400, 3000, 256).astype(np.uint16), (256, 1))
    live = bones.copy()
    live[100:150, 60:190] = live[100:150, 60:190] // 2
    frame = sdk.Frame(pixels=live, mask=sdk.Mask(pixels=bones))
    outcome = sdk.Outcome(
        frame=frame, status=sdk.Status.FAILED, answer=None, stages_ms={}, backend=""
    )
    picture = draw_outcome(outcome, 256)[:256, :, 0].astype(int)
    assert np.ptp(picture[:90]) <= 1
    assert picture[120, 120] < picture[10, 120] - 200


def test_an_album_draws_a_run_and_keeps_no_frame(outcomes, tmp_path):
    kept = []

    def passing():
        while outcomes:
            outcome = outcomes.pop(0)
            kept.append(weakref.ref(outcome.frame.pixels))
            yield outcome

    with Album(tmp_path, len(outcomes), 10.0) as album:
        indices = [outcome.frame.index for outcome in album.drawn(passing())]
        assert [reference() for reference in kept[:-1]] == [None] * 5
    assert indices == list(range(6))
    names = {path.name for path in tmp_path.iterdir() if path.is_file()}
    assert names == {"overlay.webm", "contact_sheet.png", "timeline.png"}


def test_an_album_of_a_run_that_broke_off_has_no_sheet(outcomes, tmp_path):
    def breaking():
        yield outcomes[0]
        raise sdk.DicomError("frame 1 is missing")

    with pytest.raises(sdk.DicomError), Album(tmp_path, len(outcomes)) as album:
        list(album.drawn(breaking()))
    assert not (tmp_path / "contact_sheet.png").exists()
