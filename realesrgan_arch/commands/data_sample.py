"""Draw the embedded sample: 12 scenes, 36 pictures, 4 floor plans."""

import argparse
from pathlib import Path

from realesrgan_arch.commands.arguments import count
from realesrgan_arch.commands.report import Report
from realesrgan_arch.commands.shell import data_command
from realesrgan_arch.data.sample import draw_sample


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that `make` reads."""
    parser.add_argument("folder", type=Path, help="an empty or new folder")
    parser.add_argument("--seed", type=count, default=0)


def make(arguments: argparse.Namespace) -> Report:
    """Draw and say what was drawn.

    Raises:
        DataError: the folder holds something, or cannot be written.
    """
    drawn = draw_sample(arguments.folder, seed=arguments.seed)
    return Report(
        lines=(f"drew {drawn.num_photos} pictures of {drawn.num_scenes} scenes and {drawn.num_plans} floor plans",),
        made=(drawn.folder,),
        next_step=data_command("split", drawn.folder, "--val", 0.2, "--test", 0.2),
        facts={"photos": drawn.num_photos, "scenes": drawn.num_scenes, "plans": drawn.num_plans},
    )
