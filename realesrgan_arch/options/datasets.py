"""The `datasets` section of an option file; names and defaults are upstream's unless said."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from realesrgan_arch.degradation.settings import (
    KERNEL_TYPES,
    DegradationSettings,
    KernelType,
    StageSettings,
    second_stage_defaults,
)
from realesrgan_arch.options.fields import (
    Count,
    CountOrZero,
    FilePath,
    PositiveInterval,
    Section,
    Share,
    Text,
    not_offered,
)

_FIRST, _SECOND = StageSettings(), second_stage_defaults()
PAIRED_TYPES = ("RealESRGANPairedDataset", "PairedImageDataset", "PairedDataset")
DATASET_KEY = r"^(train|(val|test)(_\w+)?)$"

BackendType = Annotated[
    Literal["disk", "lmdb"], not_offered({"memcached": "copy the images into a folder and write type: disk"})
]
KernelSize = Literal[7, 9, 11, 13, 15, 17, 19, 21]
Shares = tuple[Share, ...]


def _has_one_place(template: str) -> str:
    if template.count("{}") != 1 or set("{}") & set(template.replace("{}", "")):
        raise ValueError(f"expected a text with one {{}} for the stem of the GT file, got {template!r}")
    return template


Template = Annotated[Text, AfterValidator(_has_one_place)]


class BackendOptions(Section):
    """Where images are stored."""

    type: BackendType = "disk"
    """lmdb: `dataroot_gt` (and `dataroot_lq`) is a folder that ends in .lmdb, in BasicSR's layout."""


class DatasetOptions(Section):
    """What the data sets for training, validation and testing have in common."""

    name: Text | None = None
    dataroot_gt: FilePath | None = None
    dataroot_lq: FilePath | None = None
    manifest: FilePath | None = None
    """Table of a split, `data_split/<name>/<part>.csv` (ours)."""
    allow_changed: bool = False
    """Read files that changed since the manifest was written (ours)."""
    meta_info: FilePath | None = None
    """List of files below `dataroot_gt`; with pairs, two names a line."""
    meta_info_file: FilePath | None = None
    """The same, under the name that PairedImageDataset has for it."""
    io_backend: BackendOptions = BackendOptions()
    filename_tmpl: Template = "{}"
    """Name of the LQ file for the stem of the GT file."""

    @property
    def list_file(self) -> Path | None:
        """The list of files under either name."""
        return self.meta_info or self.meta_info_file


class TrainDataset(DatasetOptions):
    """`datasets.train`: images, and the blur of both passes."""

    type: Literal["RealESRGANDataset", "GtDataset", "RealESRGANPairedDataset", "PairedImageDataset", "PairedDataset"]

    blur_kernel_size: KernelSize = 21
    kernel_list: tuple[KernelType, ...] = KERNEL_TYPES
    kernel_prob: Shares = _FIRST.kernel_probs
    sinc_prob: Share = _FIRST.sinc_prob
    blur_sigma: PositiveInterval = _FIRST.blur_sigma_range
    betag_range: PositiveInterval = _FIRST.betag_range
    betap_range: PositiveInterval = _FIRST.betap_range

    blur_kernel_size2: KernelSize = 21
    kernel_list2: tuple[KernelType, ...] = KERNEL_TYPES
    kernel_prob2: Shares = _SECOND.kernel_probs
    sinc_prob2: Share = _SECOND.sinc_prob
    blur_sigma2: PositiveInterval = _SECOND.blur_sigma_range
    betag_range2: PositiveInterval = _SECOND.betag_range
    betap_range2: PositiveInterval = _SECOND.betap_range

    final_sinc_prob: Share = DegradationSettings().final_sinc_prob

    gt_size: Count | None = None
    """Crop of paired data; synthetic pairs take the `gt_size` at the top."""
    degradation: Literal["full", "bicubic", "blur_bicubic"] = "full"
    """How single images become LQ (ours): the two passes of this file, or its `gate`; MATLAB's bicubic, as in the
    papers of SRGAN and ESRGAN; or a Gaussian blur with a sigma of `blur_sigma`, and then bicubic."""
    crop_size: Count = 400
    """Side of the crop that is degraded, before the crop to `gt_size` (ours; fixed upstream)."""
    use_hflip: bool = True
    use_rot: bool = False
    use_shuffle: bool = True
    num_worker_per_gpu: CountOrZero = 2
    worker_timeout_s: CountOrZero = 300
    """A worker that brings no batch for so long counts as hung; 0 waits for ever (ours)."""
    batch_size_per_gpu: Count
    dataset_enlarge_ratio: Count = 1
    prefetch_mode: Literal["cuda", "cpu"] | None = None
    num_prefetch_queue: Count = 1
    pin_memory: bool = True
    persistent_workers: bool = False

    @property
    def is_paired(self) -> bool:
        """Whether the LQ images come from files instead of the degradation."""
        return self.type in PAIRED_TYPES

    @property
    def is_plain(self) -> bool:
        """Whether the LQ images are made without the two passes: by bicubic shrinking, blurred before it or not."""
        return not self.is_paired and self.degradation != "full"


class ValDataset(DatasetOptions):
    """`datasets.val`, `val_1`, ..., `test`, `test_1`, ...: whole images."""

    type: Literal["PairedImageDataset", "SyntheticPairs", "FrozenPairs"]
    """FrozenPairs: `dataroot_gt` is the folder of one part that `data freeze` made (ours)."""
    degradation: Literal["bicubic", "blur_bicubic", "full", "medium", "mild", "camera-jpeg"] = "bicubic"
    """How SyntheticPairs makes LQ (ours): bicubic; a Gaussian blur with a sigma of `datasets.train.blur_sigma`, and
    then bicubic; `full`: the two passes of this file, or what its `gate` chooses, once; or a preset of that name, as
    `data freeze` and `evaluate` have them."""
    seed: CountOrZero = 0
    """Of what these two draw (ours)."""
    max_size: Count | None = None
    """Larger images are cropped at the centre to this side, in pixels (ours)."""
    max_images: Count | None = None
    """At most so many (ours)."""

    @property
    def is_paired(self) -> bool:
        """Whether the LQ images come from files."""
        return self.type == "PairedImageDataset"

    @property
    def is_frozen(self) -> bool:
        """Whether both images come from a set that `data freeze` made."""
        return self.type == "FrozenPairs"


class Datasets(Section):
    """`train`, and any number of `val...` and `test...`."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"propertyNames": {"pattern": DATASET_KEY}})
    __pydantic_extra__: dict[Annotated[str, Field(pattern=DATASET_KEY)], ValDataset] = Field(init=False)  # pyright: ignore[reportIncompatibleVariableOverride]

    train: TrainDataset | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_empty_sections(cls, data: object) -> object:
        """Drop `val: ~`, which is what remains when its keys are commented out."""
        return {k: v for k, v in data.items() if v is not None} if isinstance(data, Mapping) else data

    def validation_sets(self) -> dict[str, ValDataset]:
        """Return the sets `val`, `val_1`, ... by key, in the order of the file."""
        return self._sets("val")

    def test_sets(self) -> dict[str, ValDataset]:
        """Return the sets `test`, `test_1`, ... by key, in the order of the file."""
        return self._sets("test")

    def _sets(self, phase: str) -> dict[str, ValDataset]:
        return {key: value for key, value in self.__pydantic_extra__.items() if key.split("_")[0] == phase}
