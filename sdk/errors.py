"""Everything the SDK raises on purpose.

AngioEdgeError
├── FrameError         these pixels, or what they say about themselves, cannot be used
├── VolumeError        these voxels, or what they say about themselves, cannot be used
├── DicomError         this file cannot be read as an angiographic run
├── ModelFolderError   the model folder is damaged, foreign, or does not fit its task
├── BackendError       the library or the device a backend needs is missing or misbehaves
├── EngineError        an engine cannot be built here, or one that was found must not be loaded
└── SessionError       the session was used in a way it cannot serve

The kernels raise ``ValueError`` and ``TypeError``, as NumPy does.
"""

import lzma
import zipfile
import zlib

DAMAGED = (
    ArithmeticError,
    EOFError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    lzma.LZMAError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What NumPy and the unpackers raise for a file that is damaged, or something else."""


class AngioEdgeError(Exception):
    """Base class of every error of the SDK."""


class FrameError(AngioEdgeError):
    """These pixels, or what they say about themselves, cannot be used."""


class VolumeError(AngioEdgeError):
    """These voxels, or what they say about themselves, cannot be used."""


class DicomError(AngioEdgeError):
    """This file cannot be read as an angiographic run."""


class ModelFolderError(AngioEdgeError):
    """The model folder is damaged, foreign, or does not fit its task."""


class BackendError(AngioEdgeError):
    """The library or the device a backend needs is missing or misbehaves."""


class EngineError(AngioEdgeError):
    """An engine cannot be built here, or one that was found must not be loaded."""


class SessionError(AngioEdgeError):
    """The session was used in a way it cannot serve."""
