"""Tiny option files and pictures for tests of whole runs: seconds on a CPU."""

from pathlib import Path

import numpy as np
import yaml

from realesrgan_arch.images import write_image


def write_pictures(folder: Path, *, scenes: int = 3, views: int = 2, size: tuple[int, int] = (80, 72)) -> list[Path]:
    """Smooth random pictures in one folder a scene."""
    generator = np.random.default_rng(0)
    paths = []
    for scene in range(scenes):
        for view in range(views):
            small = generator.integers(0, 256, (size[1] // 8, size[0] // 8, 3), dtype=np.uint8)
            path = folder / f"scene {scene}" / f"view {view}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_image(path, np.ascontiguousarray(np.kron(small, np.ones((8, 8, 1), np.uint8))))
            paths.append(path)
    return paths


def tiny_options(pictures: Path, root: Path, *, gan: bool = False, steps: int = 2) -> dict:
    """A run of `steps` steps with every part in it."""
    train = {
        "ema_decay": 0.9,
        "optim_g": {"type": "Adam", "lr": 1e-3, "betas": [0.9, 0.99]},
        "total_iter": steps,
        "pixel_opt": {"type": "L1Loss", "loss_weight": 1.0},
    }
    mapping = {
        "name": "tiny",
        "model_type": "RealESRGANModel" if gan else "RealESRNetModel",
        "scale": 4,
        "num_gpu": 0,
        "manual_seed": 0,
        "precision": "fp32",  # auto is bf16 on some CPUs
        "gt_size": 32,
        "queue_size": 4,
        "datasets": {
            "train": {
                "name": "train",
                "type": "RealESRGANDataset",
                "dataroot_gt": str(pictures),
                "crop_size": 48,
                "num_worker_per_gpu": 0,
                "batch_size_per_gpu": 2,
                "io_backend": {"type": "disk"},
            },
            "val": {
                "name": "val",
                "type": "SyntheticPairs",
                "dataroot_gt": str(pictures),
                "degradation": "full",
                "max_size": 64,
                "max_images": 2,
            },
        },
        "network_g": {"type": "SRVGGNetCompact", "num_feat": 8, "num_conv": 2, "upscale": 4, "act_type": "prelu"},
        "path": {"experiments_root": str(root / "experiments")},
        "train": train,
        "val": {
            "val_freq": 2,
            "save_img": False,
            "metrics": {"psnr": {"type": "calculate_psnr", "crop_border": 4}},
        },
        "logger": {"print_freq": 1, "save_checkpoint_freq": 1, "use_tb_logger": True},
    }
    if gan:
        mapping["network_d"] = {"type": "UNetDiscriminatorSN", "num_in_ch": 3, "num_feat": 4}
        train["optim_d"] = train["optim_g"]
        train["gan_opt"] = {"type": "GANLoss", "gan_type": "vanilla", "loss_weight": 0.1}
    return mapping


def write_options(path: Path, mapping: dict) -> Path:
    path.write_text(yaml.safe_dump(mapping, sort_keys=False))
    return path
