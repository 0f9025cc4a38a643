"""What one step says about itself, still on the device: losses, gradients, and whether all of them are finite."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class StepNumbers:
    """The numbers of one step; all are scalars on the device of the networks, so that nobody waits for them.

    `losses` by BasicSR's names; `norms`: L2 norm of the whole gradient of each network that learnt in the step
    (`network_g`, `network_d`), before any clipping; `finite`: whether the step was taken, a bool.
    """

    losses: Mapping[str, Tensor] = field(default_factory=dict)
    norms: Mapping[str, Tensor] = field(default_factory=dict)
    finite: Tensor = field(default_factory=lambda: torch.tensor(data=True))


def all_finite(losses: Mapping[str, Tensor], norms: Mapping[str, Tensor], *, device: torch.device) -> Tensor:
    """Return a bool scalar on `device`: whether every loss (name in `l_`) and every norm is finite.

    A norm is finite only if every value of the gradient is; one that is too large for fp32 counts as not finite.
    """
    numbers = [value.float() for name, value in losses.items() if name.startswith("l_")] + list(norms.values())
    if not numbers:
        return torch.ones((), dtype=torch.bool, device=device)
    return torch.stack(numbers).isfinite().all()


class KeptBuffers:
    """The buffers of networks as they were before a step: spectral norm's vectors and batch norm's statistics move in
    every forward pass, whether or not the step is taken.

    Args:
        networks: whose buffers are kept.
    """

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        self._live = [buffer for network in networks for buffer in network.buffers()]
        self._kept = [buffer.detach().clone() for buffer in self._live]

    @torch.no_grad()
    def restore_unless(self, finite: Tensor) -> None:
        """Put every buffer back where `finite` is False, without waiting for the device."""
        for live, kept in zip(self._live, self._kept, strict=True):
            torch.where(finite, live, kept, out=live)

    @torch.no_grad()
    def restore(self) -> None:
        """Put every buffer back."""
        for live, kept in zip(self._live, self._kept, strict=True):
            live.copy_(kept)


def step_if(optimizer: torch.optim.Optimizer, finite: Tensor) -> None:
    """Let `optimizer` take its step where `finite` is True; else weights, moments and step counters stay.

    A fused Adam or AdamW reads `found_inf` on the device, so nobody waits (torch's contract with `GradScaler`); for
    any other the flag is read, which costs nothing on a CPU.
    """
    if not optimizer.defaults.get("fused"):
        if bool(finite):
            optimizer.step()
        return
    optimizer.found_inf = (~finite).float()  # pyright: ignore[reportAttributeAccessIssue]
    try:
        optimizer.step()
    finally:
        del optimizer.found_inf  # pyright: ignore[reportAttributeAccessIssue]


class FlagOnItsWay:
    """A bool scalar that is copied to the host while the device works on.

    Reading it waits for what was queued before the copy, not for what was queued after it.
    """

    def __init__(self, flag: Tensor) -> None:
        self.is_here = flag.device.type != "cuda"
        self._host = flag if self.is_here else flag.to("cpu", non_blocking=True)
        self._copied = None
        if not self.is_here:
            self._copied = torch.cuda.Event()
            self._copied.record(torch.cuda.current_stream(flag.device))

    def read(self) -> bool:
        """Return the flag."""
        if self._copied is not None:
            self._copied.synchronize()
        return bool(self._host)
