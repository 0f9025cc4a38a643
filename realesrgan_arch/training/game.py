"""One training step of the networks: the generator against a fixed discriminator, then the discriminator."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from realesrgan_arch.losses.adversarial import AdversarialLoss
from realesrgan_arch.losses.terms import Losses
from realesrgan_arch.training.players import Player, StepRules
from realesrgan_arch.training.ranks import Ranks
from realesrgan_arch.training.step_numbers import KeptBuffers, StepNumbers, all_finite, step_if
from realesrgan_arch.training.steps import (
    Judged,
    Targets,
    add_to_log,
    discriminator_passes,
    generator_terms,
    total,
)

Log = dict[str, Tensor]


class Game:
    """Both networks, what they minimise, and in which precision.

    Args:
        generator: learns to enlarge.
        discriminator: learns to tell, or None for a stage without adversary.
        losses: of both.
        rules: who moves in which step, and in how many parts.
        device: of the networks and batches.
        dtype: of autocast; float32 means none. float16 scales its losses.
    """

    def __init__(
        self,
        *,
        generator: Player,
        discriminator: Player | None,
        losses: Losses,
        rules: StepRules,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self.generator = generator
        self.discriminator = discriminator
        self.losses = losses
        self.rules = rules
        self.device = device
        self.dtype = dtype
        self.ranks = Ranks.single()
        self.scaler = torch.amp.GradScaler(device.type, enabled=dtype == torch.float16)

    def play(self, lq: Tensor, targets: Targets, *, step: int) -> StepNumbers:
        """Move both networks once and return the numbers of the step, still on the device.

        `lq` is (B, 3, H, W) in [0, 1]; `step` counts from 1 and decides whether the generator moves. Both optimisers
        take their step at the end, and only together: where a loss or a gradient of either network is not finite, no
        weight, moment, counter or buffer moves. The same holds when the step raises, for want of memory say.
        """
        parts = targets.chunk(self.rules.accumulate)
        kept = KeptBuffers([player.network for player in self.players()])
        try:
            log, sr = self._judge_generator(lq.chunk(self.rules.accumulate), parts, step=step)
            if self.discriminator is not None and self.discriminator.optimizer is not None:
                log |= self._judge_discriminator(self.discriminator, sr, parts, step=step)
        except BaseException:
            kept.restore()
            raise
        numbers = self._sum_up(log)
        kept.restore_unless(numbers.finite)
        for player in self.players():
            self.ranks.share_buffers(player.network)
        self._move(numbers)
        return numbers

    def players(self) -> list[Player]:
        """Return the generator and, where there is one, the discriminator."""
        return [player for player in (self.generator, self.discriminator) if player is not None]

    def autocast(self) -> torch.autocast:
        """Return the context in which the networks compute."""
        return torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32)

    def _judge_generator(
        self, lq: Sequence[Tensor], targets: Sequence[Targets], *, step: int
    ) -> tuple[Log, list[Tensor]]:
        moves, losses = self._generator_moves(step), self.losses.at(step)
        judge = self.discriminator.network if self.discriminator else None
        if judge is not None:
            # Its weights get no gradient in this half; the gradient still flows through it to the generator.
            judge.requires_grad_(requires_grad=False)
        self._zero_gradients(self.generator)
        log: Log = {}
        outputs: list[Tensor] = []
        for part, target in zip(lq, targets, strict=True):
            with torch.set_grad_enabled(moves), self.autocast():
                sr = self.generator.network(part)
                terms = generator_terms(sr, part, target, losses, judge) if moves else {}
            if moves:
                self._backward(total(terms), parts=len(lq))
            add_to_log(log, terms, parts=len(lq))
            outputs.append(sr.detach())
        if self.discriminator is not None:
            self.discriminator.plan.apply(self.discriminator.network)
        return log, outputs

    def _judge_discriminator(
        self, player: Player, sr: Sequence[Tensor], targets: Sequence[Targets], *, step: int
    ) -> Log:
        # A run that goes back to before the game still has the gradients of its last step.
        self._zero_gradients(player)
        adversarial = self.losses.at(step).adversarial
        log: Log = {}
        if adversarial is None:
            return log
        shares = self._mixing_shares(adversarial, [len(part) for part in sr], step=step)
        for fake, target, share in zip(sr, targets, shares, strict=True):
            for judge in discriminator_passes(player.network, Judged(target.adversarial, fake, share), adversarial):
                with self.autocast():
                    terms = judge()
                self._backward(total(terms), parts=len(sr))
                add_to_log(log, terms, parts=len(sr))
        return log

    def _mixing_shares(
        self, adversarial: AdversarialLoss, sizes: list[int], *, step: int
    ) -> Sequence[Tensor] | Sequence[None]:
        if adversarial.penalty is None:
            return [None] * len(sizes)
        count = sum(sizes)
        shares = adversarial.penalty.draw_shares(step=step, count=count, first_sample=self.ranks.rank * count)
        return shares.split(sizes)

    def _sum_up(self, log: Log) -> StepNumbers:
        """Return the numbers of the step, once every gradient of it is there and in its true size.

        The one place between the gradients and the optimisers: what many processes share, they share before.
        """
        norms: Log = {}
        for name, optimizer in self._learners().items():
            self.ranks.average_gradients(_with_gradient(optimizer))
            self.scaler.unscale_(optimizer)
            norms[name] = self._norm(_with_gradient(optimizer))
        return StepNumbers(log, norms, self.ranks.all_agree(all_finite(log, norms, device=self.device)))

    def _norm(self, parameters: Sequence[nn.Parameter]) -> Tensor:
        """Return the norm of the whole gradient, which is cut to `clip_norm` where that is wanted."""
        if self.rules.clip_norm is not None:
            return nn.utils.clip_grad_norm_(parameters, self.rules.clip_norm, foreach=True)
        return nn.utils.get_total_norm([value.grad for value in parameters if value.grad is not None])

    def _move(self, numbers: StepNumbers) -> None:
        learners = self._learners().values()
        for optimizer in learners:
            step_if(optimizer, numbers.finite)
        if learners and self.scaler.is_enabled():
            self.scaler.update()

    def _learners(self) -> dict[str, torch.optim.Optimizer]:
        """Return the optimisers that have gradients in this step, by the name of their network."""
        named = {"network_g": self.generator, "network_d": self.discriminator}
        optimizers = {name: player.optimizer for name, player in named.items() if player is not None}
        return {name: each for name, each in optimizers.items() if each is not None and _with_gradient(each)}

    def _generator_moves(self, step: int) -> bool:
        rules, adversarial = self.rules, self.losses.adversarial
        played = step - (adversarial.start_step if adversarial else 0)
        waits = step % rules.discriminator_every != 0 or played <= rules.discriminator_first
        # Both rules balance a game; without a discriminator, or before it plays, there is nothing to wait for.
        return self.generator.optimizer is not None and not (waits and self.discriminator and played > 0)

    def _backward(self, loss: Tensor, *, parts: int) -> None:
        self.scaler.scale(loss / parts).backward()

    @staticmethod
    def _zero_gradients(player: Player) -> None:
        if player.optimizer is not None:
            player.optimizer.zero_grad(set_to_none=True)


def _with_gradient(optimizer: torch.optim.Optimizer) -> list[nn.Parameter]:
    return [value for group in optimizer.param_groups for value in group["params"] if value.grad is not None]
