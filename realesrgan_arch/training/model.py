"""The registered model: BasicSR's interface over typed parts.

One class serves every system: without a discriminator it is a PSNR stage (Real-ESRNet), with one it is Real-ESRGAN,
and with `lq` in its batches it trains on pairs.
"""

import logging
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torch.utils.tensorboard import SummaryWriter

from realesrgan_arch.degradation.operators import usm_sharpen
from realesrgan_arch.evaluation.pairs import KeptPairs
from realesrgan_arch.losses.terms import Losses
from realesrgan_arch.training.checkpoint import plain_state
from realesrgan_arch.training.checkpoint_store import CheckpointStore
from realesrgan_arch.training.ema import Ema
from realesrgan_arch.training.game import Game
from realesrgan_arch.training.players import Player, SharpenedTargets, StepRules
from realesrgan_arch.training.ranks import Ranks
from realesrgan_arch.training.run_folder import RunFolder
from realesrgan_arch.training.run_record import Record, check_changes, differences, merged
from realesrgan_arch.training.schedule import learning_rate
from realesrgan_arch.training.side_stream import work_beside
from realesrgan_arch.training.step_numbers import StepNumbers
from realesrgan_arch.training.steps import Targets, as_float
from realesrgan_arch.training.synthesis import PairSynthesis
from realesrgan_arch.training.train_state import StatefulParts
from realesrgan_arch.training.validation import ScoreRules, Validation, samples_of_batches, snapshot


