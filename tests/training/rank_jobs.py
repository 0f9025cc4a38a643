"""What the ranks of a test do, in processes that it has forked (`tests/warm.py`).

The first rank leaves what it found in FOLDER/results.pt.
"""

import copy
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import torch

from realesrgan_arch import session, train
from realesrgan_arch.data.assembly import build_whole_images
from realesrgan_arch.entry import run
from realesrgan_arch.evaluation.evaluate import ScoreRules
from realesrgan_arch.evaluation.pairs import KeptPairs
from realesrgan_arch.losses.pixel import PixelLoss
from realesrgan_arch.options.load import load_options
from realesrgan_arch.resampling import magnify_bicubic
from realesrgan_arch.torchrun import RanksError, read_place
from realesrgan_arch.training.assembly import assemble_model
from realesrgan_arch.training.game import Game
from realesrgan_arch.training.loading import TrainingBatches
from realesrgan_arch.training.model import FineTuneModel
from realesrgan_arch.training.ranks import Ranks, checksum
from realesrgan_arch.training.ranks_meeting import open_ranks
from realesrgan_arch.training.run_folder import RunFolder
from realesrgan_arch.training.validation import Validation

CASES = {
    "all": [],
    "frozen": ["train.trainable.network_g=last:2", "train.trainable.network_d=last:3"],
    # One that trains moves its spectral vectors from part to part, and the parts of two ranks hold other samples.
    "accumulated": ["train.accumulate=2", "train.trainable.network_d=none"],
}
BATCH = 2


def train_a_little(folder: Path, ranks: Ranks, overrides: list[str], *, steps: int, batch: int) -> dict:
    """Gradients of the first step and weights of the last one, by name."""
    overrides = [*overrides, f"datasets.train.batch_size_per_gpu={batch}", "queue_size=0"]
    options = load_options(folder / "options.yml", overrides=overrides).options
    model = assemble_model(options, run_folder=RunFolder(folder / "unused"))
    model.join(ranks)
    left = {}
    for step, data in enumerate(TrainingBatches(options, pin_memory=False, ranks=ranks).open(1), start=1):
        model.update_learning_rate(step)
        model.feed_data(data)
        model.optimize_parameters(step)
        if step == 1:
            left["gradients"] = gradients(model)
            left["log"] = ranks.mean(model.get_current_log())
        if step == steps:
            break
    left["weights"] = copy.deepcopy(
        {f"{network} {kind}": state for network, kinds in model.weights().items() for kind, state in kinds.items()}
    )
    return left


def gradients(model) -> dict[str, torch.Tensor]:
    named = {"g": model.generator.network, "d": model.discriminator.network}
    return {
        f"{key}.{name}": parameter.grad.clone()
        for key, network in named.items()
        for name, parameter in network.named_parameters()
        if parameter.grad is not None and parameter.requires_grad
    }


def compare_steps(folder: Path, ranks: Ranks) -> dict:
    found = {}
    for name, overrides in CASES.items():
        alone = train_a_little(folder, Ranks.single(), overrides, steps=1, batch=BATCH * ranks.world_size)
        together = train_a_little(folder, ranks, overrides, steps=4, batch=BATCH)
        found[name] = {"alone": alone, "together": ranks.gather(together)}
    return found


def compare_validations(folder: Path, ranks: Ranks) -> dict:
    options = load_options(folder / "options.yml", overrides=["datasets.val.max_images=3"]).options
    dataset = build_whole_images(options.datasets.validation_sets()["val"], scale=4, degradation=options.degradation())
    pairs = KeptPairs(dataset[index] for index in range(len(dataset)))
    left = {}
    for name, who in (("alone", Ranks.single()), ("together", ranks)):
        validation = Validation(pairs, name="val", rules=ScoreRules(metrics=("psnr", "ssim")), scale=4, ranks=who)
        upscaled = []

        def upscale(lq, upscaled=upscaled):
            upscaled.append(lq)
            return (magnify_bicubic(lq, scale=4) * 0.9).clamp(0, 1)

        base = validation.score_base(upscale)
        now = validation.score_now(upscale, pictures=folder / name / f"rank {ranks.rank}", step=1)
        grid = validation.grid()
        left[name] = {
            "base": base, "now": now, "table": validation.table, "grid": grid, "upscaled": len(upscaled)
        }  # fmt: skip
    return {"of ranks": ranks.gather(left)}


