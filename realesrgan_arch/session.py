"""A whole training run: options in; weights, scores and a summary out."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import yaml
from torch import nn
from torch.utils.data import DataLoader

from realesrgan_arch import basicsr_bridge
from realesrgan_arch.atomic import write_text
from realesrgan_arch.data.apart import check_manifests_apart
from realesrgan_arch.data.assembly import build_training_set, build_whole_images, named_sets
from realesrgan_arch.data.sampler import StepSampler
from realesrgan_arch.evaluation.pairs import KeptPairs
from realesrgan_arch.options.load import require_train
from realesrgan_arch.options.types import Options
from realesrgan_arch.plural import count_of
from realesrgan_arch.training.assembly import load_base_generator
from realesrgan_arch.training.checkpoint import CheckpointError, load_state
from realesrgan_arch.training.freezing import describe_trainable
from realesrgan_arch.training.model import FineTuneModel
from realesrgan_arch.training.progress import Progress
from realesrgan_arch.training.run_folder import RunFolder
from realesrgan_arch.training.stopping import StopRequest, leave_signals_to_the_parent
from realesrgan_arch.training.trainer import ImageFaults, Rhythm, fit
from realesrgan_arch.training.validation import Validation, report, report_base, score_rules, snapshot

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What a run leaves."""

    run_folder: RunFolder
    weights: Path
    table: str
    """Base against tuned on each validation set; empty without one."""
    failed_files: str

    def summary(self) -> str:
        """Return what was made, where it is and what to do next."""
        lines = [self.table] if self.table else []
        if self.failed_files:
            lines.append(f"images that could not be read:\n{self.failed_files}")
        lines += [
            f"weights  {self.weights}",
            f"run      {self.run_folder.root} (options.yml, metrics.jsonl, models/, training_states/)",
            f"curves   tensorboard --logdir {self.run_folder.tensorboard}",
            f"next     realesrgan-arch upscale -i photos/ -o results/ --model_path {self.weights}",
        ]
        return "\n".join(lines)


def train(options: Options, *, auto_resume: bool = False) -> Outcome:
    """Train as `options` say and return where everything is.

    Args:
        options: with a `train` section.
        auto_resume: go on from the newest state of the run, if there is one.

    Raises:
        UserError: data, weights or folders that cannot be used; before the first step where that can be known.
    """
    check_manifests_apart(options.datasets)
    run_folder = RunFolder((options.path.experiments_root or Path("experiments")) / options.name)
    run_folder.check_place()
    with run_folder.lock():
        return _train_alone(options, run_folder, auto_resume=auto_resume)


def _train_alone(options: Options, run_folder: RunFolder, *, auto_resume: bool) -> Outcome:
    resume = options.path.resume_state or (run_folder.newest_state() if auto_resume else None)
    model = basicsr_bridge.build_model(options, run_folder=run_folder)
    base = load_base_generator(options)
    if resume is not None:
        model.resume_training(load_state(resume))
        _check_unfinished(model, require_train(options).total_iter)
    loader, num_images = _open_training_data(options, model)
    validations = _open_validations(options)
    # Only now that everything else is known to work: a failed start leaves the older run where it is.
    archived = None if resume else run_folder.move_older_run_aside()
    run_folder.prepare()
    _write_effective_options(options, run_folder)
    progress = _open_progress(options, model)
    try:
        if auto_resume and resume is None:
            progress.write("there is no older state to resume from: starting at step 0")
        progress.write(_header(options, model, num_images=num_images, archived=archived, resumed=resume))
        _score_base(options, model, base, validations, progress)
        faults = ImageFaults(num_images)
        validate = partial(_score_now, options, model, validations, progress)
        with StopRequest() as stop:
            rhythm = _rhythm(options)
            fit(model, loader, rhythm=rhythm, progress=progress, faults=faults, validate=validate, stop=stop)
    finally:
        progress.close()
    table = "\n\n".join(validation.table for validation in validations)
    return Outcome(run_folder, run_folder.weights("net_g", None), table=table, failed_files=faults.listing())


