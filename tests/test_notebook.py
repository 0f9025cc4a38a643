"""The notebook holds commands that exist, and no logic."""

import json
import re
from pathlib import Path

from realesrgan_arch.cli import VERBS
from realesrgan_arch.options.load import load_options

ROOT = Path(__file__).parents[1]
CELLS = json.loads((ROOT / "notebooks" / "finetune_colab.ipynb").read_text())["cells"]
LINES = [line.strip() for cell in CELLS if cell["cell_type"] == "code" for line in "".join(cell["source"]).splitlines()]


def test_cells_hold_commands_only() -> None:
    assert LINES
    assert all(line.startswith(("!", "%pip ")) for line in LINES)


def test_scripts_verbs_and_option_files_exist() -> None:
    for line in LINES:
        if verb := re.match(r"!realesrgan-arch (\w+)", line):
            assert verb[1] in VERBS
        for path in re.findall(r"(?:realesrgan_arch|options)/[\w./]+", line):
            assert (ROOT / path).is_file()


def test_the_training_command_is_accepted() -> None:
    command = next(line for line in LINES if "train.py" in line)
    options, _, overrides = command.partition("-opt ")[2].partition(" --set ")
    assert load_options(ROOT / options, overrides=overrides.split()).options.name == "mine"
