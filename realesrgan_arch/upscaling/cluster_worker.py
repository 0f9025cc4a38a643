"""What runs on each device of a cluster: a model, built once, and one picture after the other."""

import platform
from collections.abc import Callable
from dataclasses import dataclass

from realesrgan_arch.errors import UserError
from realesrgan_arch.image_header import ImageError
from realesrgan_arch.upscaling.backends.choose import ChosenBackend
from realesrgan_arch.upscaling.job import Job, JobResult
from realesrgan_arch.upscaling.loading import LoadedModel, load_model
from realesrgan_arch.upscaling.one_job import FullDiskError, Magnifier, do_job
from realesrgan_arch.upscaling.pipeline import AbandonedError, Outcome
from realesrgan_arch.upscaling.request import UpscaleRequest

Build = Callable[[UpscaleRequest, LoadedModel, Callable[[int], None]], tuple[Magnifier, ChosenBackend]]
"""From a request, its model and what is called after each batch to what magnifies, and what computes there."""


class OtherModelError(UserError):
    """The weights that a machine finds under the model's name are not those of the run."""


@dataclass(frozen=True)
class Recipe:
    """All that a worker needs; paths are absolute. `build` is looked up by its name on the other machine."""

    request: UpscaleRequest
    model_sha256: str
    build: Build


@dataclass(frozen=True)
class Ready:
    """A worker's answer to `prepare`: what computes there, or `fault`, why nothing does."""

    computed_by: str = ""
    fault: str | None = None


class Worker:
    """An actor's class. `abandon` is called while `do` is at work, so that the actor has two threads."""

    def __init__(self, recipe: Recipe) -> None:
        """Take what is to be built by `prepare`: a mistake there has a sentence, one here would have a traceback."""
        self._recipe = recipe
        self._is_abandoned = False

    def prepare(self) -> Ready:
        """Load the model and build what magnifies."""
        try:
            self._upscaler, chosen = self._build()
        except UserError as error:
            return Ready(fault=f"{platform.node()}: {error}")
        return Ready(chosen.name)

    def do(self, job: Job) -> Outcome[Job, JobResult] | None:
        """Do one job, whose paths are absolute; return None where it was abandoned."""
        try:
            result = do_job(job, self._upscaler, self._recipe.request.write_options())
        except AbandonedError:
            return None
        except FullDiskError as fault:
            return Outcome(job, None, fault, 0.0)
        if result.error is not None:
            return Outcome(job, None, ImageError(result.error), result.seconds)
        return Outcome(job, result, None, result.seconds)

    def abandon(self) -> None:
        """Drop what is being computed; what is computed is still written."""
        self._is_abandoned = True

    def _build(self) -> tuple[Magnifier, ChosenBackend]:
        request = self._recipe.request
        model = load_model(request.model, denoise_strength=request.denoise_strength)
        if model.sha256 != self._recipe.model_sha256:
            raise OtherModelError(f"{request.model} has other weights there: use a file that all machines share.")
        return self._recipe.build(request, model, self._tick)

    def _tick(self, input_pixels: int) -> None:
        del input_pixels
        if self._is_abandoned:
            raise AbandonedError
