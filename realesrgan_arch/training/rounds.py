"""The validations of a run: the base once, the model at every round, and what follows from the scores."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import nn

from realesrgan_arch import __version__
from realesrgan_arch.data.assembly import build_whole_images, named_sets, scenes_of
from realesrgan_arch.data.frozen_card import hash_json
from realesrgan_arch.devices import choose_dtype
from realesrgan_arch.evaluation.composite import COMPOSITE
from realesrgan_arch.evaluation.difference_table import against_the_base, worse_metrics
from realesrgan_arch.evaluation.evaluate import METRICS, Better, Method
from realesrgan_arch.evaluation.pairs import KeptPairs
from realesrgan_arch.evaluation.significance import fewest_to_claim
from realesrgan_arch.evaluation.statistics import Judgement
from realesrgan_arch.options.types import Options
from realesrgan_arch.training.base_scores import KeptBaseScores, network_digest
from realesrgan_arch.training.best import BestTable
from realesrgan_arch.training.best_weights import BestWeights
from realesrgan_arch.training.checkpoint import save_weights
from realesrgan_arch.training.model import FineTuneModel
from realesrgan_arch.training.outlook import QualityReport, best_in_words, format_front
from realesrgan_arch.training.progress import Progress
from realesrgan_arch.training.quality_guard import EarlyStopping, GuardRules, QualityGuard
from realesrgan_arch.training.ranks import Ranks
from realesrgan_arch.training.validation import TILE, Validation, means, score_rules, snapshot
from realesrgan_arch.training.verdict import CONTINUE, RATE_AFTER_ROLLBACK, Verdict


class ValidationRounds:
    """Scores the base and the model on every validation set of `options`; the first set decides.

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
        self._deciding = validations[0].name if validations else ""
        self._guard = QualityGuard(guard_rules(options))
        self._ended: dict[str, object] = {}
        self._weights = BestWeights(model.run_folder, self._deciding)
        self._lost: list[str] = []
        self._compared_with = ""
        self.table = BestTable(self._deciding, directions(options))
        """The best steps so far; its `steps_to_keep` are the checkpoints that must stay."""
        self.last_step = 0
        """The step that was validated last."""
        self.rate_factor = 1.0
        """What the learning rates are multiplied by since the run went back."""

    def score_base(self, base: nn.Module) -> None:
        """Score the truth, bicubic and `base` before the first step, where this run has not done so already.

        Raises:
            EvaluationError: the scores cannot be kept.
        """
        if not self._validations:
            return
        upscale, digest = self._snapshot(base), network_digest(base)
        self._warn_of_few_scenes()
        kept = KeptBaseScores(self._model.run_folder.base_scores)
        self._forget_what_cannot_be_compared(digest)
        for validation in self._validations:
            key = self._base_key(validation, digest)
            known = self._model.game.ranks.from_first(kept.find(key))
            if known is not None:
                scores = validation.take_base(known, upscale)
                self._progress.write(f"the base's scores on {validation.name} are those of the start of this run")
            else:
                scores = validation.score_base(upscale)
                kept.keep(key, validation.reference)
                self._progress.write(f"before training: {validation.table}")
            self._log(0, validation, scores)

    def _warn_of_few_scenes(self) -> None:
        deciding, val = self._validations[0], self._options.val
        fewest = fewest_to_claim(len(deciding.rules.metrics))
        if val and 1 < deciding.num_scenes < fewest and val.guard != "none":
            self._progress.warn(
                f"{deciding.name} has pictures of {deciding.num_scenes} scenes: so few prove nothing, and the guard, "
                f"which goes by their wide intervals, sees gross losses only; take {fewest} or more"
            )

    def validate(self, step: int) -> Verdict:
        """Score the model as it is after `step`, and say whether the run goes on.

        Raises:
            CheckpointError: the best weights cannot be written.
        """
        verdict = CONTINUE
        if self._validations:
            decisive = self._score(step)
            self._model.game.ranks.on_first(lambda: self._keep_best_weights(step))
            verdict = self._judge(step, decisive)
            self._ended = self._describe_end(verdict)
        # A rollback that a kill prevents is asked for again: the resumed run validates this step once more.
        if verdict.action != "rollback":
            self.last_step = step
        return verdict

    def ended(self) -> Verdict:
        """Return the verdict that ended this run in an earlier process, as long as the rules are the same."""
        if not self._ended or self._ended["rules"] != repr(guard_rules(self._options)):
            return CONTINUE
        return Verdict("finish", str(self._ended["reason"]), exit_code=int(str(self._ended["exit_code"])))

    def go_back(self, step: int) -> None:
        """Forget what was found after `step`, to which the run has gone back."""
        self.last_step = min(self.last_step, step)
        self.table.go_back(step)
        if self._guard.go_back(step):
            self.rate_factor *= RATE_AFTER_ROLLBACK

    def tables(self) -> str:
        """Return the last table of each set, or an empty string."""
        return "\n\n".join(validation.table for validation in self._validations)

    def report(self) -> QualityReport:
        """Return whether the model became better than the base, and where the best weights are."""
        best = self.table.best(self._deciding).get(COMPOSITE)
        if best is None or not self._validations:
            return QualityReport()
        path, seen = self._weights.path(COMPOSITE), self._guard.round_at(best.step)
        words, worse = f"composite {best.value:+.2f}", ""
        if seen is not None:
            words = against_the_base(seen.verdict, seen.composite, fewest_scenes=seen.fewest_scenes)
            worse = worse_metrics(seen.worse)
        return QualityReport(
            judgement=f"{words} at step {best.step}{worse}",
            best=path if path.exists() else None,
            front=self._front(),
            best_step=best.step,
            deciding=self._deciding,
            content=self._validations[0].content_digest,
        )

    def _front(self) -> str:
        # A run that was finished already has not scored its base in this process.
        reference = self._validations[0].reference
        return format_front(self.table, means(reference, method="base")) if reference else ""

    def state_dict(self) -> dict[str, object]:
        """Return what a resume needs."""
        return {
            "last_step": self.last_step,
            "rate_factor": self.rate_factor,
            "compared_with": self._compared_with,
            "ended": self._ended,
            "guard": self._guard.state_dict(),
            "table": self.table.state_dict(),
        }

    def load_state_dict(self, state: dict) -> None:
        """Take over what `state_dict` returned."""
        self.last_step, self.rate_factor = state["last_step"], state["rate_factor"]
        self._compared_with = state["compared_with"]
        self._ended = state["ended"]
        self._guard.load_state_dict(state["guard"])
        self.table.load_state_dict(state["table"])

    def _score(self, step: int) -> tuple[dict[str, float], Judgement]:
        """Score the model on every set, and return means and judgement against the base of the deciding one."""
        upscale = self._snapshot(self._model.inference_network())
        found = [self._score_set(validation, upscale, step) for validation in self._validations]
        return found[0]

    def _score_set(self, validation: Validation, upscale: Method, step: int) -> tuple[dict[str, float], Judgement]:
        scores = validation.score_now(upscale, pictures=self._pictures(validation), step=step)
        against_base = validation.judgements["base"]
        everything = {**scores, COMPOSITE: against_base.composite.mean}
        self._progress.write(f"validation at step {step}: {validation.table}")
        self._log(step, validation, everything)
        self._progress.log_images(step, f"{validation.name}: LQ | base | now | GT", validation.grid())
        self.table.add(validation.name, step, everything)
        return scores, against_base

    def _log(self, step: int, validation: Validation, scores: Mapping[str, float]) -> None:
        of_set = {"dataset": validation.name, "set_hash": validation.set_hash}
        self._progress.log_scores(step, dict(scores), **of_set)
        self._progress.log_comparison(step, validation.comparison(), **of_set)

    def _keep_best_weights(self, step: int) -> None:
        lost = self._weights.refresh(self.table, step=step, save=self._save_weights)
        if new := [metric for metric in lost if metric not in self._lost]:
            self._progress.write(f"the weights of the best {', '.join(new)} are not there any more")
        self._lost = lost

    def _judge(self, step: int, decisive: tuple[dict[str, float], Judgement]) -> Verdict:
        scores, against_base = decisive
        best, composite = self.table.best(self._deciding).get(COMPOSITE), against_base.composite
        words = against_the_base(composite.verdict, composite.interval, fewest_scenes=against_base.fewest_scenes)
        self._progress.write(f"{words}{worse_metrics(against_base.worse)}{best_in_words(best, step)}")
        verdict = self._guard.judge(step, against_base, scores, best_step=self.table.step_to_return_to())
        # The loop says why it goes back, and the summary of a run why it ended.
        if verdict.reason and verdict.action == "continue":
            self._progress.write(verdict.reason)
        return verdict

    def _describe_end(self, verdict: Verdict) -> dict[str, object]:
        if verdict.action != "finish":
            return {}
        rules = repr(guard_rules(self._options))
        return {"reason": verdict.reason, "exit_code": verdict.exit_code, "rules": rules}

    def _forget_what_cannot_be_compared(self, base_digest: str) -> None:
        """Start the tables anew where pictures, metrics or the base are others than before the resume."""
        contents = [(validation.name, validation.content_digest) for validation in self._validations]
        now = hash_json([base_digest, directions(self._options), contents])
        if self._compared_with not in ("", now):
            self.table.forget_scores()
            self._guard.forget_scores()
            self._progress.forget_scores()
            self._progress.write("the validation has changed: the best steps and the guard start anew")
        self._compared_with = now

    def _base_key(self, validation: Validation, base_digest: str) -> str:
        """Return a hash of all that the base's scores depend on."""
        options, device = self._options, self._model.device
        dtype = choose_dtype(device, options.precision, training=False)
        machine = [__version__, device.type, str(dtype), TILE, options.scale]
        return hash_json([base_digest, validation.content_digest, validation.names, machine])

    def _save_weights(self, path: Path) -> None:
        save_weights(path, **self._model.weights()["net_g"])

    def _pictures(self, validation: Validation) -> Path | None:
        saves = self._options.val is not None and self._options.val.save_img
        return self._model.run_folder.visualization / validation.name if saves else None

    def _snapshot(self, network: nn.Module) -> Method:
        options = self._options
        return snapshot(network, scale=options.scale, device=self._model.device, precision=options.precision)


