"""Upscale a picture or a folder: `python realesrgan_arch/inference.py -i photos/ -o results/ -n RealESRGAN_x4plus`."""

import sys
from collections.abc import Sequence
from pathlib import Path

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from realesrgan_arch.python_version import check_python

check_python()

import argparse  # noqa: E402

from realesrgan_arch.commands.arguments import count, name_part, positive_number  # noqa: E402
from realesrgan_arch.entry import run, say, warn  # noqa: E402
from realesrgan_arch.errors import EXIT_OK, EXIT_SOME_FILES_FAILED  # noqa: E402


def build_parser() -> argparse.ArgumentParser:
    """Return the command line, with Real-ESRGAN's flags."""
    parser = argparse.ArgumentParser(prog="inference.py", description="Upscale a picture or a folder of pictures.")
    add = parser.add_argument
    add("-i", "--input", type=Path, default=Path("inputs"), help="picture or folder, with its sub-folders")
    add("-o", "--output", type=Path, default=Path("results"), help="folder of the results")
    add("-n", "--model_name", default="RealESRGAN_x4plus", help="known weights, see `realesrgan-arch weights list`")
    add("--model_path", help="weights file; its architecture is read from the file")
    add("-dn", "--denoise_strength", type=float, help="0 to 1, for realesr-general-x4v3 only (default there: 0.5)")
    add("-s", "--outscale", type=positive_number, help="magnification of the result (default: the model's)")
    add("--suffix", type=name_part, default="out", help="added to the names of the results")
    add("-t", "--tile", type=count, default=512, help="tile size; 0 computes each picture whole (default: 512)")
    add("--tile_pad", type=count, default=16, help="overlap of the tiles (default: 16)")
    add("--pre_pad", type=count, default=0, help="reflected pixels added at the bottom and right while computing")
    add("--fp32", action="store_true", help="the same as --precision fp32")
    add("--precision", choices=("auto", "fp32", "bf16", "fp16"), default="auto")
    add("--alpha_upsampler", choices=("realesrgan", "bicubic"), default="realesrgan", help="how transparency grows")
    add("--ext", choices=("auto", "jpg", "png"), default="auto", help="of the results (auto: the input's; alpha: png)")
    add("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps")
    add("-g", "--gpu-id", type=count, help="the same as --device cuda:N")
    return parser


def main(arguments: Sequence[str]) -> int:
    """Upscale, and say what was made and where; the exit code is 3 when some of the pictures failed."""
    parsed = build_parser().parse_args(arguments)
    from realesrgan_arch.upscaling.session import UpscaleRequest, upscale  # torch, which `--help` need not wait for

    outcome = upscale(
        UpscaleRequest(
            source=parsed.input, output=parsed.output, model=parsed.model_path or parsed.model_name,
            denoise_strength=parsed.denoise_strength, outscale=parsed.outscale, suffix=parsed.suffix, ext=parsed.ext,
            tile=parsed.tile, tile_pad=parsed.tile_pad, pre_pad=parsed.pre_pad,
            precision="fp32" if parsed.fp32 else parsed.precision,
            alpha_upsampler="network" if parsed.alpha_upsampler == "realesrgan" else "bicubic",
            device=parsed.device if parsed.gpu_id is None else f"cuda:{parsed.gpu_id}",
        )
    )  # fmt: skip
    for _, reason in outcome.report.failed:
        warn(f"failed: {reason}")
    say(outcome.summary())
    return EXIT_SOME_FILES_FAILED if outcome.report.failed else EXIT_OK


if __name__ == "__main__":
    sys.exit(run(main, sys.argv[1:]))
