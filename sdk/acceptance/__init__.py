"""What a backend must show before it answers: golden vectors, and for an engine a certificate."""

from sdk.acceptance.certificate import (
    REFERENCE,
    Certificate,
    Measured,
    qualify,
    read_certificate,
    write_certificate,
)
from sdk.acceptance.engine import TensorRT, certificate_path, certify, find_engine, judge_with
from sdk.acceptance.opening import BACKENDS, ENGINE, Request, open_ready
from sdk.acceptance.warm_up import fit

__all__ = [
    "BACKENDS",
    "ENGINE",
    "REFERENCE",
    "Certificate",
    "Measured",
    "Request",
    "TensorRT",
    "certificate_path",
    "certify",
    "find_engine",
    "fit",
    "judge_with",
    "open_ready",
    "qualify",
    "read_certificate",
    "write_certificate",
]
