"""From INT8 down to FP32: what builds and is accepted, INT8 only where it was measured to win."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sdk.engines.choice import Choice, Step
from sdk.engines.plan import Plan
from sdk.engines.recipe import Recipe
from sdk.errors import AngioEdgeError, EngineError

MakeEngine: TypeAlias = Callable[[Recipe], Plan]
TimeMs: TypeAlias = Callable[[bytes], float]
"""Median milliseconds that one run of a serialised engine takes on this device."""
Accept: TypeAlias = Callable[[Plan], str]
"""Why an engine that was built may not answer, in words; empty where it may."""

INT8 = ("int8", "int8.fewer")
UNTIMED = "INT8 was not timed against FP16 here, and is taken only where it is faster"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trials:
    """What is asked about engines that were built.

    Attributes:
        time_ms: times a serialised engine; without it INT8 is never preferred.
        accept: judges every engine, unless one precision was asked for; what it objects to is left
            for the next rung. Without it whatever builds will do.
    """

    time_ms: TimeMs | None = None
    accept: Accept | None = None


class Ladder:
    """Climbs down, keeping the reason for every rung that was left."""

    def __init__(
        self, rungs: Sequence[Recipe | Step], engine: MakeEngine, accept: Accept | None = None
    ) -> None:
        """Takes the rungs from above, what builds one, and what judges one; None trusts all."""
        self._rungs = rungs
        self._engine = engine
        self._accept = accept
        self._steps: list[Step] = []
        self._plans: dict[str, str] = {}
        self._times_ms: dict[str, float] = {}

    def only(self, precision: str) -> Choice:
        """The engine of one precision, accepted or not, or none.

        Raises:
            EngineError: it cannot be built.
        """
        self._accept = None
        plan = self._first(INT8 if precision == "int8" else (precision,))
        return self._chosen(plan, "asked for")

    def best(self, time_ms: TimeMs | None) -> Choice:
        """The fastest of INT8 and FP16 as far as they are accepted, FP32 where neither is.

        Args:
            time_ms: times an engine on this device; without it FP16 is taken, and that is said.

        Raises:
            EngineError: nothing can be built, or nothing of it is accepted.
        """
        quantised, half = self._first(INT8), self._first(("fp16",))
        if quantised and half:
            return self._faster(quantised, half, time_ms)
        plan = quantised or half
        if plan is None:
            return self._chosen(self._first(("fp32",)), "nothing of less precision can be used")
        return self._chosen(plan, "the only one below FP32 that can be used")

    def _first(self, precisions: Iterable[str]) -> Plan | None:
        for rung in (rung for rung in self._rungs if rung.precision in precisions):
            if isinstance(rung, Step):
                self._steps.append(rung)
                continue
            try:
                plan = self._engine(rung)
            except EngineError as error:
                self._steps.append(Step(precision=rung.precision, reason=str(error)))
                continue
            self._plans[rung.precision] = plan.path.name
            objection = self._accept(plan) if self._accept else ""
            if not objection:
                return plan
            self._leave(plan, f"built, but not accepted: {objection}")
        return None

    def _faster(self, quantised: Plan, half: Plan, time_ms: TimeMs | None) -> Choice:
        if time_ms is None:
            self._leave(quantised, UNTIMED)
            return self._chosen(half, UNTIMED)
        runnable = [plan for plan in (half, quantised) if self._time(plan, time_ms)]
        if not runnable:
            return self._chosen(self._first(("fp32",)), "nothing of less precision runs")
        times = self._times_ms
        winner = min(runnable, key=lambda plan: times[plan.sidecar.precision])  # a tie: FP16
        told = ", ".join(f"{precision} {ms:.3f} ms" for precision, ms in times.items())
        for plan in runnable:
            if plan is not winner:
                self._leave(plan, f"slower on this device: {told}")
        return self._chosen(winner, f"measured on this device: {told}")

    def _time(self, plan: Plan, time_ms: TimeMs) -> bool:
        try:
            self._times_ms[plan.sidecar.precision] = time_ms(plan.data)
        except AngioEdgeError as error:
            self._leave(plan, f"built, but does not run: {error}")
            return False
        return True

    def _leave(self, plan: Plan, reason: str) -> None:
        self._steps.append(Step(precision=plan.sidecar.precision, reason=reason))

    def _chosen(self, plan: Plan | None, reason: str) -> Choice:
        if plan is None:
            told = "\n".join(f"  {step.precision}: {step.reason}" for step in self._steps)
            raise EngineError(f"no engine of this model folder can be used here\n{told}")
        return Choice(
            chosen=plan.sidecar.precision,
            reason=reason,
            plans=dict(self._plans),
            steps=tuple(self._steps),
            times_ms=dict(self._times_ms),
        )
