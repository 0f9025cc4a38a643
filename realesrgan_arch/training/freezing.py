"""Which layers train: patterns become parameter names once, before the optimiser is built."""

import difflib
import fnmatch
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from realesrgan_arch.errors import UserError

_COUNTED = re.compile(r"(first|last):(\d+)")


class FreezingError(UserError):
    """A pattern that cannot be applied to the network."""


@dataclass(frozen=True)
class FreezePlan:
    """The parameters of one network that train; everything else is frozen."""

    trainable: frozenset[str]

    def apply(self, network: nn.Module) -> None:
        """Set `requires_grad` and the mode of every part; call it again after anything that touched either.

        A part whose own parameters are all frozen stays in evaluation mode: batch norm would move its statistics and
        spectral norm its power iteration, although no gradient reaches them.
        """
        network.train()
        for name, parameter in network.named_parameters():
            parameter.requires_grad_(name in self.trainable)
        for prefix in self.frozen_modules(network):
            network.get_submodule(prefix).eval()

    def frozen_modules(self, network: nn.Module) -> list[str]:
        """Return the names of the modules that hold parameters or buffers of their own, none of them trainable."""
        return [
            prefix
            for prefix, module in network.named_modules()
            if _holds_tensors(module) and not any(name in self.trainable for name in _own_parameters(prefix, module))
        ]

    def moves_batch_norm(self, network: nn.Module) -> bool:
        """Say whether training takes statistics of its batches for a batch norm of `network`."""
        frozen = set(self.frozen_modules(network))
        return any(prefix not in frozen for prefix, module in network.named_modules() if _is_batch_norm(module))

    def trainable_parameters(self, network: nn.Module) -> list[nn.Parameter]:
        """Return the parameters for the optimiser, in the network's order."""
        return [parameter for name, parameter in network.named_parameters() if name in self.trainable]

    def frozen_tensors(self, network: nn.Module) -> dict[str, Tensor]:
        """Return every tensor that training must not change: frozen parameters, and buffers of frozen modules."""
        frozen: dict[str, Tensor] = {
            name: value for name, value in network.named_parameters() if name not in self.trainable
        }
        for prefix in self.frozen_modules(network):
            module = network.get_submodule(prefix)
            frozen.update({_join(prefix, name): value for name, value in module.named_buffers(recurse=False)})
        return frozen

    def fingerprint(self, network: nn.Module) -> str:
        """Return a SHA-256 over names and bytes of `frozen_tensors`: equal before and after, or training is broken."""
        digest = hashlib.sha256()
        for name, value in sorted(self.frozen_tensors(network).items()):
            digest.update(name.encode())
            digest.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()


def plan_freezing(network: nn.Module, patterns: str | Sequence[str], *, key: str) -> FreezePlan:
    """Resolve `patterns` against the parameters of `network`.

    Args:
        network: whose parameters are chosen.
        patterns: module or parameter names (`conv_last`, `body.2.rdb3.conv5`), globs over either (`body.2[0-2].*`),
            `first:N` and `last:N` (N convolutions or linear layers in the network's order, with the activations and
            normalisations between and, for `last`, after them), `bias`, `all`, `none`. Their union trains.
        key: path of the option, for messages.

    Raises:
        FreezingError: a pattern that matches nothing, with the nearest names.
    """
    chosen = [patterns] if isinstance(patterns, str) else list(patterns)
    names = [name for name, _ in network.named_parameters()]
    trainable: set[str] = set()
    for pattern in chosen:
        found = _match(network, names, pattern)
        if not found and pattern != "none":
            raise FreezingError(_nothing_matched(network, pattern, key))
        trainable |= found
    return FreezePlan(frozenset(trainable))


def _match(network: nn.Module, names: Sequence[str], pattern: str) -> set[str]:
    if pattern in ("all", "none"):
        return set(names) if pattern == "all" else set()
    if pattern == "bias":
        return {name for name in names if name.split(".")[-1] == "bias"}
    if counted := _COUNTED.fullmatch(pattern):
        return _match_count(network, names, from_start=counted[1] == "first", count=int(counted[2]))
    return {name for name in names if any(fnmatch.fnmatchcase(prefix, pattern) for prefix in _prefixes(name))}


