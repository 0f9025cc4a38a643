"""The one door to basicsr, realesrgan and torchvision: import shims, register(), option translation.

Nothing here happens on import. `register()` puts our model, networks, data sets and losses into BasicSR's registries,
so that BasicSR's own `train_pipeline` can drive them; our loop builds its model through the same registry.
"""

import importlib
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from torch.utils.data import Dataset

from realesrgan_arch.basicsr_shims import import_shims
from realesrgan_arch.data.assembly import build_training_set, build_whole_images
from realesrgan_arch.degradation.settings import DegradationSettings
from realesrgan_arch.losses.adversarial import AdversarialLoss
from realesrgan_arch.losses.perceptual import PerceptualLoss
from realesrgan_arch.losses.pixel import PixelLoss
from realesrgan_arch.networks.compact import SRVGGNetCompact
from realesrgan_arch.networks.patch_discriminator import PatchDiscriminatorSN
from realesrgan_arch.networks.rrdbnet import RRDBNet
from realesrgan_arch.networks.srresnet import SRResNet
from realesrgan_arch.networks.unet_discriminator import UNetDiscriminatorSN
from realesrgan_arch.networks.vgg_discriminators import SRGANDiscriminator, VGGStyleDiscriminator
from realesrgan_arch.options.datasets import TrainDataset, ValDataset
from realesrgan_arch.options.load import parse_options, strip_runtime_keys
from realesrgan_arch.options.types import Options
from realesrgan_arch.training.assembly import assemble_model
from realesrgan_arch.training.micro_batch import settle_accumulate
from realesrgan_arch.training.model import FineTuneModel
from realesrgan_arch.training.run_folder import RunFolder

SUFFIX = "realesrgan_arch"
"""BasicSR has networks and losses of the same names; ours are `RRDBNet_realesrgan_arch` and so on."""
_MODEL_NAMES = ("FineTuneModel", "RealESRGANModel", "RealESRNetModel")
_TRAINING_SET_NAMES = ("GtDataset", "PairedDataset", "RealESRGANDataset", "RealESRGANPairedDataset")
_WHOLE_IMAGE_NAMES = ("SyntheticPairs", "FrozenPairs")
_MEANT_MODEL = "meant_model_type"
_NETWORKS = (
    *(RRDBNet, SRVGGNetCompact, SRResNet),
    *(UNetDiscriminatorSN, PatchDiscriminatorSN, SRGANDiscriminator, VGGStyleDiscriminator),
)
_LOSSES = (PixelLoss, PerceptualLoss, AdversarialLoss)


def register() -> None:
    """Put our parts into BasicSR's registries; calling it twice changes nothing.

    The model answers to its own name, `FineTuneModel`, and to upstream's, so option files of Real-ESRGAN run unchanged;
    a class of the realesrgan package that was registered under such a name before gives way.
    """
    import_shims()
    registry = importlib.import_module("basicsr.utils.registry")
    _import_upstream()
    for network in _NETWORKS:
        _put(registry.ARCH_REGISTRY, f"{network.__name__}_{SUFFIX}", network)
    for loss in _LOSSES:
        _put(registry.LOSS_REGISTRY, f"{loss.__name__}_{SUFFIX}", loss)
    for name in _MODEL_NAMES:
        _put(registry.MODEL_REGISTRY, name, _model_from_basicsr)
    for name in _TRAINING_SET_NAMES:
        _put(registry.DATASET_REGISTRY, name, _training_set_from_basicsr)
    for name in _WHOLE_IMAGE_NAMES:
        _put(registry.DATASET_REGISTRY, name, _whole_images_from_basicsr)


def build_model(options: Options, *, run_folder: RunFolder) -> FineTuneModel:
    """Build the model that `options` name through BasicSR's registry.

    Raises:
        UserError: whatever `training.assembly.assemble_model` finds wrong.
    """
    register()
    # BasicSR announces each model on the console unless its logger exists already.
    importlib.import_module("basicsr.utils").get_root_logger(log_level=logging.WARNING)
    return importlib.import_module("basicsr.models").build_model(to_basicsr(options, run_folder=run_folder))


def to_basicsr(options: Options, *, run_folder: RunFolder) -> dict[str, Any]:
    """Return `options` as the plain dict that BasicSR's parts expect, with the keys that its runner would add."""
    mapping = options.model_dump(mode="json", exclude_unset=True)
    mapping.setdefault("path", {})
    mapping |= {"is_train": True, "dist": False, "rank": 0, "world_size": 1}
    # SRModel and SRGANModel are BasicSR's own in its registry; ours builds them all, and needs to know which was meant.
    mapping |= {"model_type": "FineTuneModel", _MEANT_MODEL: options.model_type}
    mapping["path"]["experiments_root"] = str(run_folder.root)
    return mapping


def from_basicsr(mapping: Mapping[str, Any]) -> Options:
    """Return the options in BasicSR's dict, ours or one that its runner has read from a file.

    Raises:
        OptionsError: with all problems.
    """
    plain = strip_runtime_keys(mapping)
    plain["model_type"] = plain.pop(_MEANT_MODEL, plain.get("model_type"))
    return parse_options(plain)


def _model_from_basicsr(mapping: Mapping[str, Any]) -> FineTuneModel:
    run_folder = RunFolder(Path(mapping["path"]["experiments_root"]))
    return assemble_model(settle_accumulate(from_basicsr(mapping)).options, run_folder=run_folder)


def _training_set_from_basicsr(mapping: Mapping[str, Any]) -> Dataset:
    # BasicSR hands a data set its own section only, without the seed of the run.
    section = TrainDataset.model_validate(_section(mapping))
    dataset = build_training_set(section, scale=mapping["scale"], gt_size=section.gt_size, seed=0)
    return _with_section(dataset, mapping)


def _whole_images_from_basicsr(mapping: Mapping[str, Any]) -> Dataset:
    section = ValDataset.model_validate(_section(mapping))
    dataset = build_whole_images(section, scale=mapping["scale"], degradation=DegradationSettings())
    return _with_section(dataset, mapping)


def _section(mapping: Mapping[str, Any]) -> object:
    stripped: dict[str, Any] = strip_runtime_keys({"datasets": {"any": dict(mapping)}})
    return stripped["datasets"]["any"]


def _with_section(dataset: Dataset, mapping: Mapping[str, Any]) -> Dataset:
    # BasicSR's models read `dataset.opt["name"]` when they report a validation.
    setattr(dataset, "opt", dict(mapping))  # noqa: B010
    return dataset


def _import_upstream() -> None:
    # Their classes register themselves when they are imported, and refuse a name that is taken: so they come first.
    importlib.import_module("basicsr.archs")
    with suppress(ImportError):
        importlib.import_module("realesrgan.models")


def _put(registry: Any, name: str, item: Callable[..., object]) -> None:
    # BasicSR's Registry refuses a name that is taken and has no way to replace one.
    registry._obj_map[name] = item
