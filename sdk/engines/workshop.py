"""Builds one engine, or takes the one that is kept."""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sdk.engines import timing_cache
from sdk.engines.files import make_writable_folder, remove_partial, write_engine_file
from sdk.engines.options import BuildOptions
from sdk.engines.places import engine_folder, short_key
from sdk.engines.plan import Plan, load_plan
from sdk.engines.process import run_worker
from sdk.engines.progress import Progress, Watch, unwatched
from sdk.engines.recipe import Recipe
from sdk.engines.sidecar import EngineTensor, Machine, Sidecar
from sdk.errors import EngineError
from sdk.files import partial_path
from sdk.model_folder import ModelFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """Where the engines of a model folder are built.

    Attributes:
        folder: the model folder.
        machine: this machine.
        cuda: newest CUDA version its driver serves.
        options: limits of a build.
        cache: where engines are kept; None takes the user's cache folder.
        rebuild: whether to build even what is kept.
        watch: is told how far a build is.
    """

    folder: ModelFolder
    machine: Machine
    cuda: str
    options: BuildOptions
    cache: Path | None = None
    rebuild: bool = False
    watch: Watch = unwatched

    @property
    def place(self) -> Path:
        """Where the engines of this machine lie."""
        return engine_folder(self.machine, self.cache)

    def prepare(self) -> None:
        """Makes the place and clears what interrupted builds left.

        Raises:
            EngineError: nothing can be written there.
        """
        make_writable_folder(self.place)
        remove_partial(self.place)

    def engine(self, recipe: Recipe) -> Plan:
        """The engine of a recipe: kept from an earlier build, or built now.

        Raises:
            EngineError: it cannot be built; the reason is TensorRT's.
        """
        path = self.place / f"{self._key(recipe)}.plan"
        if not self.rebuild:
            with suppress(EngineError):  # missing or damaged: it is built
                return load_plan(path, self.machine)
        self.watch(Progress(phase=f"building {recipe.precision}"))
        try:
            return self._build(recipe, path)
        finally:
            self.watch(Progress(phase=f"building {recipe.precision}", finished=True))

    def _build(self, recipe: Recipe, path: Path) -> Plan:
        plan_out = partial_path(path)
        timing_out = partial_path(self.place / timing_cache.NAME)
        request = self._request(recipe) | {"plan_out": str(plan_out), "timing_out": str(timing_out)}
        try:
            built = run_worker(request, path.with_suffix(".log"), self.watch)
            data = _read(plan_out, built["plan_sha256"])
            timing = _read(timing_out, built["timing_sha256"])
        finally:
            plan_out.unlink(missing_ok=True)
            timing_out.unlink(missing_ok=True)
        sidecar = self._sidecar(request, built, data)
        if sidecar.machine != self.machine:
            raise EngineError(
                f"the engine {' and '.join(sidecar.machine.differences(self.machine))}"
            )
        self._publish(path, data, sidecar)
        timing_cache.pin(self.place, timing)
        return load_plan(path, self.machine)

    def _publish(self, path: Path, data: bytes, sidecar: Sidecar) -> None:
        """The sidecar comes last: without it the engine does not count."""
        beside = path.with_suffix(".json")
        beside.unlink(missing_ok=True)
        write_engine_file(path, data)
        write_engine_file(beside, sidecar.to_json())

    def _key(self, recipe: Recipe) -> str:
        options = asdict(self.options)
        return short_key(
            [self._graph_sha256(recipe), asdict(recipe), asdict(self.machine), options]
        )

    def _graph_sha256(self, recipe: Recipe) -> str:
        return self.folder.manifest.files[self.folder.manifest.graphs[recipe.graph]]

    def _request(self, recipe: Recipe) -> dict[str, Any]:
        pinned = timing_cache.pinned_sha256(self.place)
        return {
            "graph": str(self.folder.graph(recipe.graph).resolve()),
            "graph_sha256": self._graph_sha256(recipe),
            "recipe": asdict(recipe),
            "options": asdict(self.options),
            "timing_cache": str(self.place / timing_cache.NAME) if pinned else "",
            "timing_cache_sha256": pinned,
        }

    def _sidecar(
        self, request: Mapping[str, Any], built: Mapping[str, Any], data: bytes
    ) -> Sidecar:
        recipe = request["recipe"]
        return Sidecar(
            plan_sha256=built["plan_sha256"],
            plan_bytes=len(data),
            graph=self.folder.manifest.graphs[recipe["graph"]],
            graph_sha256=request["graph_sha256"],
            precision=recipe["precision"],
            strongly_typed=recipe["strongly_typed"],
            flags=tuple(recipe["flags"]),
            machine=Machine(**built["machine"]),
            options=request["options"],
            tensors=tuple(EngineTensor(**tensor) for tensor in built["tensors"]),
            timing_cache_sha256="" if built["began_anew"] else request["timing_cache_sha256"],
            cuda=self.cuda,
            build_s=built["build_s"],
            sdk_version=version("angioedge"),
        )


def _read(path: Path, sha256: str) -> bytes:
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise EngineError(f"{path.name} was altered before it could be kept; build again")
    return data
