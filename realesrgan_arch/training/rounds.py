"""The validations of a run: the base once, the model at every round, and what follows from the scores."""

from collections.abc import Sequence

from torch import nn

from realesrgan_arch.data.assembly import build_whole_images, named_sets
from realesrgan_arch.evaluation.evaluate import Method
from realesrgan_arch.evaluation.pairs import KeptPairs
from realesrgan_arch.options.types import Options
from realesrgan_arch.training.model import FineTuneModel
from realesrgan_arch.training.progress import Progress
from realesrgan_arch.training.validation import Validation, report, report_base, score_rules, snapshot
from realesrgan_arch.training.verdict import CONTINUE, Verdict


class ValidationRounds:
    """Scores the base and the model on every validation set of `options`.

    Args:
        options: of the run.
        model: whose generator is scored.
        validations: one a set, see `open_validations`; none at all is fine.
        progress: where tables, scores and panels go.
    """

    def __init__(
        self, options: Options, model: FineTuneModel, validations: Sequence[Validation], progress: Progress
    ) -> None:
        self._options = options
        self._model = model
        self._validations = validations
        self._progress = progress
        self.last_step = 0
        """The step that was validated last."""

    def score_base(self, base: nn.Module) -> None:
        """Score the truth, bicubic and `base`, before the first step."""
        if self._validations:
            report_base(self._validations, self._snapshot(base), progress=self._progress)

    def validate(self, step: int) -> Verdict:
        """Score the model as it is after `step`, and say whether the run goes on."""
        if self._validations:
            upscale = self._snapshot(self._model.inference_network())
            saves = self._options.val is not None and self._options.val.save_img
            pictures = self._model.run_folder.visualization if saves else None
            report(self._validations, upscale, step=step, progress=self._progress, pictures=pictures)
        self.last_step = step
        return CONTINUE

    def tables(self) -> str:
        """Return the last table of each set, or an empty string."""
        return "\n\n".join(validation.table for validation in self._validations)

    def steps_to_keep(self) -> frozenset[int]:
        """Return the steps whose checkpoints stay, however old: those of the best scores."""
        return frozenset()

    def state_dict(self) -> dict[str, object]:
        """Return what a resume needs."""
        return {"last_step": self.last_step}

    def load_state_dict(self, state: dict) -> None:
        """Take over what `state_dict` returned."""
        self.last_step = state["last_step"]

    def _snapshot(self, network: nn.Module) -> Method:
        options = self._options
        return snapshot(network, scale=options.scale, device=self._model.device, precision=options.precision)


def open_validations(options: Options) -> list[Validation]:
    """Return the validation sets of `options`, read and degraded, where there is a `val` section.

    Raises:
        UserError: pictures that cannot be used.
    """
    sets = named_sets(options.datasets.validation_sets()) if options.val else {}
    validations: list[Validation] = []
    for name, section in sets.items():
        dataset = build_whole_images(section, scale=options.scale, degradation=options.degradation())
        pairs = KeptPairs(dataset[index] for index in range(len(dataset)))
        rules = score_rules(options)
        validations.append(Validation(pairs, name=name, rules=rules, scale=options.scale, set_hash=dataset.set_hash))
    return validations
