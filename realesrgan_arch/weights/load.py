"""Load any checkpoint of a network of this project, safely, and say what it is.

Understood: `params_ema` and `params` of BasicSR, a flat state dict, `state_dict` and `model` wrappers, DataParallel's
`module.` prefix, half precision, the two older layouts of ESRGAN, those of public SRResNets, `.pth` and
`.safetensors`.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from realesrgan_arch.networks.build import build_generator
from realesrgan_arch.networks.spec import DISCRIMINATOR_SPECS, GENERATOR_SPECS, DiscriminatorSpec, GeneratorSpec
from realesrgan_arch.weights.detect import describe, detect_spec, shape_text, with_current_names
from realesrgan_arch.weights.read import read_checkpoint
from realesrgan_arch.weights.table import BadModelError, WeightsError

_log = logging.getLogger(__name__)
FLAT = "(flat)"
"""The `key` of weights that lie at the top level of their file."""

_WRAPPERS = ("params_ema", "params", "state_dict", "model_state_dict", "model")
"""Tried in this order when no key is asked for."""


@dataclass(frozen=True)
class LoadedWeights:
    """A state dict with BasicSR's names, float32 on the CPU, and what is known about it."""

    state: dict[str, Tensor]
    key: str
    """The entry of the file that was taken, or `(flat)`."""
    spec: GeneratorSpec | DiscriminatorSpec | None
    dtypes: tuple[str, ...] = ()
    """The dtypes in the file, before the cast to float32."""
    keys: tuple[str, ...] = ()
    """The top-level entries of the file, or `(flat)`."""


@dataclass(frozen=True)
class LoadReport:
    """Names that did not fit when weights went into a network; all empty after a strict load."""

    missing: tuple[str, ...]
    extra: tuple[str, ...]
    wrong_shape: tuple[str, ...]


def load_weights(path: str | Path, *, key: str | None = None) -> LoadedWeights:
    """Read a checkpoint (a path, or the name of known weights that are present).

    `key` names the entry that holds the weights (BasicSR's `param_key_g`); None takes `params_ema`, then `params`, then
    the usual wrappers, then the file itself. Raises `BadModelError` for whatever is not a finite state dict. A file
    without `params_ema` gives its `params`, and a flat file itself, with a warning in the log.
    """
    path = Path(path)
    contents = read_checkpoint(path)
    if not isinstance(contents, Mapping):
        raise BadModelError(f"{path} holds a {type(contents).__name__}, expected a dictionary of tensors.")
    taken, entry = _take(contents, key=key, path=path)
    tensors = _checked_tensors(entry, path=path)
    state = with_current_names(_float32(_without_prefix(tensors)))
    _check_finite(state, path=path)
    dtypes = tuple(sorted({str(tensor.dtype).removeprefix("torch.") for tensor in tensors.values()}))
    keys = (FLAT,) if taken == FLAT else tuple(map(str, contents))
    return LoadedWeights(state, taken, detect_spec(state), dtypes=dtypes, keys=keys)


def load_generator(path: str | Path, key: str | None = None) -> tuple[nn.Module, GeneratorSpec]:
    """Build the generator that a checkpoint describes and load it; float32, CPU, training mode.

    Raises `WeightsError` when the file holds no generator that is known here, with what differs where that is known.
    """
    loaded = load_weights(path, key=key)
    if isinstance(loaded.spec, DISCRIMINATOR_SPECS):
        raise WeightsError(f"{path} holds a discriminator ({loaded.spec.type}), expected a generator.")
    if loaded.spec is None:
        names = ", ".join(spec.type for spec in GENERATOR_SPECS)
        raise WeightsError(f"{path} holds no architecture that is known here ({names}): {describe(loaded.state)}.")
    network = build_generator(loaded.spec)
    load_into(network, loaded, name=str(path))
    return network, loaded.spec


