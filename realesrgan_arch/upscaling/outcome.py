"""What became of a request, for people and for scripts."""

from dataclasses import dataclass
from pathlib import Path

from realesrgan_arch.dry_run_report import say_seconds
from realesrgan_arch.errors import EXIT_NO_ROOM, EXIT_OK, EXIT_SOME_FILES_FAILED
from realesrgan_arch.image_header import shown
from realesrgan_arch.plural import count_of
from realesrgan_arch.upscaling.folder import FolderReport
from realesrgan_arch.upscaling.pipeline import Stage
from realesrgan_arch.upscaling.request import UpscaleRequest

_STAGES: dict[Stage, str] = {"compute": "network", "decode": "decoding", "encode": "encoding"}
_STAGES_ON_CLUSTER: dict[Stage, str] = {"compute": "devices"}
"""Each does all that belongs to a picture."""


@dataclass(frozen=True)
class UpscaleOutcome:
    """What became of a request.

    `scale`: magnification of the results, None where it depends on the picture. `computed_by`: device and precision, or
    what the backend was chosen for. `done`, `skipped`: pictures that an earlier run had done, and results of one.
    `failed_list`: where failures are listed. `stop_number`: of the signal that ended the run, None without.
    """

    request: UpscaleRequest
    report: FolderReport
    scale: float | None
    computed_by: str
    failed_list: Path
    num_done: int = 0
    num_skipped: int = 0
    stop_number: int | None = None

    @property
    def exit_code(self) -> int:
        """0, 3 when some pictures failed or a record did, 5 when the disk was full, 130 or 143 after a signal."""
        if self.report.full_disk is not None:
            return EXIT_NO_ROOM
        if self.stop_number is not None and self.report.left:
            return 128 + self.stop_number
        is_faulty = self.report.failed or self.report.unrecorded is not None
        return EXIT_SOME_FILES_FAILED if is_faulty else EXIT_OK

    def summary(self) -> str:
        """Return what was made, where it is, how fast it was, what was left out, and how to go on."""
        if self._had_nothing_to_do():
            return "\n".join(
                [f"nothing to do: {count_of(self.num_done, 'picture')} done by an earlier run", *self._skipped()]
            )
        made = count_of(len(self.report.made), "picture")
        size = "" if self.scale is None else f" x{self.scale:g}"
        lines = [f"{made} upscaled{size} with {shown(Path(self.request.model))} ({self.computed_by})"]
        lines.append(f"results  {shown(self.request.output)}")
        return "\n".join([*lines, *self._speed(), *self._done(), *self._skipped(), *self._how_to_go_on()])

    def _speed(self) -> list[str]:
        load, megapixels = self.report.load, self.report.megapixels
        if not self.report.made or load.wall_seconds <= 0:
            return []
        stages = _STAGES_ON_CLUSTER if self.request.engine == "ray" else _STAGES
        shares = ", ".join(f"{name} {load.share(stage):.0%}" for stage, name in stages.items())
        speed = f"{megapixels / load.wall_seconds:.2f} MP/s"
        return [f"speed    {megapixels:.1f} MP in {say_seconds(load.wall_seconds)}, {speed}; busy: {shares}"]

    def _had_nothing_to_do(self) -> bool:
        return self.num_done > 0 and not (self.report.made or self.report.failed or self.report.left)

    def _done(self) -> list[str]:
        return [f"done     {count_of(self.num_done, 'picture')} by an earlier run"] if self.num_done else []

    def _skipped(self) -> list[str]:
        pictures = count_of(self.num_skipped, "picture")
        return [f"skipped  {pictures} in the output folder: earlier results"] if self.num_skipped else []

    def _how_to_go_on(self) -> list[str]:
        lines = []
        if self.report.failed:
            listed = f"try them again with --from-list {shown(self.failed_list)}"
            hint = listed if self.report.has_failed_list else "named above"
            lines.append(f"failed   {count_of(len(self.report.failed), 'picture')}: {hint}")
        if self.report.left:
            left = count_of(len(self.report.left), "picture is", "pictures are")
            lines.append(f"stopped  {left} left: go on with the same command and --resume")
        return lines