def speak(ranks: Ranks) -> dict:
    even = torch.nn.Linear(1, 1)
    even.register_buffer("mean", torch.tensor([float(ranks.rank)]))
    ranks.share_buffers(even)
    return {
        "unequal": ranks.gather(disagree(ranks)),
        "highest": ranks.highest(ranks.rank * 15),
        "mean": ranks.mean({"a": ranks.rank, "b": 4.0}),
        "from first": ranks.from_first(f"said by {ranks.rank}"),
        "scattered": ranks.gather(ranks.scatter(["for 0", "for 1"])),
        "gathered": ranks.gather_on_first(ranks.rank),
        "flag": ranks.gather([bool(ranks.all_agree(torch.tensor(flag))) for flag in (True, ranks.is_first)]),
        "buffers": ranks.gather(float(even.mean)),
        "checksums differ": checksum({"a": torch.tensor([1.0])}) != checksum({"a": torch.tensor([1.0 + 2**-23])}),
    }


def disagree(ranks: Ranks) -> str:
    try:
        ranks.check_same({"options": "same", "weights": f"of {ranks.rank}"}, remedy="mend it")
    except RanksError as error:
        return str(error)
    except SystemExit as silent:
        return f"silent, {silent.code}"
    return "nothing"


def meet(folder: Path) -> int:
    with open_ranks(read_place(), wants_cpu=True, backend="nccl", timeout_minutes=1) as ranks:
        results = {
            "words": speak(ranks),
            "steps": compare_steps(folder, ranks),
            "validations": compare_validations(folder, ranks),
        }
        if ranks.is_first:
            torch.save(results, folder / "results.pt")
    return 0


def meet_again(folder: Path) -> int:
    """Meet three times, the second rank late; what they say to one another is in `again.pt`."""
    heard: list[list[str]] = []
    for number in range(3):
        if number and read_place().rank:
            time.sleep(0.5)
        place = replace(read_place(), meeting=number)
        with open_ranks(place, wants_cpu=True, backend="nccl", timeout_minutes=0.5) as ranks:
            heard.append(ranks.gather(f"rank {ranks.rank} in meeting {number}"))
    if read_place().rank == 0:
        torch.save(heard, folder / "again.pt")
    return 0


def train_run(folder: Path, name: str, overrides: list[str]) -> int:
    options = load_options(folder / "options.yml", overrides=[f"name={name}", *overrides]).options
    session.train(options, auto_resume=True, place=read_place())
    return 0


def die(folder: Path) -> int:
    """Train until step 6, in which the second rank is killed as by the system."""
    play = Game.play

    def play_or_die(self, lq, targets, *, step):
        if step == 6 and read_place().rank == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return play(self, lq, targets, step=step)

    Game.play = play_or_die
    return train_run(folder, "killed", [])


def learn_faster(folder: Path) -> int:
    """Both train, the second rank with another learning rate."""
    return train_run(folder, "unequal", ["train.optim_g.lr=0.002"] if read_place().rank else [])


def look_elsewhere(folder: Path) -> int:
    """Both train, the second rank with its own copy of the pictures."""
    sets = [f"datasets.{name}.dataroot_gt={folder / 'copy'}" for name in ("train", "val")]
    return train_run(folder, "elsewhere", ["train.total_iter=2", *(sets if read_place().rank else [])])


def watch_pairs(folder: Path) -> int:
    """Train, and leave the pairs (LQ, GT) that each step of each rank trained on, as uint8 (B, 3, H, W)."""
    seen: dict[int, list[torch.Tensor]] = {}
    optimize = FineTuneModel.optimize_parameters

    def spied(self, step):
        visuals = self.get_current_visuals()
        seen[step] = [visuals[name].mul(255).round().to(torch.uint8) for name in ("lq", "gt")]
        optimize(self, step)

    FineTuneModel.optimize_parameters = spied
    code = train_run(folder, "watched", [])
    torch.save(seen, folder / f"seen_{read_place().rank}.pt")
    return code


def spoil(folder: Path) -> int:
    """Train with losses of the second rank that are not finite, until that is too much."""
    if read_place().rank == 1:
        PixelLoss.__call__ = lambda self, prediction, target: (prediction * float("nan")).mean()
    return train_run(folder, "spoilt", ["train.bad_steps=2"])


JOBS = {
    "meet": meet,
    "meet_again": meet_again,
    "die": die,
    "learn_faster": learn_faster,
    "look_elsewhere": look_elsewhere,
    "watch_pairs": watch_pairs,
    "spoil": spoil,
}


def perform(job: str, folder: str) -> int:
    """Do the job as a command would, and return its exit code."""
    return run(lambda arguments: JOBS[arguments[0]](Path(arguments[1])), [job, folder])


def train_as_asked(*arguments: str) -> int:
    """Do what `train.py` does with these arguments."""
    return run(train.main, arguments)
