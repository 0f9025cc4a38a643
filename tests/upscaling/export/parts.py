"""Tiny networks in files, alone or in the folder of a run, and an export of them."""

from pathlib import Path

import torch

from realesrgan_arch.data.manifest import ManifestRow, write_manifest
from realesrgan_arch.file_hash import hash_file
from realesrgan_arch.networks.build import build_generator
from realesrgan_arch.networks.spec import CompactSpec, GeneratorSpec, RRDBNetSpec
from realesrgan_arch.training.checkpoint import Written
from realesrgan_arch.training.checkpoint_manifest import FileRecord, Manifest, manifest_path
from realesrgan_arch.training.checkpoint_manifest import write_manifest as write_checkpoint
from realesrgan_arch.training.run_folder import RunFolder
from realesrgan_arch.training.run_ranks import write_num_ranks
from realesrgan_arch.upscaling.export.session import ExportOutcome, ExportRequest, export
from tests.tiny_run import tiny_options, write_options

X2 = RRDBNetSpec(num_feat=8, num_block=1, scale=2)
COMPACT = CompactSpec(num_feat=8, num_conv=2)


def write_weights(path: Path, spec: GeneratorSpec, *, seed: int = 0) -> Path:
    torch.manual_seed(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"params": build_generator(spec).state_dict()}, path)
    return path


def export_to(folder: Path, weights: Path, *formats: str, **settings: object) -> ExportOutcome:
    return export(ExportRequest(str(weights), formats, output=folder, **settings))  # pyright: ignore


def write_run(root: Path, pictures: Path, *, val_scene: str | None = None) -> Path:
    """Leave what a run leaves after step 2, and return its latest weights; with a scene, validation has a list, too."""
    split = root / "split.csv"
    write_manifest([ManifestRow("a.png", "a", "train", 8, 8, 9, "0" * 64)] * 3, split)
    options = tiny_options(pictures, root, gan=True)
    options["path"]["pretrain_network_g"] = str(write_weights(root / "base.pth", COMPACT, seed=5))
    options["datasets"]["train"] |= {"manifest": str(split), "batch_size_per_gpu": 4}
    if val_scene is not None:
        write_manifest([ManifestRow("b.png", val_scene, "val", 8, 8, 9, "1" * 64)], root / "val.csv")
        options["datasets"]["val"]["manifest"] = str(root / "val.csv")
    run_folder = RunFolder(root / "experiments" / "tiny")
    run_folder.prepare()
    write_options(run_folder.root / "options.yml", options)
    write_num_ranks(run_folder.root, 2)
    latest = write_weights(run_folder.weights("net_g", None), COMPACT)
    record = FileRecord.of("net_g", latest, Written(latest.stat().st_size, hash_file(latest)), run_folder)
    write_checkpoint(manifest_path(run_folder, 2), Manifest(2, 1, (record,)))
    columns = "step,set,set_hash,psnr,psnr_base,psnr_minus_base,psnr_bicubic,psnr_minus_bicubic"
    rows = ("0,val,,20,20,0,19,1", "2,val,abc123,21.5,20,1.5,,2.5")
    run_folder.results.write_text("\n".join((columns, *rows)) + "\n")
    return latest
