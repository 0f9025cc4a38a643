"""The `train`, `val`, `logger`, `path` and `dist_params` sections of an option file.

Names and defaults are BasicSR's (XPixelGroup/BasicSR `options/`, xinntao/Real-ESRGAN `options/`) unless said.
"""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from realesrgan_arch.options.fields import (
    Count,
    CountOrZero,
    FilePath,
    NotNegative,
    Positive,
    Section,
    Text,
    TextList,
    read_number,
)
from realesrgan_arch.options.losses import (
    AmplitudeOptions,
    BaseDistanceOptions,
    DistsOptions,
    FeatureOptions,
    GanLossOptions,
    LdlOptions,
    LowFrequencyOptions,
    LpipsOptions,
    PerceptualLossOptions,
    PixelLossOptions,
)

Momentum = Annotated[float, Field(ge=0, lt=1), BeforeValidator(read_number)]
CompileMode = Literal["none", "default", "max-autotune-no-cudagraphs"]
MEMORY_WORDS = r"^(auto|\d+(\.\d+)? ?[KMGTkmgt][iI]?[bB])$"
FROZEN = ("none",)
"""The value of `train.trainable.network_*` with which a network learns nothing."""


def _read_compile_mode(value: object) -> object:
    """Accept `true` and `false` as well."""
    return {True: "default", False: "none"}[value] if isinstance(value, bool) else value


class OptimizerOptions(Section):
    """Adam or AdamW."""

    type: Literal["Adam", "AdamW"] = "Adam"
    lr: Positive
    weight_decay: NotNegative = 0.0
    """0 for AdamW too, unlike torch's own default."""
    betas: tuple[Momentum, Momentum] = (0.9, 0.99)


class MultiStepOptions(Section):
    """The learning rate is multiplied by `gamma` after each milestone."""

    type: Literal["MultiStepLR", "MultiStepRestartLR"]
    milestones: tuple[Count, ...]
    gamma: Positive = 0.1


class CosineRestartOptions(Section):
    """Cosine annealing with restarts; one weight for each period."""

    type: Literal["CosineAnnealingRestartLR"]
    periods: Annotated[tuple[Count, ...], Field(min_length=1)]
    restart_weights: tuple[NotNegative, ...] = (1.0,)
    eta_min: NotNegative = 0.0


SchedulerOptions = Annotated[MultiStepOptions | CosineRestartOptions, Field(discriminator="type")]


class TrainableOptions(Section):
    """Which layers learn (ours): `all`, `none`, `bias`, `last:N`, `first:N`, module names or globs."""

    network_g: TextList = ("all",)
    network_d: TextList = ("all",)


class TrainOptions(Section):
    """How to train."""

    ema_decay: Momentum = 0.0
    """0 keeps no averaged weights; Real-ESRGAN uses 0.999."""
    optim_g: OptimizerOptions
    optim_d: OptimizerOptions | None = None
    scheduler: SchedulerOptions | None = None
    """A constant learning rate when absent."""
    total_iter: Count
    warmup_iter: Annotated[int, Field(ge=-1), BeforeValidator(read_number)] = -1
    """Steps of linear warm-up; -1 for none."""
    pixel_opt: PixelLossOptions | None = None
    perceptual_opt: PerceptualLossOptions | None = None
    gan_opt: GanLossOptions | None = None
    ldl_opt: LdlOptions | None = None
    lpips_opt: LpipsOptions | None = None
    dists_opt: DistsOptions | None = None
    feature_opt: FeatureOptions | None = None
    amplitude_opt: AmplitudeOptions | None = None
    low_frequency_opt: LowFrequencyOptions | None = None
    base_opt: BaseDistanceOptions | None = None
    net_d_iters: Count = 1
    """The generator learns at every n-th step."""
    net_d_init_iters: CountOrZero = 0
    """First steps in which only the discriminator learns."""
    trainable: TrainableOptions = TrainableOptions()
    restart_schedule: bool = False
    """On the first resume with this, warm-up and schedule of the learning rate start anew (ours)."""
    accumulate: Count | Literal["auto"] = 1
    """Micro-batches added up for one step (ours); `auto` is the smallest number that fits `memory_budget`."""
    memory_budget: Annotated[str, Field(pattern=MEMORY_WORDS)] = "auto"
    """What `accumulate: auto` may use (ours): `8GB`, `8GiB`, or `auto` for what is free on the device."""
    clip_grad_norm: Positive | None = None
    """Longest gradient of each network, as its L2 norm; longer ones are shortened (ours)."""
    bad_steps: Count = 5
    """So many steps in a row that are not finite send the run back to its last checkpoint (ours)."""
    compile: Annotated[CompileMode, BeforeValidator(_read_compile_mode)] = "none"
    """Compile the networks with torch.compile (ours): `none`, or one of its modes; `true` means `default`."""

    @property
    def num_parts(self) -> int:
        """`accumulate` as a number; 1 as long as `auto` has not been settled."""
        return 1 if self.accumulate == "auto" else self.accumulate