def _match_count(network: nn.Module, names: Sequence[str], *, from_start: bool, count: int) -> set[str]:
    layers = layer_names(network)
    if count == 0 or count > len(layers):
        return set()
    if from_start:
        end = len(names) if count == len(layers) else _first_parameter(names, layers[count])
        return set(names[:end])
    return set(names[_first_parameter(names, layers[-count]) :])


def layer_names(network: nn.Module) -> list[str]:
    """Return the names of the convolutions and linear layers, in the network's order."""
    # A convolution or linear layer is the module whose own weight has at least two dimensions; spectral norm renames
    # that weight to `weight_orig`.
    return [
        prefix
        for prefix, module in network.named_modules()
        if any(name.startswith("weight") and value.ndim >= 2 for name, value in module.named_parameters(recurse=False))
    ]


def _first_parameter(names: Sequence[str], prefix: str) -> int:
    return next(index for index, name in enumerate(names) if name.startswith(f"{prefix}."))


def _prefixes(name: str) -> Iterator[str]:
    parts = name.split(".")
    for length in range(1, len(parts) + 1):
        yield ".".join(parts[:length])


def has_batch_norm(network: nn.Module) -> bool:
    """Say whether any part of `network` is a batch norm, whether it trains or not."""
    return any(map(_is_batch_norm, network.modules()))


def _is_batch_norm(module: nn.Module) -> bool:
    return isinstance(module, nn.modules.batchnorm._BatchNorm)


def _holds_tensors(module: nn.Module) -> bool:
    own = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
    return bool(own)


def _own_parameters(prefix: str, module: nn.Module) -> Iterable[str]:
    return (_join(prefix, name) for name, _ in module.named_parameters(recurse=False))


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _nothing_matched(network: nn.Module, pattern: str, key: str) -> str:
    if _COUNTED.fullmatch(pattern):
        count = len(layer_names(network))
        return f"{key}: expected a count between 1 and {count} (the layers of this network), got {pattern!r}"
    candidates = sorted({prefix for name, _ in network.named_parameters() for prefix in _prefixes(name)})
    nearest = difflib.get_close_matches(pattern, candidates, n=3, cutoff=0.0)
    return (
        f"{key}: expected a layer of the network, got {pattern!r}, which matches nothing; the nearest names are "
        f"{', '.join(nearest)} (also: globs, first:N, last:N, bias, all, none)"
    )


def describe_trainable(network: nn.Module, plan: FreezePlan, *, title: str, most_rows: int = 24) -> str:
    """Return a table of what trains: layer, parameters, share of the network; one line when that is everything."""
    total = sum(parameter.numel() for parameter in network.parameters())
    rows: dict[str, int] = {}
    for name, parameter in network.named_parameters():
        if name in plan.trainable:
            layer = name.rpartition(".")[0] or name
            rows[layer] = rows.get(layer, 0) + parameter.numel()
    trained = sum(rows.values())
    lines = [f"{title}: {trained:,} of {total:,} parameters train ({_share(trained, total)})"]
    if trained == total:
        return lines[0]
    width = max((len(layer) for layer in rows), default=0)
    shown = list(rows.items())[:most_rows]
    lines += [f"  {layer:<{width}}  {count:>12,}  {_share(count, total):>8}" for layer, count in shown]
    if len(rows) > most_rows:
        lines.append(f"  and {len(rows) - most_rows} more layers")
    return "\n".join(lines)


def describe_plan(plan: FreezePlan) -> str:
    """Return how many tensors train and a short digest of their names."""
    digest = hashlib.sha256("\n".join(sorted(plan.trainable)).encode()).hexdigest()[:8]
    return f"{len(plan.trainable)} tensors ({digest})"


def _share(part: int, whole: int) -> str:
    share = 100 * part / max(whole, 1)
    return f"{share:.3f} %" if 0 < share < 1 else f"{share:.1f} %"