def load_into(
    network: nn.Module, weights: LoadedWeights | Mapping[str, Tensor], *, strict: bool = True, name: str
) -> LoadReport:
    """Copy weights into `network` (its dtype and device stay); `name` is how messages call the weights.

    Not strict: what fits in name and shape is copied and the rest is reported. Raises `WeightsError` when strict and
    anything does not fit, or when nothing fits.
    """
    state = weights.state if isinstance(weights, LoadedWeights) else weights
    own = network.state_dict()
    fitting = {key: state[key] for key in own.keys() & state.keys() if own[key].shape == state[key].shape}
    report = LoadReport(
        missing=tuple(key for key in own if key not in state),
        extra=tuple(key for key in state if key not in own),
        wrong_shape=tuple(key for key in own if key in state and key not in fitting),
    )
    misfits = any((report.missing, report.extra, report.wrong_shape))
    if not fitting or (strict and misfits):
        raise WeightsError(_misfit_message(report, own=own, state=state, name=name))
    network.load_state_dict(fitting, strict=False)
    return report


def _take(contents: Mapping, *, key: str | None, path: Path) -> tuple[str, object]:
    if key is not None:
        taken = _asked_or_next(contents, key=key, path=path)
        return taken, contents if taken == FLAT else contents[taken]
    for wrapper in _WRAPPERS:
        if isinstance(contents.get(wrapper), Mapping):
            return wrapper, contents[wrapper]
    return FLAT, contents


def _asked_or_next(contents: Mapping, *, key: str, path: Path) -> str:
    """Return the entry to take: `key`; `params` where there is no `params_ema`, as BasicSR; a flat file as it is."""
    if key in contents:
        return key
    if key == "params_ema" and "params" in contents:
        _log.warning("%s has no entry 'params_ema': its 'params' are taken.", path)
        return "params"
    if contents and all(isinstance(value, Tensor) for value in contents.values()):
        _log.warning("%s has no entry %r: it is flat, and is taken as it is.", path, key)
        return FLAT
    present = ", ".join(map(str, list(contents)[:5])) + (", ..." if len(contents) > 5 else "")
    raise WeightsError(f"{path} has no entry {key!r}; it has {present}: name one of these, or none to choose.")


def _checked_tensors(entry: object, *, path: Path) -> dict[str, Tensor]:
    if not isinstance(entry, Mapping) or not entry:
        raise BadModelError(f"{path} holds no weights: expected a dictionary of tensors, got {type(entry).__name__}.")
    for name, value in entry.items():
        if not isinstance(name, str) or not isinstance(value, Tensor) or value.is_sparse or value.is_quantized:
            raise BadModelError(
                f"{path} is not a plain state dict: its entry {name!r} is a {type(value).__name__}, expected a tensor."
            )
    return dict(entry)


def _without_prefix(state: dict[str, Tensor]) -> dict[str, Tensor]:
    while all(name.startswith("module.") for name in state):
        state = {name.removeprefix("module."): tensor for name, tensor in state.items()}
    return state


def _float32(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in state.items()}


def _check_finite(state: Mapping[str, Tensor], *, path: Path) -> None:
    for name, tensor in state.items():
        if not torch.isfinite(tensor).all():
            raise BadModelError(
                f"{path} holds NaN or infinite values in {name}: the file is damaged or training diverged."
            )


def _misfit_message(report: LoadReport, *, own: Mapping[str, Tensor], state: Mapping[str, Tensor], name: str) -> str:
    shapes = [f"{key} {shape_text(state[key])} instead of {shape_text(own[key])}" for key in report.wrong_shape]
    parts = (("missing", report.missing), ("extra", report.extra), ("of another shape", shapes))
    problems = "; ".join(f"{len(names)} {label}: {_first_few(names)}" for label, names in parts if names)
    return f"weights {name} do not fit the network: {problems}.{_spec_hint(own=own, state=state)}"


def _first_few(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def _spec_hint(*, own: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> str:
    wanted, found = detect_spec(own), detect_spec(state)
    if wanted is None or found is None:
        return ""
    if type(wanted) is not type(found):
        return f" These weights are a {found.type}, the options say {wanted.type}."
    values = asdict(wanted)
    different = {field: value for field, value in asdict(found).items() if value != values[field]}
    if not different:
        return ""
    have = ", ".join(f"{field} {value}" for field, value in different.items())
    want = ", ".join(f"{field} {values[field]}" for field in different)
    return f" These weights are {found.type} with {have}; the options say {want}."
