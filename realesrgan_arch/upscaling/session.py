"""A whole upscaling run: a request in; pictures and an outcome out."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from realesrgan_arch.data.files import DataError, NoPicturesError
from realesrgan_arch.devices import choose_device, choose_dtype
from realesrgan_arch.errors import UserError
from realesrgan_arch.stop_signals import StopSignals
from realesrgan_arch.upscaling.backends.allocator import reuse_large_blocks
from realesrgan_arch.upscaling.backends.choose import ChosenBackend, build_backend
from realesrgan_arch.upscaling.backends.interface import Backend
from realesrgan_arch.upscaling.cluster import Cluster
from realesrgan_arch.upscaling.cluster_devices import connected, find_places
from realesrgan_arch.upscaling.cluster_worker import Recipe
from realesrgan_arch.upscaling.consistency import REACH, ConsistentBackend
from realesrgan_arch.upscaling.engine import Upscaler
from realesrgan_arch.upscaling.failed_list import check_failed_list, failed_list_path
from realesrgan_arch.upscaling.folder import FolderReport, FolderRun, upscale_folder
from realesrgan_arch.upscaling.job import RunPlan
from realesrgan_arch.upscaling.leftovers import remove_leftovers, writing_into
from realesrgan_arch.upscaling.loading import LoadedModel, load_model
from realesrgan_arch.upscaling.manifest import Manifest
from realesrgan_arch.upscaling.one_job import PictureWork
from realesrgan_arch.upscaling.outcome import UpscaleOutcome
from realesrgan_arch.upscaling.output_place import check_writable
from realesrgan_arch.upscaling.picture import PictureUpscaler
from realesrgan_arch.upscaling.pipeline import AbandonedError
from realesrgan_arch.upscaling.progress import Progress
from realesrgan_arch.upscaling.rate import estimated_rate
from realesrgan_arch.upscaling.request import UpscaleRequest
from realesrgan_arch.upscaling.result_size import ResultSize
from realesrgan_arch.upscaling.run_plan import plan_run
from realesrgan_arch.upscaling.sources import Sources, find_sources
from realesrgan_arch.upscaling.ticking import TickingBackend
from realesrgan_arch.upscaling.watch import LOOK_SECONDS, new_pictures

__all__ = ["RequestError", "UpscaleOutcome", "UpscaleRequest", "upscale"]

_FIRST = "stopping: what is computed is written; once more leaves at once"
_SECOND = "left at once; no half file is there: go on with the same command and --resume"
_WORTH_MEASURING_MEGAPIXELS = 5


class RequestError(UserError):
    """A request whose parts do not go together."""


def upscale(request: UpscaleRequest, *, look_seconds: float = LOOK_SECONDS) -> UpscaleOutcome:
    """Do `request`, with a progress bar or lines on standard error; Ctrl-C and SIGTERM end it in good order.

    Args:
        request: what to do.
        look_seconds: between two looks for new pictures, when it watches the folder.

    Raises:
        UserError: whatever can be known before the first picture: no input, an output folder that cannot be written, a
            model, device or precision that is not there. Later faults are in the outcome.
    """
    _check(request)
    sources = _find(request)
    check_writable(request.output)
    check_failed_list(failed_list_path(request.output, shard=request.shard))
    if request.engine == "ray":
        return _upscale_on_cluster(request, sources)
    device = choose_device(request.device)
    choose_dtype(device, request.precision, training=False)  # a precision that cannot be had, before a model is loaded
    model = load_model(request.model, denoise_strength=request.denoise_strength)
    stop, progress = StopSignals(first=_FIRST, second=_SECOND), Progress()

    def tick(input_pixels: int) -> None:
        progress.tick(input_pixels)
        if stop.is_asked:
            raise AbandonedError

    upscaler, chosen = build_upscaler(request, model, tick)
    progress.say(chosen.in_words())
    run = _Run(request, model, stop, progress, upscaler, chosen.backend)
    return run.until_its_end(sources, look_seconds=look_seconds, computed_by=lambda: chosen.name)


def build_upscaler(
    request: UpscaleRequest, model: LoadedModel, tick: Callable[[int], None]
) -> tuple[PictureUpscaler, ChosenBackend]:
    """Return what magnifies on this machine, calling `tick` after each batch, and what computes there."""
    chosen = _build_backend(model, choose_device(request.device), request)
    return _picture_upscaler(TickingBackend(chosen.backend, tick), model, request), chosen


def _upscale_on_cluster(request: UpscaleRequest, sources: Sources | None) -> UpscaleOutcome:
    with connected() as ray:
        places = find_places(ray.nodes(), request.device)
        model = load_model(request.model, denoise_strength=request.denoise_strength)
        file = Path(request.model)
        shared = replace(request, model=str(file.absolute())) if file.is_file() else request
        cluster = Cluster(ray, places, Recipe(shared, model.sha256, build_upscaler))
        run = _Run(request, model, StopSignals(first=_FIRST, second=_SECOND), Progress(), cluster)
        return run.until_its_end(sources, look_seconds=LOOK_SECONDS, computed_by=cluster.in_words)


@dataclass(frozen=True)
class _Run:
    request: UpscaleRequest
    model: LoadedModel
    stop: StopSignals
    progress: Progress
    worker: PictureUpscaler | Cluster
    backend: Backend | None = None
    """Of this process; a cluster has its own."""

    @property
    def failed_list(self) -> Path:
        return failed_list_path(self.request.output, shard=self.request.shard)

    def until_its_end(
        self, sources: Sources | None, *, look_seconds: float, computed_by: Callable[[], str]
    ) -> UpscaleOutcome:
        """Do all of it; `computed_by` is asked afterwards."""
        request, stop = self.request, self.stop
        with stop:
            plan, manifest = self.plan(sources, resume=request.resume, limit=request.limit)
            _remove_leftovers(plan, request)
            with writing_into(request.output):
                report = self.begin(plan, manifest)
                if request.watch and not self.is_over(report):
                    report = self.watch(plan, report, look_seconds=look_seconds)
        return UpscaleOutcome(
            request, report, _scale(request, self.model), computed_by(), self.failed_list,
            num_done=len(plan.done), num_skipped=len(plan.skipped), stop_number=stop.number,
        )  # fmt: skip

    def plan(self, sources: Sources | None, *, resume: bool, limit: int | None) -> tuple[RunPlan, Manifest]:
        request, model = self.request, self.model
        root = request.source if sources is None else sources.root
        settings = request.settings() | _computed_with(request, self.backend)
        manifest = Manifest(request.output, root=root, model_sha256=model.sha256, settings=settings)
        if sources is None:
            return RunPlan(()), manifest
        plan = plan_run(
            sources, output_size=_result_size(request, model).of, manifest=manifest, network_scale=model.spec.scale,
            suffix=request.suffix, ext=request.ext, shard=request.shard, limit=limit, resume=resume,
            verify=request.verify, overwrite=request.overwrite,
        )  # fmt: skip
        return plan, manifest

    def begin(self, plan: RunPlan, manifest: Manifest) -> FolderReport:
        self.progress.say(plan.in_words(megapixels_per_second=self._rate(plan, manifest)))
        for _, sentence in plan.unreadable:
            self.progress.say(f"failed: {sentence}")
        return self._do(plan, manifest)

    def is_over(self, report: FolderReport) -> bool:
        is_faulty = report.full_disk is not None or report.unrecorded is not None
        return self.stop.is_asked or is_faulty or (self.request.fail_fast and bool(report.failed))

    def watch(self, plan: RunPlan, report: FolderReport, *, look_seconds: float) -> FolderReport:
        """Do what comes into the folder until a stop, and return the report of all of it."""
        self.progress.say("watching for new pictures; Ctrl-C ends it")
        known = {job.source: (job.num_bytes, job.mtime_ns) for job in plan.jobs}
        refused: list[Path] = []
        for new in new_pictures(
            self._pictures, known=known, should_stop=lambda: self.stop.is_asked, look_seconds=look_seconds
        ):
            paths = [*refused, *new]
            try:
                fresh, manifest = self.plan(_find(self.request), resume=True, limit=None)
                refused = []
            except UserError as error:  # A disk without room, somebody else's file: perhaps mended by the next round.
                self.progress.say(f"failed: {error}")
                report, refused = _with_failures(report, paths, str(error)), paths
                continue
            wanted = _only(fresh, paths, failed_before=report.failed)
            if not wanted.jobs and set(wanted.unreadable) == set(report.failed):  # Done before, or another shard's.
                continue
            later = self._do(wanted, manifest)
            report = replace(later, made=(*report.made, *later.made), load=report.load.followed_by(later.load))
            if self.is_over(report):
                break
        return report

    def _do(self, plan: RunPlan, manifest: Manifest) -> FolderReport:
        if isinstance(self.worker, Cluster):
            return self._do_on_cluster(plan, manifest, self.worker)
        return upscale_folder(
            plan,
            work=PictureWork(self.worker, self.request.write_options(), begin=manifest.begin),
            failed_list=self.failed_list,
            progress=self.progress,
            record=manifest.record,
            fail_fast=self.request.fail_fast,
            should_stop=lambda: self.stop.is_asked,
        )

    def _do_on_cluster(self, plan: RunPlan, manifest: Manifest, cluster: Cluster) -> FolderReport:
        run = FolderRun(
            self.progress, manifest.record, fail_fast=self.request.fail_fast, should_stop=lambda: self.stop.is_asked
        )
        outcomes = cluster.outcomes(plan.jobs, run, begin=manifest.begin)
        return run.gather(plan, outcomes, load=cluster.load, failed_list=self.failed_list)

    def _rate(self, plan: RunPlan, manifest: Manifest) -> float | None:
        """Million pixels a second, as earlier results took; else, where it matters, as a tile takes."""
        known = manifest.rate()
        # A compiled network would be compiled for this tile alone.
        is_short = plan.output_megapixels <= _WORTH_MEASURING_MEGAPIXELS
        if known is not None or is_short or self.request.compiled or self.backend is None:
            return known
        return estimated_rate(plan, self.backend)

    def _pictures(self) -> tuple[Path, ...]:
        """What is in the input folder, results apart."""
        try:
            return find_sources(self.request.source, self.request.output).asked
        except DataError:  # Nothing yet; or a drive that was taken out may come back.
            return ()


def _find(request: UpscaleRequest) -> Sources | None:
    """The pictures; None where they are still to come."""
    try:
        return find_sources(request.source, request.output, from_list=request.from_list)
    except NoPicturesError:
        if not request.watch:
            raise
        return None


def _remove_leftovers(plan: RunPlan, request: UpscaleRequest) -> None:
    folders = {request.output, *(job.target.parent for job in plan.jobs)}
    existing = [folder for folder in folders if folder.is_dir()]
    remove_leftovers(request.output, existing, is_shard=request.shard is not None)


def _only(plan: RunPlan, paths: Collection[Path], *, failed_before: tuple[tuple[Path, str], ...]) -> RunPlan:
    """The part of `plan` that is about `paths`, with what failed before and was not tried again."""
    wanted = set(paths)
    earlier = tuple(failed for failed in failed_before if failed[0] not in wanted)
    unreadable = tuple(failed for failed in plan.unreadable if failed[0] in wanted)
    return replace(
        plan, jobs=tuple(job for job in plan.jobs if job.source in wanted), unreadable=(*earlier, *unreadable)
    )


def _with_failures(report: FolderReport, paths: Collection[Path], sentence: str) -> FolderReport:
    """`report` with `paths` failed, so that they are in the outcome, should nothing mend them."""
    earlier = tuple(failed for failed in report.failed if failed[0] not in paths)
    return replace(report, failed=(*earlier, *((path, sentence) for path in paths)))


def _check(request: UpscaleRequest) -> None:
    if not 0 <= request.consistency <= 1:
        raise RequestError(f"expected a consistency from 0 to 1, got {request.consistency:g}.")
    if request.engine == "ray" and (request.watch or request.shard is not None):
        raise RequestError("--engine ray divides the work itself and then ends: leave out --watch and --shard.")
    if request.watch and (not request.source.is_dir() or request.from_list is not None or request.limit is not None):
        raise RequestError("--watch waits for pictures in a folder: give a folder, without --from-list and --limit.")


def _computed_with(request: UpscaleRequest, backend: Backend | None) -> dict[str, object]:
    """What besides the request decides a pixel; the machines of a cluster may differ."""
    if backend is None:
        return {"backend": request.engine, "dtype": request.precision}
    return {"backend": backend.name, "dtype": str(backend.dtype).removeprefix("torch.")}


def _picture_upscaler(backend: Backend, model: LoadedModel, request: UpscaleRequest) -> PictureUpscaler:
    tile_pad = request.tile_pad + (REACH if request.consistency else 0)
    engine = Upscaler(backend, tile=request.tile, tile_pad=tile_pad, pre_pad=request.pre_pad)
    size = _result_size(request, model)
    return PictureUpscaler(
        engine, outscale=size.outscale, alpha_upsampler=request.alpha_upsampler, width=size.width,
        max_side=size.max_side,
    )  # fmt: skip


def _result_size(request: UpscaleRequest, model: LoadedModel) -> ResultSize:
    return ResultSize(request.outscale or float(model.spec.scale), request.width, request.max_side)


def _scale(request: UpscaleRequest, model: LoadedModel) -> float | None:
    is_by_size = request.width is not None or request.max_side is not None
    return None if is_by_size else request.outscale or float(model.spec.scale)


def _build_backend(model: LoadedModel, device: torch.device, request: UpscaleRequest) -> ChosenBackend:
    if device.type == "cpu":
        reuse_large_blocks()
    chosen = build_backend(
        model.network, scale=model.spec.scale, device=device, backend=request.backend, precision=request.precision,
        compiled=request.compiled,
    )  # fmt: skip
    if not request.consistency:
        return chosen
    return replace(chosen, backend=ConsistentBackend(chosen.backend, request.consistency))
