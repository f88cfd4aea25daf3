"""How the runs of an engine get into its stream: one by one, or as CUDA graphs recorded before."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from sdk import _native
from sdk.errors import BackendError

if TYPE_CHECKING:
    from sdk.backends.cuda_memory import CudaStream

AS_ASKED = "one by one: as asked for"
AS_A_GRAPH = "as a graph"


class Launches:
    """Records what a run queues, the first time that it has these addresses, and launches that.

    A recording holds the addresses of every tensor and is never used with others: whatever made
    them change, the next run is queued as it is and recorded anew. Shapes cannot change: engines
    with other than static shapes are refused.

    Attributes:
        how: ``as a graph``, or ``one by one`` and why.
    """

    def __init__(self, stream: "CudaStream", *, recorded: bool) -> None:
        """Takes the stream that is recorded, and whether to record at all."""
        self.how = AS_A_GRAPH if recorded else AS_ASKED
        self._stream = stream
        self._graphs: dict[tuple[int, ...], Any] = {}

    def launch(self, addresses: Sequence[int], queue: Callable[[], None]) -> None:
        """Queues one run.

        Args:
            addresses: of every tensor that the run reads or writes, always in the same order.
            queue: queues the run piece by piece.
        """
        key = tuple(addresses)
        if key in self._graphs:
            self._graphs[key].launch()
            return
        queue()  # TensorRT wants one run before a recording
        if self.how == AS_A_GRAPH:
            self._record(key, queue)

    def _record(self, key: tuple[int, ...], queue: Callable[[], None]) -> None:
        from sdk.backends.cuda_memory import mapped_errors

        self._stream.wait()
        try:
            with mapped_errors("recording"), _native.CudaGraph(self._stream.handle) as graph:
                queue()
        except (RuntimeError, BackendError) as error:
            self.how = f"one by one: {error}"
            self._graphs.clear()
            return
        self._graphs[key] = graph

    @property
    def recordings(self) -> int:
        """How many sets of addresses were recorded."""
        return len(self._graphs)

    def forget(self) -> None:
        """Drops the recordings, where what a run queues is another; the context is current."""
        self._graphs.clear()
