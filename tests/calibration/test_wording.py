"""Lists of names, short enough for a message."""

from calibration.wording import some


def test_few_names_are_all_said():
    assert some(["a", "b"]) == "a, b"


def test_many_names_are_counted():
    assert some([*"abcdefg"]) == "a, b, c, d, e and 2 more"
