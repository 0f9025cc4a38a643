"""Sees from running means of its logits and losses when a discriminator has stopped teaching the generator.

Two states are worth a word. *Blind*: photographs and results get the same logit, and the loss is what guessing costs
(`2 ln 2` for the cross-entropy of Goodfellow et al., arXiv 1406.2661: each answer one half; half of it where the loss
is relativistic). In theory that is the end of a game well played; in super-resolution, where results keep being told
apart, it means a discriminator that does not learn. *Overpowering*: its loss is near the least that the labels allow
while the logit of results does not rise, where the generator's gradient is noise (Arjovsky & Bottou, arXiv 1701.04862).
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from realesrgan_arch.losses.adversarial import AdversarialLoss
from realesrgan_arch.training.step_numbers import StepNumbers

Balance = Literal["balanced", "blind", "overpowering"]
MEMORY = 0.99
"""Of the running means: about the last hundred steps, so that a single batch says nothing."""
PATIENCE_STEPS = 1000
"""So long a state must last before it is said; a fresh discriminator is blind for its first steps in every run."""
BLIND_LOSS_SHARE = 0.97
BLIND_GAP = 0.05
"""Logits this close and a loss of 97 % of guessing describe the same point: with logits at +-0.025 the cross-entropy is
2 ln(1 + e^-0.025) = 98 % of 2 ln 2. Healthy runs show 40 to 90 % (0.86 of 1.39 in XPixelGroup/BasicSR issue 160)."""
OVERPOWERING_LOSS_SHARE = 0.1
"""A cross-entropy of 0.14: 93 % sure of each pixel, both ways. Runs that were lost show 1e-4 and less
(XPixelGroup/BasicSR issue 204)."""
_NAMES = ("out_d_real", "out_d_fake", "l_d_real", "l_d_fake")


@dataclass(frozen=True)
class Means:
    """Running means of the mean logits and of the discriminator's loss."""

    real: float
    fake: float
    loss: float


@dataclass(frozen=True)
class Bounds:
    """`l_d_real + l_d_fake` at the ends of what a discriminator can know."""

    guessing: float
    """It answers halfway between the labels, or finds both sides equally real, whatever it sees."""
    certain: float
    """It is sure of everything; above 0 where labels are smoothed."""
    relative: bool = False
    """Whether logits count against those of the other side only."""

    def share(self, loss: float) -> float:
        """Return where `loss` lies between certain (0) and guessing (1)."""
        return (loss - self.certain) / (self.guessing - self.certain)


def bounds_of(adversarial: AdversarialLoss) -> Bounds | None:
    """Return the bounds of a discriminator's loss; None for a critic (`wgan`), whose loss has no ends."""
    if adversarial.relativistic:
        return _relativistic_bounds(adversarial)
    real, fake = adversarial.real_label, adversarial.fake_label
    match adversarial.gan_type:
        case "vanilla":
            return Bounds(2 * _entropy((real + fake) / 2), _entropy(real) + _entropy(fake))
        case "lsgan":
            return Bounds((real - fake) ** 2 / 2, 0.0)
        case "hinge":
            return Bounds(2.0, 0.0)
        case "wgan_softplus":
            return Bounds(2 * math.log(2), 0.0)
        case "wgan":
            return None


def _relativistic_bounds(adversarial: AdversarialLoss) -> Bounds:
    """Return half of the sum of both sides: guessing finds them equal; certain, they are as far apart as pays."""
    real, fake = adversarial.real_label, adversarial.fake_label
    match adversarial.gan_type:
        case "lsgan":
            # One side's logit against the other's is the negative of the other's, so both labels cannot be met.
            return Bounds((real**2 + fake**2) / 2, (real + fake) ** 2 / 4, relative=True)
        case "hinge":
            return Bounds(1.0, 0.0, relative=True)
        case _:
            return Bounds(math.log(2), _entropy((real + 1 - fake) / 2), relative=True)


def _entropy(label: float) -> float:
    """Return the cross-entropy of a label with itself, its least."""
    return -sum(share * math.log(share) for share in (label, 1 - label) if share > 0)


