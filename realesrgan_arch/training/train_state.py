"""All that a resume needs, as plain tensors and numbers: collected from the parts of a run, and given back to them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from realesrgan_arch.degradation.pair_pool import PairPool
from realesrgan_arch.training.checkpoint import CheckpointError, describe_network
from realesrgan_arch.training.ema import Ema
from realesrgan_arch.training.freezing import describe_plan
from realesrgan_arch.training.players import Player

State = dict[str, object]


@dataclass(frozen=True)
class StatefulParts:
    """What changes while a run trains."""

    generator: Player
    discriminator: Player | None
    ema: Ema | None
    pool: PairPool | None
    gt_size: int
    """Of the pairs in the pool."""
    scaler: torch.amp.GradScaler
    num_ranks: int = 1
    """In the identity of a state: how many processes trained together."""

    def state(self) -> State:
        """Return the state of every part."""
        players = self._players()
        return {
            "generator": self.generator.network.state_dict(),
            "discriminator": self.discriminator.network.state_dict() if self.discriminator else None,
            "ema": self.ema.network.state_dict() if self.ema else None,
            "trained": self.trained(),
            "optimizers": {key: p.optimizer.state_dict() for key, p in players.items() if p.optimizer},
            "pool": None if self.pool is None else self.pool.state_dict(),
            "scaler": self.scaler.state_dict(),
            "networks": self._shapes(),
        }

    def trained(self) -> dict[str, list[str]]:
        """Return the names of the tensors that train, in the order in which the optimisers number them."""
        return {key: _trained_names(player) for key, player in self._players().items()}

    def facts(self) -> State:
        """Return what the options came to, for the record of the run."""
        shapes, plans = self._shapes(), {key: describe_plan(player.plan) for key, player in self._players().items()}
        return {
            "network_g": {"tensors": shapes["network_g"]},
            "network_d": {"tensors": shapes["network_d"]} if self.discriminator else None,
            "train": {
                "trainable": {"network_d": "none", **plans},
                "ema_decay": self.ema.decay if self.ema else 0.0,
            },
            "queue_size": 0 if self.pool is None else self.pool.capacity,
            "ranks": self.num_ranks,
        }

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Yield every tensor of a network, an average or an optimiser on the device, by name."""
        networks = {"network_g": self.generator.network}
        if self.discriminator is not None:
            networks["network_d"] = self.discriminator.network
        if self.ema is not None:
            networks["average of network_g"] = self.ema.network
        for prefix, network in networks.items():
            yield from ((f"{prefix} {name}", value) for name, value in network.state_dict().items())
        for key, player in self._players().items():
            states = player.optimizer.state.values() if player.optimizer else ()
            moments = (values for state in states for values in state.items())
            yield from (
                (f"optimizer of {key}: {name} {place}", value)
                for place, (name, value) in enumerate(moments)
                if isinstance(value, Tensor) and name != "step"
            )

    def check_fits(self, saved: Mapping[str, object]) -> None:
        """Check that the tensors of `saved` have the places and shapes of these networks.

        Raises:
            CheckpointError: they do not; nothing is changed.
        """
        state: dict = dict(saved)
        for key, shape in self._shapes().items():
            if key in state["networks"] and state["networks"][key] != shape:
                raise CheckpointError(
                    f"cannot resume: expected the {key} of the state, {state['networks'][key]}, got {shape}; its "
                    "tensors fit nowhere else, so change the options back or start a new run"
                )

    def restore(self, saved: Mapping[str, object]) -> None:
        """Take over what `state` returned, as far as it belongs to these parts: a part that is new starts anew.

        Raises:
            CheckpointError: networks of other shapes.
        """
        self.check_fits(saved)
        state: dict = dict(saved)
        if self.ema is not None:
            # Before the generator: its frozen tensors are the generator's own, whatever they were then.
            self.ema.network.load_state_dict(state["ema"] or state["generator"])
        self.generator.network.load_state_dict(state["generator"])
        if self.discriminator is not None and state["discriminator"] is not None:
            self.discriminator.network.load_state_dict(state["discriminator"])
        for key, player in self._players().items():
            if player.optimizer is not None and key in state["optimizers"]:
                moments = _moments(state["optimizers"][key], state["trained"][key], _trained_names(player))
                groups = player.optimizer.state_dict()["param_groups"]
                # Rates and other settings stay those of the options.
                player.optimizer.load_state_dict({"state": moments, "param_groups": groups})
        if self.pool is not None and self._fits_pool(self.pool, state["pool"]):
            self.pool.load_state_dict(state["pool"])
        if state["scaler"]:
            self.scaler.load_state_dict(state["scaler"])

    def _fits_pool(self, pool: PairPool, saved: State | None) -> bool:
        if saved is None or saved["capacity"] != pool.capacity:
            return False
        pairs = saved["gt"]
        return isinstance(pairs, Tensor) and (len(pairs) == 0 or pairs.shape[-1] == self.gt_size)

    def _players(self) -> dict[str, Player]:
        named = {"network_g": self.generator, "network_d": self.discriminator}
        return {key: player for key, player in named.items() if player is not None}

    def _shapes(self) -> dict[str, str]:
        return {key: describe_network(player.network) for key, player in self._players().items()}


def _trained_names(player: Player) -> list[str]:
    return [name for name, _ in player.network.named_parameters() if name in player.plan.trainable]


def _moments(saved: Mapping[str, dict], saved_names: Sequence[str], names: Sequence[str]) -> dict[int, object]:
    """Return what the optimiser knew of each tensor under its number of now, by way of its name."""
    known = {saved_names[number]: moments for number, moments in saved["state"].items()}
    return {number: known[name] for number, name in enumerate(names) if name in known}
