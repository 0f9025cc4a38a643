"""An option file as typed, frozen values: BasicSR's YAML dialect, key by key.

Names and defaults are upstream's (xinntao/Real-ESRGAN `options/` and `realesrgan/models/`) unless said.
`load.py` reads files, `rules.py` holds the rules between keys, `notes.py` says what has no effect.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from realesrgan_arch.degradation.gate import GateName, build_gate
from realesrgan_arch.degradation.settings import (
    Degradation,
    DegradationSettings,
    StageSettings,
    second_stage_defaults,
)
from realesrgan_arch.networks.spec import (
    DISCRIMINATOR_SPECS,
    GENERATOR_SPECS,
    DiscriminatorSpec,
    GeneratorSpec,
)
from realesrgan_arch.options.datasets import Datasets, TrainDataset
from realesrgan_arch.options.fields import (
    Count,
    CountOrZero,
    FilePath,
    FolderName,
    Interval,
    PositiveInterval,
    Section,
    Share,
    Text,
    read_number,
    read_spec,
    without_nothing,
)
from realesrgan_arch.options.train import DistOptions, LoggerOptions, PathOptions, TrainOptions, ValidationOptions
from realesrgan_arch.options.yaml_dialect import KeyPath

_FIRST, _SECOND = StageSettings(), second_stage_defaults()
RELATIVISTIC_MODEL = "ESRGANModel"
"""The model of upstream whose adversarial loss is relativistic."""
UNSHARPENED_MODELS = ("SRModel", "SRGANModel", RELATIVISTIC_MODEL)
"""Models of upstream that know no sharpening."""
SHARPENED_ONCE = "RealESRNetModel"
"""The model of upstream that sharpens the ground truth itself, so that every loss sees the same."""
PLAIN_MODELS = ("RealESRNetModel", "SRModel")
"""Models of upstream that train without a discriminator."""

ModelType = Literal["FineTuneModel", "RealESRGANModel", "RealESRNetModel", "SRModel", "SRGANModel", "ESRGANModel"]
Quality = Annotated[float, Field(gt=0, le=100), BeforeValidator(read_number)]
QualityInterval = tuple[Quality, Quality]
ThreeShares = tuple[Share, Share, Share]


@dataclass(frozen=True)
class UsmSettings:
    """Where the sharpened ground truth takes the place of the plain one."""

    lq: bool
    """The degradation starts from it."""
    pixel: bool
    perceptual: bool
    adversarial: bool


class Options(Section):
    """A whole option file."""

    name: FolderName
    """Of the run, and of its folder."""
    model_type: ModelType = "FineTuneModel"
    """FineTuneModel is ours; upstream's names stand for it."""
    scale: Literal[1, 2, 4] = 4
    num_gpu: Annotated[int, Field(ge=0)] | Literal["auto"] = "auto"
    manual_seed: CountOrZero = 0
    resume: Literal["auto", "none"] | FilePath = "none"
    """`auto` goes on from the newest whole checkpoint of this run, if there is one; `none` starts anew; or the state or
    run folder to go on from (ours)."""
    device: Annotated[Text, Field(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")] = "auto"
    """`auto`, `cpu`, `cuda`, `cuda:N` or `mps` (ours)."""
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    """Numbers inside the networks (ours)."""

    l1_gt_usm: bool = True
    percep_gt_usm: bool = True
    gan_gt_usm: bool = False
    lq_from_usm: bool = True
    """Degrade the sharpened ground truth, as upstream always does (ours)."""
    gt_usm: bool | None = None
    """RealESRNetModel's only switch: stands for `lq_from_usm` and `l1_gt_usm`, and there for `percep_gt_usm` too."""

    high_order_degradation: bool | None = None
    """True for a folder of images, False for pairs; follows from `datasets.train.type` when absent."""
    gate: Annotated[dict[GateName, Share], BeforeValidator(without_nothing)] | None = None
    """What becomes of a batch, each with its probability (ours): `two_orders`, the two passes of this file;
    `one_order`, the first of them alone; `clean`, bicubic; or the presets `camera-jpeg`, `mild`, `medium` and `full`.
    `two_orders` for all when absent."""
    resize_prob: ThreeShares = _FIRST.resize_probs
    """Up, down, keep."""
    resize_range: PositiveInterval = _FIRST.resize_range
    gaussian_noise_prob: Share = _FIRST.gaussian_noise_prob
    noise_range: Interval = _FIRST.noise_sigma_255_range
    poisson_scale_range: PositiveInterval = _FIRST.poisson_scale_range
    gray_noise_prob: Share = _FIRST.gray_noise_prob
    jpeg_range: QualityInterval = _FIRST.jpeg_quality_range

    second_blur_prob: Share = _SECOND.blur_prob
    resize_prob2: ThreeShares = _SECOND.resize_probs
    resize_range2: PositiveInterval = _SECOND.resize_range
    gaussian_noise_prob2: Share = _SECOND.gaussian_noise_prob
    noise_range2: Interval = _SECOND.noise_sigma_255_range
    poisson_scale_range2: PositiveInterval = _SECOND.poisson_scale_range
    gray_noise_prob2: Share = _SECOND.gray_noise_prob
    jpeg_range2: QualityInterval = _SECOND.jpeg_quality_range

    gt_size: Count = 256
    queue_size: CountOrZero = 180
    """Pairs in the pool; 0 for none. Pairs of files and bicubic ones have none in any case."""

    datasets: Datasets = Datasets()
    network_g: Annotated[
        GeneratorSpec,
        Field(discriminator="type"),
        BeforeValidator(partial(read_spec, spec_types=GENERATOR_SPECS)),
    ]
    network_d: (
        Annotated[
            DiscriminatorSpec,
            Field(discriminator="type"),
            BeforeValidator(partial(read_spec, spec_types=DISCRIMINATOR_SPECS)),
        ]
        | None
    ) = None
    path: PathOptions = PathOptions()
    train: TrainOptions | None = None
    val: ValidationOptions | None = None
    logger: LoggerOptions = LoggerOptions()
    dist_params: DistOptions = DistOptions()

    @property
    def resume_from(self) -> Literal["auto", "none"] | Path:
        """Where to go on from; upstream's `path.resume_state` is a path too."""
        return self.path.resume_state or self.resume

    def resuming(self, source: Literal["auto", "none"] | Path) -> "Options":
        """Return these options with another `resume_from`, as the command line asks for it."""
        path = self.path.model_copy(update={"resume_state": None})
        return self.model_copy(update={"resume": source, "path": path})

    @property
    def run_path(self) -> Path:
        """The folder of the run, which need not be there."""
        return (self.path.experiments_root or Path("experiments")) / self.name

    @property
    def is_paired(self) -> bool:
        """Whether training reads its LQ images from files."""
        return self.datasets.train is not None and self.datasets.train.is_paired

    @property
    def pool_size(self) -> int:
        """Pairs in the pool: `queue_size`, but none of files and of bicubic LQ images, each batch of which is as mixed
        as they can be."""
        train = self.datasets.train
        return 0 if train is not None and (train.is_paired or train.is_plain) else self.queue_size

    @property
    def is_relativistic(self) -> bool:
        """Whether the adversarial loss compares each side with the other; ESRGANModel's does, if nothing is said."""
        gan = self.train.gan_opt if self.train else None
        said = gan.relativistic if gan else None
        return self.model_type == RELATIVISTIC_MODEL if said is None else said

    @property
    def crop_gt_size(self) -> int:
        """Side of the ground truth that the networks see; of paired data, `datasets.train.gt_size` comes first."""
        train = self.datasets.train
        if train is not None and train.is_paired and train.gt_size is not None:
            return train.gt_size
        return self.gt_size

    @property
    def crop_gt_path(self) -> KeyPath:
        """The key that says `crop_gt_size`."""
        train = self.datasets.train
        is_told = train is not None and train.is_paired and train.gt_size is not None
        return ("datasets", "train", "gt_size") if is_told else ("gt_size",)

    def usm(self) -> UsmSettings:
        """Return the four sharpening switches, with RealESRNetModel's `gt_usm` resolved; it leaves pairs alone."""
        is_net = self.model_type == SHARPENED_ONCE
        if self.model_type in UNSHARPENED_MODELS or (is_net and self.is_paired):
            return UsmSettings(lq=False, pixel=False, perceptual=False, adversarial=False)
        lq = self.lq_from_usm if self.gt_usm is None else self.gt_usm
        pixel = self.l1_gt_usm if self.gt_usm is None else self.gt_usm and not self.is_paired
        if is_net:
            return UsmSettings(lq=lq, pixel=pixel, perceptual=pixel, adversarial=False)
        return UsmSettings(lq=lq, pixel=pixel, perceptual=self.percep_gt_usm, adversarial=self.gan_gt_usm)

    def degradation(self) -> Degradation:
        """Return what the LQ images are drawn from: both passes, or the gate with them behind it."""
        passes = self.passes()
        return passes if self.gate is None else build_gate(self.gate, passes)

    def passes(self) -> DegradationSettings:
        """Return both passes; the blur is that of `datasets.train`, or upstream's when there is none."""
        blur = self.datasets.train or TrainDataset(type="GtDataset", batch_size_per_gpu=1)
        first = StageSettings(
            blur_prob=_FIRST.blur_prob,
            kernel_types=blur.kernel_list,
            kernel_probs=blur.kernel_prob,
            sinc_prob=blur.sinc_prob,
            blur_sigma_range=blur.blur_sigma,
            betag_range=blur.betag_range,
            betap_range=blur.betap_range,
            resize_probs=self.resize_prob,
            resize_range=self.resize_range,
            gaussian_noise_prob=self.gaussian_noise_prob,
            noise_sigma_255_range=self.noise_range,
            poisson_scale_range=self.poisson_scale_range,
            gray_noise_prob=self.gray_noise_prob,
            jpeg_quality_range=self.jpeg_range,
        )
        second = StageSettings(
            blur_prob=self.second_blur_prob,
            kernel_types=blur.kernel_list2,
            kernel_probs=blur.kernel_prob2,
            sinc_prob=blur.sinc_prob2,
            blur_sigma_range=blur.blur_sigma2,
            betag_range=blur.betag_range2,
            betap_range=blur.betap_range2,
            resize_probs=self.resize_prob2,
            resize_range=self.resize_range2,
            gaussian_noise_prob=self.gaussian_noise_prob2,
            noise_sigma_255_range=self.noise_range2,
            poisson_scale_range=self.poisson_scale_range2,
            gray_noise_prob=self.gray_noise_prob2,
            jpeg_quality_range=self.jpeg_range2,
        )
        return DegradationSettings(first=first, second=second, final_sinc_prob=blur.final_sinc_prob)