class AdversaryWatch:
    """Keeps the running means on the device, and says once when the state of the discriminator changes.

    Args:
        bounds: what the loss is compared with.
        patience_steps: how long a state must last to be said.
    """

    def __init__(self, bounds: Bounds, *, patience_steps: int = PATIENCE_STEPS) -> None:
        self._bounds = bounds
        self._patience = patience_steps
        self._means: Tensor | None = None
        self.balance: Balance = "balanced"
        """What was said last."""
        self._leaning: Balance = "balanced"
        self._since = 0
        self._fake_then = 0.0

    @torch.no_grad()
    def note(self, numbers: StepNumbers) -> None:
        """Take the numbers of a step; nobody waits for the device. A step that was skipped does not count."""
        if any(name not in numbers.losses for name in _NAMES):
            return
        now = torch.stack([numbers.losses[name].detach().float() for name in _NAMES])
        if self._means is None:
            self._means = torch.full_like(now, math.nan)
        before = self._means.to(now.device)
        # The first finite step is the mean; NaN marks that there was none yet.
        moved = torch.where(before.isnan(), now, before.lerp(now, 1 - MEMORY))
        self._means = torch.where(numbers.finite & now.isfinite().all(), moved, before)

    def means(self) -> Means | None:
        """Return the means, None before the first step; this waits for the device."""
        if self._means is None:
            return None
        real, fake, loss_real, loss_fake = self._means.tolist()
        return None if math.isnan(real) else Means(real, fake, loss_real + loss_fake)

    def judge(self, step: int) -> list[str]:
        """Return what is new after `step`: one sentence when the discriminator has got into or out of a bad state."""
        means = self.means()
        if means is None:
            return []
        leaning = self._classify(means)
        if leaning != self._leaning:
            self._leaning, self._since, self._fake_then = leaning, step, self._level(means)
        lasts = step - self._since >= self._patience
        if leaning == self.balance or not lasts or (leaning == "overpowering" and self._generator_catches_up(means)):
            return []
        self.balance = leaning
        return [self._words(means, step)]

    def go_back(self) -> None:
        """Begin to look again, as the run has gone back; what was said last stays said."""
        self._means, self._leaning = None, self.balance

    def state_dict(self) -> dict[str, object]:
        """Return plain numbers and words."""
        return {
            "means": None if self.means() is None or self._means is None else self._means.tolist(),
            "balance": self.balance,
            "leaning": self._leaning,
            "since": self._since,
            "fake_then": self._fake_then,
        }

    def load_state_dict(self, state: dict) -> None:
        """Take over what `state_dict` returned."""
        self._means = None if state["means"] is None else torch.tensor(state["means"])
        self.balance, self._leaning = state["balance"], state["leaning"]
        self._since, self._fake_then = state["since"], state["fake_then"]

    def _classify(self, means: Means) -> Balance:
        share = self._bounds.share(means.loss)
        if share >= BLIND_LOSS_SHARE and means.real - means.fake < BLIND_GAP:
            return "blind"
        return "overpowering" if share < OVERPOWERING_LOSS_SHARE else "balanced"

    def _generator_catches_up(self, means: Means) -> bool:
        """The logit of results rises, so the generator's adversarial loss falls: it still learns from the other."""
        return self._level(means) > self._fake_then

    def _level(self, means: Means) -> float:
        return means.fake - means.real if self._bounds.relative else means.fake

    def _words(self, means: Means, step: int) -> str:
        numbers = (
            f"(mean logits over about the last 100 steps: photographs {means.real:.3g}, results {means.fake:.3g}; "
            f"loss {means.loss:.3g}, guessing costs {self._bounds.guessing:.3g})"
        )
        if self.balance == "blind":
            return (
                f"step {step}: the discriminator is blind: it has not told results from photographs since step "
                f"{self._since} {numbers}, so the adversarial loss teaches nothing; start it from weights that fit "
                "(path.pretrain_network_d), or raise train.optim_d.lr"
            )
        if self.balance == "overpowering":
            return (
                f"step {step}: the discriminator overpowers the generator since step {self._since} {numbers}: it is "
                "sure of everything and the generator does not gain on it; lower train.optim_d.lr, or let more of the "
                "generator train"
            )
        return f"step {step}: the discriminator is in balance again {numbers}"
