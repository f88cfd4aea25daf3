"""TensorRT is imported late, and what it says is remembered; TensorRT here is a stand-in."""

import io
import sys

import pytest
import tensorrt_stand_in

from sdk.engines.library import Messages, load_tensorrt, make_logger
from sdk.errors import BackendError


def test_a_missing_tensorrt_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(BackendError, match="--system-site-packages"):
        load_tensorrt()


def test_the_logger_keeps_the_last_errors_and_writes_everything():
    trt, file = tensorrt_stand_in.make(), io.StringIO()
    messages = Messages(file)
    logger = make_logger(trt, messages)
    for severity, text in (
        ("VERBOSE", "chatter"),
        ("INFO", "hello"),
        ("ERROR", "one"),
        ("INTERNAL_ERROR", "two"),
    ):
        logger.log(trt.ILogger.Severity[severity], text)
    assert messages.errors() == "one; two"
    assert messages.errors(most=1) == "two"
    assert file.getvalue() == "[INFO] hello\n[ERROR] one\n[INTERNAL_ERROR] two\n"


def test_silence_is_called_silence():
    assert Messages().errors() == "TensorRT gave no reason"