class FineTuneModel:
    """Trains a generator, against a discriminator if there is one.

    Build it from options with `realesrgan_arch.training.assembly.assemble_model`; its states keep `options`, the
    record of them.
    """

    def __init__(
        self,
        *,
        generator: Player,
        discriminator: Player | None,
        ema: Ema | None,
        losses: Losses,
        synthesis: PairSynthesis | None,
        sharpened: SharpenedTargets,
        rules: StepRules,
        score_rules: ScoreRules,
        device: torch.device,
        dtype: torch.dtype,
        run_folder: RunFolder,
        options: Mapping[str, object] | None = None,
    ) -> None:
        self.game = Game(
            generator=generator, discriminator=discriminator, losses=losses, rules=rules, device=device, dtype=dtype
        )
        self.ema = ema
        self.synthesis = synthesis
        self.sharpened = sharpened
        self.score_rules = score_rules
        self.run_folder = run_folder
        self.step = 0
        self.last_whole_step = 0
        self.schedule_start = 0
        """The step after which warm-up and schedule of the learning rate began."""
        self._described = dict(options or {})
        self._beside = work_beside(device)
        self._lq = torch.empty(0)
        self._gt = torch.empty(0)
        self.numbers = StepNumbers()
        self.rate_factor = 1.0
        self._base_fingerprints = self.fingerprints()

    @property
    def generator(self) -> Player:
        """The network that enlarges."""
        return self.game.generator

    @property
    def discriminator(self) -> Player | None:
        """The network that tells, if there is one."""
        return self.game.discriminator

    @property
    def device(self) -> torch.device:
        """Where everything is computed."""
        return self.game.device

    @property
    def dtype(self) -> torch.dtype:
        """The precision of autocast."""
        return self.game.dtype

    def join(self, ranks: Ranks) -> None:
        """Train together with others: average gradients with theirs, and take this rank's slice of each batch."""
        self.game.ranks = ranks
        if self.synthesis is not None:
            self.synthesis.rank = ranks.rank

    def update_learning_rate(self, current_iter: int, warmup_iter: int = -1) -> None:
        """Begin step `current_iter` (from 1) and set the learning rates for it: the schedule's, by `rate_factor`."""
        rules = self.game.rules
        warmup = max(warmup_iter, rules.warmup_steps)
        self.step = current_iter
        begun = current_iter - self.schedule_start
        for player, base in zip(self.game.players(), (rules.base_rate_g, rules.base_rate_d), strict=False):
            rate = learning_rate(begun, base=base, schedule=rules.schedule, warmup_steps=warmup)
            for group in player.optimizer.param_groups if player.optimizer else ():
                group["lr"] = rate * self.rate_factor

    def feed_data(self, data: Mapping[str, object]) -> None:
        """Take a batch: `gt` crops to degrade, or `gt` and `lq` pairs; uint8 or float in [0, 1], `(B, 3, H, W)`."""
        self._lq, self._gt = self._beside.run(lambda: self._make_pairs(data), inputs=data.values())

    def optimize_parameters(self, current_iter: int) -> None:
        """Run step `current_iter`: the generator against a fixed discriminator, then the discriminator."""
        self.step = current_iter
        self.numbers = self.game.play(self._lq, self._targets(), step=current_iter)
        if self.ema is not None:
            self.ema.update(self.numbers.finite)
        self.last_whole_step = current_iter

    def get_current_log(self) -> dict[str, float]:
        """Return the losses of the last step as numbers; this waits for the device, so ask only when printing."""
        return {name: float(value) for name, value in self.numbers.losses.items()}

    def get_current_learning_rate(self) -> list[float]:
        """Return the learning rate of each optimiser."""
        return [player.optimizer.param_groups[0]["lr"] for player in self.game.players() if player.optimizer]

    def get_current_visuals(self) -> dict[str, Tensor]:
        """Return the current batch: `lq`, `result` (of the averaged generator) and `gt`, on the CPU."""
        with torch.no_grad(), self.game.autocast():
            result = self.inference_network()(self._lq)
        return {"lq": self._lq.cpu(), "result": result.float().cpu(), "gt": self._gt.cpu()}

    def inference_network(self) -> nn.Module:
        """Return the generator to validate and ship: the average, or the live one (switch it to eval first)."""
        return self.ema.network if self.ema is not None else self.generator.network

    def validation(
        self, dataloader: DataLoader, current_iter: int, tb_logger: SummaryWriter | None, save_img: bool = False
    ) -> None:
        """Score the generator on whole images for BasicSR's loop; ours keeps a `Validation` with the base's scores."""
        scale = self._gt.shape[-1] // self._lq.shape[-1]
        name = str(getattr(dataloader.dataset, "opt", {}).get("name", "validation"))
        pairs, set_hash = KeptPairs(samples_of_batches(dataloader)), getattr(dataloader.dataset, "set_hash", "")
        validation = Validation(pairs, name=name, rules=self.score_rules, scale=scale, set_hash=set_hash)
        pictures = self.run_folder.visualization / name if save_img else None
        upscale = snapshot(self.inference_network(), scale=scale, device=self.device)
        scores = validation.score_now(upscale, pictures=pictures, step=current_iter)
        logging.getLogger("basicsr").info(validation.table)
        if tb_logger is not None:
            for metric, value in scores.items():
                tb_logger.add_scalar(f"metrics/{name}/{metric}", value, current_iter)

    def fingerprints(self) -> dict[str, str]:
        """Return the SHA-256 over the frozen tensors of each network."""
        named = {"network_g": self.generator, "network_d": self.discriminator}
        return {name: player.plan.fingerprint(player.network) for name, player in named.items() if player}

    def check_frozen(self) -> None:
        """Prove that no frozen tensor has moved since the model was built.

        Raises:
            RuntimeError: one has; that is a fault of this program.
        """
        changed = [name for name, value in self.fingerprints().items() if value != self._base_fingerprints[name]]
        if changed:
            raise RuntimeError(f"frozen tensors of {', '.join(changed)} changed during training")

    def tensors_not_finite(self) -> list[str]:
        """Return the names of the weights, averages and moments that hold a value which is not finite.

        This waits for the device, so ask only before saving.
        """
        tensors = dict(self._stateful_parts().tensors())
        if not tensors:
            return []
        flags = torch.stack([value.isfinite().all() for value in tensors.values()]).tolist()
        return [name for name, is_finite in zip(tensors, flags, strict=True) if not is_finite]

    def save(self, epoch: int, current_iter: int) -> None:
        """Save weights and, for a real step, the training state, for BasicSR's loop; it passes -1 for "latest".

        Raises:
            CheckpointError: weights that are not finite, or a disk that does not take them; older files stay.
        """
        del epoch
        store = CheckpointStore(self.run_folder)
        if current_iter == -1:
            store.save_latest(self)
        else:
            store.save(self, current_iter)

    def weights(self) -> dict[str, dict[str, dict[str, Tensor]]]:
        """Return the weights of each network, as other tools load them: `params` and, with an average, `params_ema`."""
        generator = {"params": plain_state(self.generator.network)}
        if self.ema is not None:
            generator["params_ema"] = plain_state(self.ema.network)
        if self.discriminator is None:
            return {"net_g": generator}
        return {"net_g": generator, "net_d": {"params": plain_state(self.discriminator.network)}}

    def state(self) -> dict[str, object]:
        """Return all that a resume needs, as plain tensors and numbers."""
        return {
            "iter": self.step,
            "schedule_start": self.schedule_start,
            "frozen": self._base_fingerprints,
            "record": self.record(),
            **self._stateful_parts().state(),
        }

    def record(self) -> Record:
        """Return what this run is, for its states; see `run_record`."""
        return merged(
            self._described, {**self._stateful_parts().facts(), "precision": str(self.dtype).removeprefix("torch.")}
        )

    def describe(self, facts: Mapping[str, object]) -> None:
        """Add facts to the record, such as those of the data."""
        self._described = merged(self._described, facts)

    def resume_training(self, resume_state: Mapping[str, object], *, allow_changed: Sequence[str] = ()) -> None:
        """Take over a state of `state()`; the next step is the one after it.

        Args:
            resume_state: of a run.
            allow_changed: keys of the options that may be others than those of the state; see `run_record`.

        Raises:
            CheckpointError: it is the state of another run, or does not fit these networks.
        """
        state: dict = dict(resume_state)
        parts = self._stateful_parts()
        parts.check_fits(state)
        check_changes(differences(state["record"], self.record()), allowed=allow_changed)
        parts.restore(state)
        self.step = self.last_whole_step = state["iter"]
        self.schedule_start = state["schedule_start"]
        # Other layers may train now; then what has to stay as it is begins with this state.
        self._base_fingerprints = state["frozen"] if state["trained"] == parts.trained() else self.fingerprints()

    def _make_pairs(self, data: Mapping[str, object]) -> tuple[Tensor, Tensor]:
        gt = as_float(data["gt"], device=self.device)
        if "lq" in data:
            return as_float(data["lq"], device=self.device), gt
        if self.synthesis is None:
            raise ValueError("expected batches with 'lq', as no degradation is configured; got 'gt' only")
        return self.synthesis.make_pairs(gt, step=self.step)

    def _targets(self) -> Targets:
        switches = self.sharpened
        sharp = usm_sharpen(self._gt) if any((switches.pixel, switches.perceptual, switches.adversarial)) else self._gt
        return Targets(
            pixel=sharp if switches.pixel else self._gt,
            perceptual=sharp if switches.perceptual else self._gt,
            adversarial=sharp if switches.adversarial else self._gt,
        )

    def _stateful_parts(self) -> StatefulParts:
        pool, gt_size = (self.synthesis.pool, self.synthesis.gt_size) if self.synthesis else (None, 0)
        parts = (self.generator, self.discriminator, self.ema, pool, gt_size, self.game.scaler)
        return StatefulParts(*parts, num_ranks=self.game.ranks.world_size)
