"""Answers one clinical question on whole volumes, with the graphs of one model folder."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from sdk.acceptance import Request, TensorRT, fit, open_ready
from sdk.backends import Backend
from sdk.errors import AngioEdgeError, BackendError, SessionError, VolumeError
from sdk.incoming_volume import Arrivals, IncomingVolume
from sdk.model_folder import ModelFolder
from sdk.model_part import part_name
from sdk.opened_folder import OpenedFolder
from sdk.outcome import Status
from sdk.tasks import contract_of, make_volume_task, parts_of
from sdk.tasks.brain_guide import BrainGuide
from sdk.tasks.brain_mask import window_in
from sdk.tasks.microbleed_detection import MicrobleedDetection
from sdk.tasks.microbleeds import MicrobleedAnswer
from sdk.timing import Stopwatch
from sdk.volume import Volume
from sdk.volume_outcome import VOLUME_STAGES, VolumeOptions, VolumeOutcome
from sdk.volume_work import CancelledError, VolumeWork

Order = Callable[[Sequence[Sequence[int]]], Iterator[int]]
"""From the slices that each step needs to the steps, as soon as these are there."""


class VolumeSession(OpenedFolder):
    """Opens a model folder of the microbleed task, verifies it, and answers volume by volume.

    The folder holds two networks, whose graphs are ``detector.fp32`` and ``regions.fp32`` in its
    manifest. Each is opened as `sdk.Session` opens the one network of its folder: tuned, compared
    with its golden pairs, or an engine with a certificate.
    """

    ANSWERS: ClassVar[str] = "volume"

    def __init__(
        self,
        folder: str | Path,
        *,
        precision: str | None = None,
        threads: int | None = None,
        backend: str | TensorRT | Mapping[str, Backend] | None = None,
    ) -> None:
        """Opens a model folder.

        Args:
            folder: the model folder.
            precision: which of its graphs to run; None: what ``angioedge tune`` chose on this
                machine, otherwise ``fp32``; or what this device's engines were built from.
            threads: threads of one inference; None lets the library, or the tuning, decide.
            backend: what runs both graphs, as of `sdk.Session`; or backends of your own, by the
                names ``detector`` and ``regions``, whose golden pairs are then not compared.

        Raises:
            ModelFolderError: the folder is damaged, foreign, newer, or does not fit its task.
            BackendError: the library or its device is missing, does not compute what was recorded,
                or an engine has no certificate that it does.
            SessionError: your own backends have other names, or `threads` is no number of threads.
        """
        opened = ModelFolder.open(folder)
        self._task, self._options = make_volume_task(opened), opened.manifest.options_of("")
        self._incoming: Callable[[], IncomingVolume | None] = _nothing
        self._stop: Callable[[], None] = _nothing
        super().__init__(opened, {}, VOLUME_STAGES)
        try:
            for part in parts_of(opened):
                request = Request(precision=precision, threads=threads)
                self._backends[part_name(part)] = _opened(part, backend, request)
            self._take_options()
        except AngioEdgeError:
            if not isinstance(backend, Mapping):  # those are the caller's until they are taken
                self.close()
            raise

    def __call__(self, volume: Volume, options: VolumeOptions | None = None) -> VolumeOutcome:
        """Answers on one volume; never raises for what is in it, see `VolumeOutcome.require`.

        Raises:
            SessionError: the session is closed, or busy with another volume.
        """
        with self._taken():
            return self._answer(volume, options or VolumeOptions(), _all_there)

    def receive(
        self,
        shape: tuple[int, int, int],
        to_patient: NDArray[np.float64],
        options: VolumeOptions | None = None,
    ) -> IncomingVolume:
        """Begins a volume whose slices come one by one; tiles start as soon as theirs are there.

        With `VolumeOptions.guide` that is so; without one, brain and window need the last slice,
        and nothing starts before. Either way the answer is, bit for bit, that of the session on the
        whole volume with the same options. Use it in a ``with`` block: the session is busy until it
        is over.

        Args:
            shape: (slices, rows, columns).
            to_patient: (4, 4), see `sdk.Volume`.
            options: as for a whole volume; callbacks come from another thread.

        Raises:
            SessionError: the session is closed, or busy with another volume.
            VolumeError: shape, place and guide do not fit together.
        """
        options = options or VolumeOptions()
        voxels, phase = (np.zeros(shape, np.float32) for _ in range(2))
        volume = Volume(voxels=voxels, to_patient=to_patient, phase=phase)
        if options.guide is not None:
            options.guide.on(volume)  # refuses a brain of another shape now
        arrivals = Arrivals(volume.shape[0], options.cancelled or _never)
        options = replace(options, cancelled=lambda: arrivals.is_cancelled)
        self._take()

        def answer() -> VolumeOutcome:
            with self._held():
                return self._answer(volume, options, arrivals.in_order)

        incoming = self._begun(volume, arrivals, answer)
        self._incoming, self._stop = ref(incoming), incoming.stop  # its voxels are the caller's
        return incoming

    def _begun(
        self, volume: Volume, arrivals: Arrivals, answer: Callable[[], VolumeOutcome]
    ) -> IncomingVolume:
        """A volume with a thread of its own; where none could begin, the session is free again."""
        try:
            return IncomingVolume(volume, arrivals, answer)
        except RuntimeError:
            self._busy.release()
            raise

    def guide(
        self, scan: Volume, shape: tuple[int, int, int], to_patient: NDArray[np.float64]
    ) -> BrainGuide:
        """Brain and window of a volume that is to come, from another scan; see `BrainGuide.of`."""
        return BrainGuide.of(scan, shape, to_patient, self._task.percentiles)

    def close(self) -> None:
        """Releases the graphs; may be called twice. A volume that is under way is cancelled."""
        self._open = False  # its next tile asks
        self._stop()
        super().close()

    @property
    def task(self) -> MicrobleedDetection:
        """The clinical question."""
        return self._task

    def _take(self) -> None:
        if self._incoming() is None:  # dropped: its thread is about to end
            self._stop()
        super()._take()

    def _take_options(self) -> None:
        """Makes the task anew where the graphs that run now have other options than the last."""
        precision = self._backends["detector"].precision
        options = self._folder.manifest.options_of(precision)
        if options != self._options:
            self._options = options
            self._task = make_volume_task(self._folder, precision)

    def _answer(self, volume: Volume, options: VolumeOptions, order: Order) -> VolumeOutcome:
        watch, notes = Stopwatch(), list(volume.notes)
        answer, status, reason = None, Status.DELIVERED, ""
        asked = options.cancelled or _never
        options = replace(options, cancelled=lambda: asked() or not self._open)
        for backend in self._backends.values():
            backend.begin_run()
        self._take_options()
        try:
            answer = self._run_stages(volume, options, order, watch)
            notes += _hindsight(answer.volume, options, self._task.percentiles)
            notes += self._task.remarks(answer.volume)
            self._latency.add(watch.stages_ms)
        except CancelledError:
            why = "the caller cancelled it" if self._open else "the session was closed"
            status, reason = Status.CANCELLED, why
        except (VolumeError, ValueError) as error:  # kernels raise the latter, as NumPy does
            answer, status, reason = None, Status.REJECTED, str(error)
        except BackendError as error:
            status, reason = Status.FAILED, str(error)
        return VolumeOutcome(
            volume=volume,
            status=status,
            answer=answer,
            reason=reason,
            notes=(*notes, *self.notes),
            stages_ms=watch.stages_ms,
            backend=self.backend,
        )

    def _run_stages(
        self, volume: Volume, options: VolumeOptions, order: Order, watch: Stopwatch
    ) -> MicrobleedAnswer:
        whole = [range(volume.shape[0])]
        if options.guide is None:
            list(order(whole))
        with watch.stage("prepare"):
            brain = self._task.prepare(volume, options.guide)
            work = VolumeWork(self._task, self._backends, brain, options)
            needs = [_slices_given(volume, work, index) for index in range(len(work.tiles))]
        for index in order(needs):
            with watch.stage("detect"):
                work.detect(index)
        list(order(whole))
        with watch.stage("detect"):
            found, dropped = work.suppress()
        with watch.stage("localise"):
            return work.localise(found, dropped)


def _opened(
    part: ModelFolder, backend: str | TensorRT | Mapping[str, Backend] | None, request: Request
) -> Backend:
    """The backend of one network: opened as it is asked for, or the caller's own."""
    name, contract = part_name(part), contract_of(part)
    if not isinstance(backend, Mapping):
        return open_ready(part, contract, replace(request, backend=backend))
    if name not in backend:
        raise SessionError(f"expected a backend named {name}, got {', '.join(backend) or 'none'}")
    fit(contract, backend[name])
    return backend[name]


