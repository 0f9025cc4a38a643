"""All that a resume needs, as plain tensors and numbers: collected from the parts of a run, and given back to them."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from realesrgan_arch.degradation.pair_pool import PairPool
from realesrgan_arch.training.checkpoint import check_identity, describe_network
from realesrgan_arch.training.ema import Ema
from realesrgan_arch.training.freezing import describe_plan
from realesrgan_arch.training.players import Player

State = dict[str, object]
RANKS = "ranks"
"""In the identity of a state: how many processes trained together."""


@dataclass(frozen=True)
class StatefulParts:
    """What changes while a run trains."""

    generator: Player
    discriminator: Player | None
    ema: Ema | None
    pool: PairPool | None
    scaler: torch.amp.GradScaler
    num_ranks: int = 1

    def state(self) -> State:
        """Return the state of every part."""
        return {
            "generator": self.generator.network.state_dict(),
            "discriminator": self.discriminator.network.state_dict() if self.discriminator else None,
            "ema": self.ema.network.state_dict() if self.ema else None,
            "optimizers": [optimizer.state_dict() for optimizer in self._optimizers()],
            "pool": None if self.pool is None else self.pool.state_dict(),
            "scaler": self.scaler.state_dict(),
            "identity": self.identity(),
        }

    def identity(self) -> dict[str, str]:
        """Return what a state must share with the run that resumes from it, in words."""
        discriminator = self.discriminator
        return {
            "network_g": describe_network(self.generator.network),
            "network_d": describe_network(discriminator.network) if discriminator else "none",
            "train.trainable.network_g": describe_plan(self.generator.plan),
            "train.trainable.network_d": describe_plan(discriminator.plan) if discriminator else "none",
            "train.ema_decay": "on" if self.ema else "off",
            "queue_size": str(0 if self.pool is None else self.pool.capacity),
            "precision": "fp16" if self.scaler.is_enabled() else "not fp16",
            RANKS: str(self.num_ranks),
        }

    def restore(self, saved: Mapping[str, object]) -> None:
        """Take over what `state` returned.

        Raises:
            CheckpointError: the options have changed in a way that the state does not fit.
        """
        state: dict = dict(saved)
        check_identity(state["identity"], self.identity())
        self.generator.network.load_state_dict(state["generator"])
        if self.discriminator is not None:
            self.discriminator.network.load_state_dict(state["discriminator"])
        if self.ema is not None:
            self.ema.network.load_state_dict(state["ema"])
        for optimizer, values in zip(self._optimizers(), state["optimizers"], strict=True):
            optimizer.load_state_dict(values)
        if self.pool is not None and state["pool"] is not None:
            self.pool.load_state_dict(state["pool"])
        self.scaler.load_state_dict(state["scaler"])

    def _optimizers(self) -> list[torch.optim.Optimizer]:
        players = [player for player in (self.generator, self.discriminator) if player is not None]
        return [player.optimizer for player in players if player.optimizer]
