"""Train SRResNet, SRGAN, RRDB-PSNR and ESRGAN small, and compare them on unseen scenes: the tables of docs/systems.md.

python scripts/train_systems.py --data ../shared/data/photos --vgg vgg_normalised_conv3_1.pth [--only srresnet srgan]

Each is trained by train.py from its shipped option file; what is smaller is given as overrides, which are printed. A
run that is finished is skipped, one that was interrupted goes on. With everything trained, all are scored on the test
scenes: `<out>/scores/`.
"""

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from realesrgan_arch.atomic import write_text
from realesrgan_arch.comparison import compare_on, load_contender
from realesrgan_arch.evaluation.contender import bicubic
from realesrgan_arch.evaluation.difference_table import format_differences
from realesrgan_arch.evaluation.evaluate import ImageScore
from realesrgan_arch.evaluation.panels import stack
from realesrgan_arch.evaluation.statistics import judge
from realesrgan_arch.images import from_tensor, read_rgb, to_tensor, write_image
from realesrgan_arch.options.load import load_options
from scripts.vgg19_from_caffe import convert

ROOT = Path(__file__).resolve().parents[1]
COLLECTIONS = ("facades", "pexels", "cameras")
VAL_SHARE, TEST_SHARE = "0.06", "0.15"
NUM_PANELS = 2
TEST_SIDE = 512
"""Larger pictures are cropped at the centre to this side."""
METRICS = """{psnr: {type: calculate_psnr, crop_border: 4, test_y_channel: true},
 ssim: {type: calculate_ssim, crop_border: 4, test_y_channel: true}, niqe: {type: calculate_niqe, crop_border: 4}}"""


@dataclass(frozen=True)
class System:
    """One run: its option file, what is smaller than there, and the run whose best PSNR weights it starts from."""

    title: str
    changes: Mapping[str, str]
    steps: int
    learning_rate: str
    val_freq: int
    base: str = ""

    @property
    def weights(self) -> str:
        """Which of the run's weights are scored: the best of validation by PSNR; of an adversary's run, by NIQE."""
        return "net_g_best_niqe.pth" if self.base else "net_g_best_psnr.pth"


_SRRESNET = {"network_g.num_feat": "32", "network_g.num_block": "6"}
_RRDB = {"network_g.num_feat": "32", "network_g.num_block": "3", "network_g.num_grow_ch": "16"}
_JUDGE = {"network_d": "{type: SRGANDiscriminator, num_feat: 16, input_size: 96}"}
# The paper's SRGAN-MSE: without relu5_4, and no earlier layer of VGG19 would do (docs/systems.md).
_SRGAN = _JUDGE | {
    "train.perceptual_opt": "null",
    "train.pixel_opt": "{type: MSELoss, loss_weight: 1.0}",
    "train.scheduler": "null",
}
# VGG19's first layers hold what the adversary of a short run would lose: colours, and pixels without a grid.
_ESRGAN = _JUDGE | {"train.perceptual_opt.layer_weights": "{conv1_2: 0.5, conv2_2: 0.5, conv3_1: 1.0}"}
SYSTEMS = {
    "srresnet": System("SRResNet", _SRRESNET, 2000, "1.0e-3", 250),
    "srgan": System("SRGAN", _SRRESNET | _SRGAN, 800, "1.0e-4", 100, base="srresnet"),
    "rrdb_psnr": System("RRDB-PSNR", _RRDB, 1500, "5.0e-4", 250),
    "esrgan": System("ESRGAN", _RRDB | _ESRGAN, 150, "5.0e-5", 25, base="rrdb_psnr"),
}


@dataclass(frozen=True)
class Place:
    """Where things are: the options, the photographs and all results."""

    options: Path
    data: Path
    vgg: Path
    out: Path

    def run(self, name: str) -> Path:
        """Return the folder of a run."""
        return self.out / "experiments" / f"train_{name}_x4"

    def weights(self, name: str) -> Path:
        """Return the weights of a run that count."""
        return self.run(name) / "models" / SYSTEMS[name].weights