def _check_unfinished(model: FineTuneModel, total_steps: int) -> None:
    if model.step >= total_steps:
        raise CheckpointError(
            f"nothing is left to do: the state is of step {model.step} and train.total_iter is {total_steps}; raise it "
            "to go on"
        )


def _score_base(
    options: Options, model: FineTuneModel, base: nn.Module, validations: Sequence[Validation], progress: Progress
) -> None:
    if validations:
        upscale = snapshot(base, scale=options.scale, device=model.device, precision=options.precision)
        report_base(validations, upscale, progress=progress)


def _score_now(
    options: Options, model: FineTuneModel, validations: Sequence[Validation], progress: Progress, step: int
) -> None:
    if not validations:
        return
    network = model.inference_network()
    upscale = snapshot(network, scale=options.scale, device=model.device, precision=options.precision)
    pictures = model.run_folder.visualization if options.val and options.val.save_img else None
    report(validations, upscale, step=step, progress=progress, pictures=pictures)


def _write_effective_options(options: Options, run_folder: RunFolder) -> None:
    text = yaml.safe_dump(options.model_dump(mode="json", exclude_unset=True), sort_keys=False, allow_unicode=True)
    write_text(run_folder.root / "options.yml", text)


def _open_training_data(options: Options, model: FineTuneModel) -> tuple[DataLoader, int]:
    section = options.datasets.train
    if section is None:
        raise ValueError("expected options with datasets.train")
    dataset = build_training_set(section, scale=options.scale, gt_size=options.crop_gt_size, seed=options.manual_seed)
    sampler = StepSampler(
        num_images=len(dataset),
        batch_size=section.batch_size_per_gpu,
        seed=options.manual_seed,
        start_step=model.step + 1,
        num_steps=require_train(options).total_iter - model.step,
    )
    loader = DataLoader(
        dataset,
        batch_sampler=sampler,
        num_workers=section.num_worker_per_gpu,
        pin_memory=section.pin_memory and model.device.type == "cuda",
        worker_init_fn=leave_signals_to_the_parent,
    )
    return loader, len(dataset)


def _open_progress(options: Options, model: FineTuneModel) -> Progress:
    return Progress(
        model.run_folder,
        first_step=model.step,
        total_steps=require_train(options).total_iter,
        device=model.device,
        use_tensorboard=options.logger.use_tb_logger,
    )


def _rhythm(options: Options) -> Rhythm:
    return Rhythm(
        total_steps=require_train(options).total_iter,
        print_every=options.logger.print_freq,
        save_every=options.logger.save_checkpoint_freq,
        validate_every=options.val.val_freq if options.val else 0,
    )


def _open_validations(options: Options) -> list[Validation]:
    sets = named_sets(options.datasets.validation_sets()) if options.val else {}
    validations: list[Validation] = []
    for name, section in sets.items():
        dataset = build_whole_images(section, scale=options.scale, degradation=options.degradation())
        pairs = KeptPairs(dataset[index] for index in range(len(dataset)))
        rules = score_rules(options)
        validations.append(Validation(pairs, name=name, rules=rules, scale=options.scale, set_hash=dataset.set_hash))
    return validations


def _header(
    options: Options, model: FineTuneModel, *, num_images: int, archived: Path | None, resumed: Path | None
) -> str:
    lines = [
        f"run {model.run_folder.root}",
        f"device {model.device}, precision {str(model.dtype).removeprefix('torch.')}, seed {options.manual_seed}",
        f"{count_of(num_images, 'training image')}, {count_of(require_train(options).total_iter, 'step')}",
        describe_trainable(model.generator.network, model.generator.plan, title="network_g"),
    ]
    if model.discriminator is not None:
        lines.append(describe_trainable(model.discriminator.network, model.discriminator.plan, title="network_d"))
    if archived:
        lines.append(f"an older run of this name was moved to {archived}")
    if resumed:
        lines.append(f"resumed from {resumed} at step {model.step}")
    return "\n".join(lines)