class MetricOptions(Section):
    """One score of a validation."""

    type: Literal[
        "calculate_psnr",
        "calculate_ssim",
        "calculate_psnr_y",
        "calculate_ssim_y",
        "calculate_psnr_usm",
        "calculate_ssim_usm",
        "calculate_niqe",
        "calculate_lpips",
        "calculate_dists",
        "calculate_lpips_like",
        "calculate_color",
        "calculate_edges",
    ]
    """BasicSR's three, and ours: on luma, against the sharpened truth, perceptual distances, colour and edges."""
    crop_border: CountOrZero = 0
    """Pixels left out at each side."""
    test_y_channel: bool = False
    better: Literal["higher", "lower"] | None = None
    """For the best checkpoint and the composite; when absent, higher for PSNR and SSIM, lower for the others."""
    weights: FilePath | None = None
    """The folder of perceptual weights (ours), which `calculate_lpips_like` needs."""


class EarlyStoppingOptions(Section):
    """End a run in good order when a score of the first validation set no longer improves (ours)."""

    patience: Count
    """Validations without an improvement."""
    min_delta: NotNegative = 0.0
    """What counts as an improvement, in the units of the metric."""
    metric: Text = "composite"
    """That, or one that `val.metrics` measures, without `calculate_`."""


class ValidationOptions(Section):
    """When and how to validate."""

    val_freq: Count = 5000
    save_img: bool = False
    suffix: str | None = None
    """Accepted, not used."""
    pbar: bool = True
    """Accepted, not used."""
    metrics: dict[str, MetricOptions] = Field(default_factory=dict)
    guard: Literal["none", "warn", "stop", "rollback"] = "warn"
    """When the composite of the first validation set is worse than the base's for `patience` validations (ours)."""
    patience: Count = 3
    """Validations in a row."""
    rollbacks: CountOrZero = 1
    """How often `guard: rollback` goes back to the best checkpoint before the run ends (ours)."""
    early_stopping: EarlyStoppingOptions | None = None


class WandbOptions(Section):
    """A project chooses `tracker: wandb`, as upstream."""

    project: Text | None = None
    resume_id: Text | None = None


class LoggerOptions(Section):
    """What is written while training."""

    print_freq: Count = 100
    save_checkpoint_freq: Count = 5000
    keep_last: Count | Literal["all"] = 3
    """So many of the newest checkpoints stay, weights and state (ours); BasicSR keeps `all`."""
    keep_best: bool = True
    """The best checkpoints of each metric stay, too (ours)."""
    on_disk_full: Literal["pause", "stop"] = "pause"
    """Wait until the disk has room for a checkpoint, or end with exit code 5 (ours)."""
    use_tb_logger: bool = True
    wandb: WandbOptions = WandbOptions()
    tracker: Literal["none", "wandb", "trackio"] | None = None
    """Where curves go too (ours): nowhere when absent, unless there is a wandb.project."""


class PathOptions(Section):
    """Where weights come from and where results go; relative to the current folder, as upstream."""

    pretrain_network_g: Text | None = None
    """File, or a name that `realesrgan-arch weights list` shows."""
    base_network_g: Text | None = None
    """What `test.py` compares with (ours): a file or a known name."""
    param_key_g: Text | None = None
    """`params_ema` or `params`; what the file has when absent."""
    strict_load_g: bool = True
    pretrain_network_d: Text | None = None
    param_key_d: Text | None = None
    strict_load_d: bool = True
    resume_state: FilePath | None = None
    """The same as `resume` at the top with a path."""
    experiments_root: FilePath | None = None
    """Folder of all runs (ours); `experiments` when absent."""


class DistOptions(Section):
    """How the processes that torchrun has started speak; `port` is accepted, torchrun chooses one."""

    backend: Literal["nccl", "gloo"] = "nccl"
    """Of gradients on CUDA; on the CPU it is gloo."""
    timeout_minutes: Positive = 10
    """A rank that says nothing for so long is given up; one that dies is noticed at once."""
    sync_batch_norm: bool = False
    """The statistics of batch norm are those of the batches of all ranks together (ours)."""
    port: Annotated[int, Field(ge=1, le=65535), BeforeValidator(read_number)] = 29500
