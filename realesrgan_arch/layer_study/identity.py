"""What a study is: all that decides the scores of its runs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from realesrgan_arch.data.frozen_card import hash_json
from realesrgan_arch.data.manifest import ManifestRow
from realesrgan_arch.layer_study.protocol import Protocol
from realesrgan_arch.layer_study.scoring import Judge
from realesrgan_arch.layer_study.short_run import Stages
from realesrgan_arch.losses.backbone import find_distilled
from realesrgan_arch.options.load import require_train
from realesrgan_arch.options.types import Options
from realesrgan_arch.training.assembly import load_base_generator
from realesrgan_arch.training.base_scores import network_digest
from realesrgan_arch.training.loss_assembly import VGG19_FILE
from realesrgan_arch.weights.download import find_or_download
from realesrgan_arch.weights.table import sha256_of

_MACHINE_KEYS = {"name", "logger", "val", "num_gpu", "device", "dist_params", "resume"}
"""What may change between two calls of one study; of `val` the judge's digest has what matters."""


def study_identity(
    base: Options, protocol: Protocol, judge: Judge, rows: Sequence[ManifestRow]
) -> Mapping[str, object]:
    """Return all that decides the scores of a run, but for candidate and seed: more of either may join a study.

    Weights count by their content: a file such as `net_g_latest.pth` keeps its name when its run goes on.

    Args:
        base: options of the user.
        protocol: of the study.
        judge: that scores.
        rows: the training pictures.

    Raises:
        UserError: weights that are absent or cannot be read.
    """
    pictures = hash_json([asdict(row) for row in rows])
    return _identity(base, judge, protocol=asdict(protocol), pictures=pictures)


def probe_identity(base: Options, stages: Stages, judge: Judge, *, pictures: str) -> Mapping[str, object]:
    """Return all that decides the scores of a short run, as `study_identity`, but for what training pictures hold.

    Args:
        base: options of the user.
        stages: of the probe.
        judge: that scores.
        pictures: `TrainingBatches.in_words`, which tells them by names and sizes; one that is changed in place and
            keeps its size is not noticed.

    Raises:
        UserError: weights that are absent or cannot be read.
    """
    return _identity(base, judge, protocol={"probe": asdict(stages)}, pictures=pictures)


def _identity(base: Options, judge: Judge, *, protocol: Mapping[str, object], pictures: str) -> Mapping[str, object]:
    options = base.model_dump(mode="json", exclude=_MACHINE_KEYS)
    options["path"].pop("experiments_root", None)
    options["datasets"] = {"train": options["datasets"]["train"]}
    options["train"].pop("trainable", None)
    return {
        "options": options,
        "protocol": protocol,
        "weights": _weights(base),
        "training pictures": pictures,
        "validation pictures and metrics": judge.digest,
    }


def _weights(base: Options) -> dict[str, str]:
    train = require_train(base)
    perceptual, features = train.perceptual_opt, train.feature_opt
    files = {
        "network_d": base.path.pretrain_network_d if base.network_d else None,
        "vgg19": str(perceptual.weights or VGG19_FILE) if perceptual else None,
        "distilled vgg19": str(find_distilled(features.weights)) if features else None,
    }
    hashes = {name: sha256_of(find_or_download(source)) for name, source in files.items() if source}
    return {"network_g": network_digest(load_base_generator(base)), **hashes}
