"""Upscale a picture or a folder: `python realesrgan_arch/inference.py photos/ results/ -n RealESRGAN_x4plus`."""

import sys
from collections.abc import Sequence
from pathlib import Path

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from realesrgan_arch.python_version import check_python

check_python()

import argparse  # noqa: E402

from realesrgan_arch.commands.arguments import (  # noqa: E402
    count,
    dots_per_inch,
    encoder_quality,
    name_part,
    place,
    positive_count,
    positive_number,
    shard,
    share,
    tile_size,
)
from realesrgan_arch.entry import run, say  # noqa: E402
from realesrgan_arch.errors import UserError  # noqa: E402

_USAGE = """realesrgan-arch upscale INPUT OUTPUT [flags]
       python realesrgan_arch/inference.py -i INPUT -o OUTPUT [flags]"""
_EXAMPLES = """examples:
  realesrgan-arch upscale photos/ results/
  realesrgan-arch upscale facade.jpg results/ -n realesr-general-x4v3 --width 6000 --dpi 300
  realesrgan-arch upscale photos/ results/ --resume                          go on where a run was stopped
  realesrgan-arch upscale photos/ results/ --from-list results/failed.txt    try again what failed

exit codes: 0 done; 2 bad input; 3 some pictures failed; 4 no picture found; 5 no room on the disk;
            6 the model is damaged or not to be trusted; 130 and 143 stopped by Ctrl-C and SIGTERM
"""
_DEFAULT_QUALITY, _DEFAULT_SUBSAMPLING = 95, "444"


class FlagsError(UserError):
    """Flags that contradict each other."""


def build_parser() -> argparse.ArgumentParser:
    """Return the command line: Real-ESRGAN's flags with their meaning, and ours."""
    parser = argparse.ArgumentParser(
        prog="realesrgan-arch upscale",
        usage=_USAGE,
        description="Upscale a picture or a folder of pictures.",
        epilog=_EXAMPLES,
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, max_help_position=36, width=110),
    )
    _add_places(parser)
    _add_model(parser)
    _add_size(parser)
    _add_files(parser)
    _add_run(parser)
    _add_machine(parser)
    return parser