def open_validations(options: Options, ranks: Ranks | None = None) -> list[Validation]:
    """Return the validation sets of `options`, read and degraded, where there is a `val` section.

    Their pictures are divided among `ranks`.

    Raises:
        UserError: pictures that cannot be used.
    """
    sets = named_sets(options.datasets.validation_sets()) if options.val else {}
    validations: list[Validation] = []
    for name, section in sets.items():
        dataset = build_whole_images(section, scale=options.scale, degradation=options.degradation())
        validations.append(
            Validation(
                KeptPairs(dataset[index] for index in range(len(dataset))),
                name=name,
                rules=score_rules(options),
                scale=options.scale,
                set_hash=dataset.set_hash,
                scenes=scenes_of(section, dataset),
                better=directions(options),
                ranks=ranks,
            )
        )
    return validations


def directions(options: Options) -> dict[str, Better]:
    """Return what `val.metrics` says is better, by the name of the metric."""
    chosen = options.val.metrics.values() if options.val else ()
    return {metric.type.removeprefix("calculate_"): metric.better for metric in chosen if metric.better is not None}


def guard_rules(options: Options) -> GuardRules:
    """Return when a run ends or goes back because of its scores."""
    val = options.val
    if val is None:
        return GuardRules(action="none")
    early = val.early_stopping
    better: dict[str, Better] = {name: metric.better for name, metric in METRICS.items()}
    better |= directions(options)
    return GuardRules(
        action=val.guard,
        patience=val.patience,
        rollbacks=val.rollbacks,
        early=EarlyStopping(early.patience, early.min_delta, early.metric, better.get(early.metric, "higher"))
        if early
        else None,
    )
