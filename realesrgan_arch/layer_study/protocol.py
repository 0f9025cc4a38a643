"""The protocol of the study, at any scale, as the options of its runs.

It is that of the project this one started from: each candidate trains alone for 4,500 steps on a subset; the validation
chooses; the chosen one trains for 4,500 steps more, then at a learning rate of 1e-5 for 15,000 steps on everything.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from realesrgan_arch.layer_study.candidates import Candidate
from realesrgan_arch.options.load import require_train
from realesrgan_arch.options.losses import GanLossOptions
from realesrgan_arch.options.train import OptimizerOptions, TrainOptions
from realesrgan_arch.options.types import Options
from realesrgan_arch.seeding import Stream, derived_seed
from realesrgan_arch.training.run_folder import RunFolder

Stage = Literal["probe", "continue", "last"]
STAGES: tuple[Stage, ...] = ("probe", "continue", "last")
_SAVES_A_RUN = 3
_PRINTS_A_RUN = 5
_SEED_LIMIT = 2**31


@dataclass(frozen=True)
class Protocol:
    """Steps and pictures at full size; `scale` shrinks both, and the memory of averages and warm-ups with them."""

    scale: float = 1.0
    probe_steps: int = 4500
    continue_steps: int = 4500
    last_steps: int = 15000
    last_lr: float = 1e-5
    subset: int = 2000
    """Training pictures of the first two stages. How many the ancestor took is not known."""

    def steps(self, stage: Stage) -> int:
        """Return how long a stage trains."""
        full = {"probe": self.probe_steps, "continue": self.continue_steps, "last": self.last_steps}
        return self.scaled(full[stage])

    @property
    def pictures(self) -> int:
        """Size of the subset."""
        return self.scaled(self.subset)

    def scaled(self, count: int) -> int:
        """Return a count at this scale, at least 1."""
        return max(1, round(count * self.scale))


@dataclass(frozen=True)
class Run:
    """One training of the study."""

    stage: Stage
    candidate: Candidate
    seed: int

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"{self.stage}_{self.candidate.slug}_seed{self.seed}"

    @property
    def before(self) -> "Run | None":
        """The run that this one goes on from."""
        index = STAGES.index(self.stage)
        return Run(STAGES[index - 1], self.candidate, self.seed) if index else None

    def options(self, base: Options, protocol: Protocol, folder: Path) -> Options:
        """Return the options of this run.

        Its weights are those that `before` left last. It is not validated while it trains: the study scores the last
        weights, since the best of many validations would be chosen by their noise.

        Args:
            base: of the user, for all that the protocol does not say.
            protocol: of the study.
            folder: of the study.
        """
        training_set = base.datasets.train
        if training_set is not None and self.stage != "last":
            training_set = training_set.model_copy(update={"manifest": subset_path(folder)})
        steps = protocol.steps(self.stage)
        often = {
            "save_checkpoint_freq": min(base.logger.save_checkpoint_freq, max(1, steps // _SAVES_A_RUN)),
            "print_freq": min(base.logger.print_freq, max(1, steps // _PRINTS_A_RUN)),
        }
        return base.resuming("none").model_copy(
            update={
                "name": self.name,
                "manual_seed": self._manual_seed(),
                "datasets": base.datasets.model_copy(update={"train": training_set}),
                "train": self._train(require_train(base), protocol),
                "path": base.path.model_copy(update=self._paths(base, folder)),
                "val": None,
                "logger": base.logger.model_copy(update={**often, "keep_last": 1, "tracker": "none"}),
            }
        )

    def _manual_seed(self) -> int:
        """Later stages draw anew: with the same seed they would see the batches of the probe again."""
        index = STAGES.index(self.stage)
        return derived_seed(self.seed, Stream.LAYER_STUDY, index) % _SEED_LIMIT if index else self.seed

    def _train(self, train: TrainOptions, protocol: Protocol) -> TrainOptions:
        starts = self.stage == "probe"
        gan, optim_d = train.gan_opt, train.optim_d
        return train.model_copy(
            update={
                "trainable": train.trainable.model_copy(update={"network_g": self.candidate.patterns}),
                "total_iter": protocol.steps(self.stage),
                "scheduler": None,
                "ema_decay": train.ema_decay ** (1 / protocol.scale),
                "net_d_init_iters": round(train.net_d_init_iters * protocol.scale) if starts else 0,
                "warmup_iter": round(train.warmup_iter * protocol.scale) if starts and train.warmup_iter > 0 else -1,
                "optim_g": self._optimizer(train.optim_g, protocol),
                "optim_d": self._optimizer(optim_d, protocol) if optim_d else None,
                "gan_opt": self._adversary(gan, protocol) if gan else None,
            }
        )

    def _optimizer(self, optimizer: OptimizerOptions, protocol: Protocol) -> OptimizerOptions:
        return optimizer.model_copy(update={"lr": protocol.last_lr}) if self.stage == "last" else optimizer

    def _adversary(self, gan: GanLossOptions, protocol: Protocol) -> GanLossOptions:
        share = protocol.scale if self.stage == "probe" else 0
        return gan.model_copy(
            update={"start_iter": round(gan.start_iter * share), "ramp_iter": round(gan.ramp_iter * share)}
        )

    def _paths(self, base: Options, folder: Path) -> dict[str, object]:
        paths: dict[str, object] = {"experiments_root": runs_folder(folder), "resume_state": None}
        if self.before is not None:
            models = run_folder(folder, self.before)
            paths |= {"pretrain_network_g": str(models.weights("net_g", None)), "param_key_g": None}
            if base.network_d is not None:
                paths |= {"pretrain_network_d": str(models.weights("net_d", None)), "param_key_d": None}
        return paths


def runs_folder(folder: Path) -> Path:
    """Return where the runs of a study are."""
    return folder / "runs"


def run_folder(folder: Path, run: Run) -> RunFolder:
    """Return the folder of one run."""
    return RunFolder(runs_folder(folder) / run.name)


def subset_path(folder: Path) -> Path:
    """Return the manifest of the subset."""
    return folder / "subset.csv"