def _add_places(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("what and where").add_argument
    add("positional_input", nargs="?", type=place, metavar="INPUT", help="picture or folder, with its sub-folders")
    add("positional_output", nargs="?", type=place, metavar="OUTPUT", help="folder of the results")
    add("-i", "--input", type=place, help="the same as INPUT (default: inputs)")
    add("-o", "--output", type=place, help="the same as OUTPUT (default: results)")
    add("--suffix", type=name_part, default="out", help="added to the names of the results (default: out)")


def _add_model(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("model").add_argument
    add("-n", "--model_name", default="RealESRGAN_x4plus", metavar="NAME",
        help="known weights, see `realesrgan-arch weights list`, or a file (default: RealESRGAN_x4plus)")  # fmt: skip
    add("--model_path", metavar="FILE", help="weights file; its architecture is read from the file")
    add("-dn", "--denoise_strength", type=float, metavar="X",
        help="0 to 1, for realesr-general-x4v3 only (default there: 0.5)")  # fmt: skip
    add("--consistency", type=share, default=0.0, metavar="X",
        help="0 to 1: how far each result is pulled towards its input, without training: truer colours and detail, "
        "but noise and JPEG blocks come back too (default: 0)")  # fmt: skip


def _add_size(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("size of the results (one of these)").add_argument
    add("-s", "--outscale", type=positive_number, metavar="X", help="magnification (default: the model's)")
    add("--width", type=positive_count, metavar="N", help="pixels across; the height follows")
    add(
        "--max-side",
        type=positive_count,
        metavar="N",
        help="at most N pixels on the longer side, and never more than the model makes",
    )


def _add_files(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("files of the results").add_argument
    add("--ext", choices=("auto", "jpg", "png", "webp", "tif"), default="auto",
        help="format (default: auto, the input's; png where that has transparency that jpg cannot hold)")  # fmt: skip
    add("--quality", type=encoder_quality, metavar="N", help=f"of jpg and webp, 1 to 100 (default: {_DEFAULT_QUALITY})")
    add("--subsampling", choices=("444", "422", "420"), help=f"colours of jpg (default: {_DEFAULT_SUBSAMPLING}, all)")
    add("--metadata", choices=("keep", "safe", "none"), default="keep",
        help="EXIF and XMP: keep all, where GPS says the place, too (default); safe: camera, exposure, dates "
        "and the copyright notice only, no XMP; none. The colour profile always stays")  # fmt: skip
    add("--to-srgb", action="store_true", help="convert the colours to sRGB instead of keeping the profile")
    add("--dpi", type=dots_per_inch, metavar="N", help="resolution written into the files (default: the input's)")
    add("--alpha_upsampler", choices=("realesrgan", "bicubic"), default="realesrgan",
        help="how transparency grows (default: realesrgan)")  # fmt: skip


def _add_run(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("many pictures").add_argument
    add("--resume", action="store_true", help="leave out what OUTPUT/manifest.jsonl knows as finished and unchanged")
    add("--verify", action="store_true", help="with --resume: compare the hashes of files, not their size and time")
    add("--overwrite", action="store_true", help="replace files in OUTPUT that are no results of an earlier run, too")
    add("--from-list", type=Path, metavar="FILE", help="only the pictures in FILE, a path a line, such as failed.txt")
    add("--limit", type=positive_count, metavar="N", help="only the first N pictures that are to do")
    add("--shard", type=shard, metavar="I/N", help="only the I-th of N shares, for N machines that work at once")
    add("--watch", action="store_true", help="go on with pictures that come into INPUT, until Ctrl-C")
    add("--fail-fast", action="store_true", help="stop at the first picture that fails")


def _add_machine(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("machine").add_argument
    add("--device", help="auto, cpu, cuda, cuda:1, mps (default: auto)")
    add("-g", "--gpu-id", type=count, metavar="N", help="the same as --device cuda:N")
    add("--backend", choices=("auto", "torch", "openvino", "onnxruntime"), default="auto",
        help="what computes the network (default: auto, says what it chose)")  # fmt: skip
    add("--precision", choices=("auto", "fp32", "bf16", "fp16"), default="auto", help="(default: auto)")
    add("--fp32", action="store_true", help="the same as --precision fp32")
    add(
        "--compile",
        action="store_true",
        help="fuse the network with torch.compile; for CUDA, half a minute at the start",
    )
    add(
        "-t",
        "--tile",
        type=tile_size,
        metavar="N",
        help="tile size, or auto; 0 computes each picture whole (default: auto)",
    )
    add("--tile_pad", type=count, default=16, metavar="N", help="overlap of the tiles (default: 16)")
    add("--pre_pad", type=count, default=0, metavar="N", help="reflected pixels at the bottom and right (default: 0)")
    add("--engine", choices=("local", "ray"), default="local", help="ray: on all machines of a Ray cluster")


def check_flags(flags: argparse.Namespace) -> None:
    """Raise FlagsError, with the first contradiction between flags."""
    sizes = [flag for flag, value in (("-s", flags.outscale), ("--width", flags.width), ("--max-side", flags.max_side))
             if value is not None]  # fmt: skip
    holds_quality, holds_subsampling = flags.ext in ("auto", "jpg", "webp"), flags.ext in ("auto", "jpg")
    wrong = (
        (flags.positional_input and flags.input, "The input is named twice: leave out -i."),
        (flags.positional_output and flags.output, "The output folder is named twice: leave out -o."),
        (len(sizes) > 1, f"{' and '.join(sizes)} each decide the size of the results: choose one."),
        (flags.quality and not holds_quality, f"--quality is for jpg and webp: leave it out for {flags.ext}."),
        (flags.subsampling and not holds_subsampling, f"--subsampling is for jpg: leave it out for {flags.ext}."),
        (flags.gpu_id is not None and flags.device, "-g and --device each name the device: choose one."),
        (flags.fp32 and flags.precision not in ("auto", "fp32"), f"--fp32 contradicts --precision {flags.precision}."),
        (flags.verify and not (flags.resume or flags.watch), "--verify looks at what --resume leaves out: add it."),
        (flags.watch and _input(flags).is_file(), "--watch waits for pictures in a folder, but the input is a file."),
        (flags.watch and flags.from_list, "--watch waits for new pictures and --from-list names them: choose one."),
        (flags.watch and flags.limit, "--watch goes on until Ctrl-C and --limit ends: choose one."),
        (flags.watch and flags.engine == "ray", "--watch works on this machine only: leave out --engine ray."),
        (flags.shard and flags.engine == "ray", "Ray divides the work itself: leave out --shard or --engine ray."),
    )  # fmt: skip
    for is_wrong, sentence in wrong:
        if is_wrong:
            raise FlagsError(sentence)


def _input(flags: argparse.Namespace) -> Path:
    return flags.positional_input or flags.input or Path("inputs")


def main(arguments: Sequence[str]) -> int:
    """Upscale, and say what was made and where; the exit code is 3 when some of the pictures failed."""
    flags = build_parser().parse_args(arguments)
    check_flags(flags)
    from realesrgan_arch.upscaling.session import UpscaleRequest, upscale  # torch, which `--help` need not wait for

    outcome = upscale(
        UpscaleRequest(
            source=_input(flags),
            output=flags.positional_output or flags.output or Path("results"),
            model=flags.model_path or flags.model_name, denoise_strength=flags.denoise_strength,
            outscale=flags.outscale, width=flags.width, max_side=flags.max_side,
            suffix=flags.suffix, ext=flags.ext, quality=flags.quality or _DEFAULT_QUALITY,
            subsampling=flags.subsampling or _DEFAULT_SUBSAMPLING, metadata=flags.metadata, to_srgb=flags.to_srgb,
            dpi=flags.dpi, tile=flags.tile, tile_pad=flags.tile_pad, pre_pad=flags.pre_pad,
            device=(flags.device or "auto") if flags.gpu_id is None else f"cuda:{flags.gpu_id}",
            precision="fp32" if flags.fp32 else flags.precision, backend=flags.backend,
            compiled=flags.compile,
            consistency=flags.consistency,
            alpha_upsampler="network" if flags.alpha_upsampler == "realesrgan" else "bicubic",
            resume=flags.resume or flags.watch, overwrite=flags.overwrite, verify=flags.verify,
            from_list=flags.from_list, limit=flags.limit, fail_fast=flags.fail_fast, watch=flags.watch,
            shard=flags.shard, engine=flags.engine,
        )
    )  # fmt: skip
    say(outcome.summary())
    return outcome.exit_code


if __name__ == "__main__":
    sys.exit(run(main, sys.argv[1:]))
