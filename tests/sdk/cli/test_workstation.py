"""Commands of the workstation run in a process of their own, and end as it does."""

import pytest

from sdk.cli.workstation import _ended


class Process:
    """A process that is asked several times."""

    def __init__(self, *answers):
        self._answers = list(answers)

    def wait(self):
        answer = self._answers.pop(0)
        if isinstance(answer, int):
            return answer
        raise answer


@pytest.mark.parametrize(
    ("answers", "code"),
    [((0,), 0), ((2,), 2), ((KeyboardInterrupt(), KeyboardInterrupt(), 130), 130), ((-2,), 130)],
)
def test_ctrl_c_is_left_to_the_process(answers, code):
    assert _ended(Process(*answers)) == code