def main() -> None:
    """Split, train what is asked for, and score once all is trained."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "photos")
    parser.add_argument(
        "--vgg", type=Path, default=ROOT.parent / "shared/weights/perceptual/vgg_normalised_conv3_1.pth"
    )
    parser.add_argument("--options", type=Path, default=ROOT / "options", help="folder of the option files")
    parser.add_argument("--out", type=Path, default=Path("results") / "systems")
    parser.add_argument("--only", nargs="+", choices=SYSTEMS, default=list(SYSTEMS), help="runs to make")
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", help="further overrides for every run")
    parsed = parser.parse_args()
    place = Place(parsed.options.resolve(), parsed.data.resolve(), parsed.vgg.resolve(), parsed.out.resolve())
    prepare(place)
    for name in parsed.only:
        train(name, place, parsed.set)
    if all(place.weights(name).exists() for name in SYSTEMS):
        print(score(place), flush=True)


def prepare(place: Place) -> None:
    """Link the photographs, split them by scene and convert VGG19, unless that has been done."""
    photos = place.out / "photos"
    photos.mkdir(parents=True, exist_ok=True)
    for collection in COLLECTIONS:
        if not (photos / collection).exists():
            (photos / collection).symlink_to(place.data / collection)
    if not (place.out / "split" / "split.json").exists():
        shares = ("--val", VAL_SHARE, "--test", TEST_SHARE)
        _call(
            "-m",
            "realesrgan_arch.cli",
            "data",
            "split",
            photos,
            "--by",
            "folder",
            "--out",
            place.out / "split",
            *shares,
        )
    if not (place.out / "vgg19.pth").exists():
        convert(place.vgg, place.out / "vgg19.pth")


def train(name: str, place: Place, further: Sequence[str]) -> None:
    """Train one system to its end, from where it stands."""
    file = place.options / f"train_{name}_x4.yml"
    changes = [f"{key}={value}" for key, value in overrides(name, place).items()]
    start, used = time.monotonic(), _cpu_seconds()
    _call(ROOT / "realesrgan_arch" / "train.py", "-opt", file, "--resume", "auto", "--set", *changes, *further)
    minutes, of_cpu = (time.monotonic() - start) / 60, (_cpu_seconds() - used) / 60
    print(f"{name}: {minutes:.1f} min, {of_cpu:.1f} min of CPU", flush=True)


def _cpu_seconds() -> float:
    """Return what the processes that have ended have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def overrides(name: str, place: Place) -> dict[str, str]:
    """Return what differs from the option file, by key."""
    system, split = SYSTEMS[name], place.out / "split"
    last_rate = "1.0e-6" if system.base else "1.0e-5"
    photos = f"dataroot_gt: {place.out / 'photos'}"
    val = f"type: SyntheticPairs, {photos}, manifest: {split / 'val.csv'}, max_size: 384, max_images: 12"
    changes = {
        "path.experiments_root": str(place.out / "experiments"),
        "datasets.train.dataroot_gt": str(place.out / "photos"),
        "datasets.train.manifest": str(split / "train.csv"),
        "datasets.train.crop_size": "128",
        "datasets.train.batch_size_per_gpu": "8",
        "datasets.train.num_worker_per_gpu": "1",
        "datasets.val": "{name: photos_val, " + val + "}",
        "gt_size": "96",
        "train.total_iter": str(system.steps),
        "train.optim_g.lr": system.learning_rate,
        "train.scheduler": f"{{type: CosineAnnealingRestartLR, periods: [{system.steps}], eta_min: {last_rate}}}",
        "train.ema_decay": "0.99",
        "val": f"{{val_freq: {system.val_freq}, guard: none, metrics: {METRICS}}}",
        "logger": "{print_freq: 25, save_checkpoint_freq: 200, use_tb_logger: false}",
    }
    if system.base:
        changes["path.pretrain_network_g"] = str(place.weights(system.base))
        changes["train.perceptual_opt.weights"] = str(place.out / "vgg19.pth")
    return changes | dict(system.changes)


def score(place: Place) -> str:
    """Score all systems and bicubic on the test scenes and return the tables.

    Writes scores.csv, table.txt, differences.txt, panels.jpg and the pictures into `<out>/scores`.
    """
    photos, manifest = place.out / "photos", place.out / "split" / "test.csv"
    test = f"{{type: SyntheticPairs, dataroot_gt: {photos}, manifest: {manifest}, max_size: {TEST_SIDE}}}"
    changes = [f"datasets.test={test}", f"val={{save_img: true, metrics: {METRICS}}}", "precision=fp32"]
    options = load_options(place.options / "train_srresnet_x4.yml", overrides=changes).options
    contenders = [
        load_contender(str(place.weights(name)), options, name=system.title, kind="tuned")
        for name, system in SYSTEMS.items()
    ]
    section, folder = options.datasets.test_sets()["test"], place.out / "scores"
    comparison = compare_on(section, "photographs", options, [bicubic(options.scale), *contenders], folder)
    tables = "\n\n".join([comparison.table, *_differences(comparison.scores)])
    write_text(folder / "differences.txt", tables + "\n")
    _stack_panels(folder)
    return tables


def _stack_panels(folder: Path) -> None:
    """Put some of the panels of all methods below one another, as the picture of docs/systems.md."""
    files = sorted((folder / "visualization" / "panels").glob("*.png"))
    rows = [to_tensor(read_rgb(file)) for file in files[:: -(-len(files) // NUM_PANELS)]]
    write_image(folder / "panels.jpg", from_tensor(stack(rows)), quality=64)


def _differences(scores: Sequence[ImageScore]) -> list[str]:
    """Return each system against what it should beat: bicubic, or the stage that it started from."""
    tables = []
    for system in SYSTEMS.values():
        other = SYSTEMS[system.base].title if system.base else "bicubic"
        rows = (_of(scores, name) for name in (system.title, other))
        found = judge(*rows, scenes={}, method=system.title, other=other)
        tables.append(format_differences({other: found}, method=system.title))
    return tables


def _of(scores: Sequence[ImageScore], method: str) -> list[ImageScore]:
    return [score for score in scores if score.method == method]


def _call(*arguments: object) -> None:
    """Run Python; a failed command ends this script with its exit code."""
    done = subprocess.run([sys.executable, *map(str, arguments)], cwd=ROOT, check=False)
    if done.returncode:
        sys.exit(done.returncode)


if __name__ == "__main__":
    main()
