"""Which frames candidates are judged on."""

import numpy as np
from candidates import prepared
from small_nets import ArrayFeed, chain, images, run

from calibration.choose import decibel
from calibration.judge import hardest
from sdk import Grade
from sdk.tasks import QualityAnswer


class Graded(ArrayFeed):
    """The same frames for a task that grades: the brighter the map, the surer it is."""

    def postprocess(self, outputs, frame):
        sure = float(np.clip(np.abs(outputs["logits"]).mean(), 0.1, 0.9))
        vessels = super().postprocess(outputs, frame)
        return QualityAnswer(grade=Grade.GOOD, probabilities=(sure, 1 - sure, 0), vessels=vessels)

    def only(self, positions):
        return Graded(*(self.images[position] for position in sorted(positions)))


def test_frames_that_fp32_is_unsure_how_to_grade_are_hard_too(tmp_path):
    feed = Graded(*(image * (index + 1) / 5 for index, image in enumerate(images(5).images)))
    plain, source = prepared(chain(tmp_path / "net.onnx"), feed)
    levels, leads = [], []
    for index in range(5):
        exact = run(source.path.read_bytes(), feed, index, ["logits"])["logits"]
        got = run(plain.write("int8"), feed, index, ["logits"])["logits"]
        levels.append(decibel(np.square(exact).sum(), np.square(got - exact).sum()))
        first, second, _ = sorted(feed.postprocess({"logits": exact}, None).probabilities)[::-1]
        leads.append(first - second)
    noisy, unsure = int(np.argmin(levels)), int(np.argmin(leads))
    assert noisy != unsure, "the network tells them apart"
    frames, worst = hardest(plain, source, 2)
    assert {id(x) for x in frames.images} == {id(feed.images[i]) for i in (noisy, unsure)}
    assert [id(x) for x in worst.images] == [id(feed.images[noisy])]