def _all_there(needs: Sequence[Sequence[int]]) -> Iterator[int]:
    return iter(range(len(needs)))


def _nothing() -> None:
    return None


def _never() -> bool:
    return False


def _slices_given(volume: Volume, work: VolumeWork, index: int) -> Sequence[int]:
    """The slices, as the volume was given, that a tile of the axial volume is made of."""
    first, last = work.slices_of(index)
    axial = work.brain.volume
    corners = [[first, 0, 0], [last, axial.shape[1] - 1, axial.shape[2] - 1]]
    ends = volume.to_voxel(axial.to_patient_mm(corners))[:, 0]
    return range(round(float(ends.min())), round(float(ends.max())) + 1)


def _hindsight(
    volume: Volume, options: VolumeOptions, percentiles: tuple[float, float]
) -> list[str]:
    """How far the window of a guide was off; `volume` is the axial one, with the guide's brain."""
    if options.guide is None or volume.brain is None:
        return []
    given = "the window {:.4g} to {:.4g} was given beforehand".format(*options.guide.window)
    try:
        own = window_in(volume, volume.brain != 0, percentiles)
    except VolumeError as error:
        return [f"{given}; the volume has none of its own: {error}"]
    return ["{}, that of the volume itself is {:.4g} to {:.4g}".format(given, *own)]
