"""`realesrgan-arch VERB`: one table from verb to the function that its script calls."""

import sys
from collections.abc import Sequence
from importlib import import_module

from realesrgan_arch.python_version import check_python

check_python()

from realesrgan_arch import __version__  # noqa: E402
from realesrgan_arch.entry import run, say, warn  # noqa: E402
from realesrgan_arch.errors import EXIT_BAD_INPUT, EXIT_OK  # noqa: E402

VERBS: dict[str, tuple[str, str]] = {
    "demo": ("realesrgan_arch.commands.demo", "run the whole job on a small drawn sample, in a few minutes"),
    "data": ("realesrgan_arch.commands.data", "split a folder of photographs by scene, draw the sample"),
    "plan": ("realesrgan_arch.commands.plan", "say what may be trained in so much memory"),
    "probe": ("realesrgan_arch.commands.probe", "say which layers to train, by short runs of each"),
    "train": ("realesrgan_arch.train", "train or fine-tune as an option file says"),
    "finetune": (
        "realesrgan_arch.finetune",
        "the whole job for a folder of photographs (--data DIR), asking as it goes",
    ),
    "test": ("realesrgan_arch.test", "score bicubic, the base model and a tuned one on unseen pictures"),
    "evaluate": (
        "realesrgan_arch.commands.evaluate",
        "say whether a tuned model is better, and how sure",
    ),
    "sweep": (
        "realesrgan_arch.commands.sweep",
        "blend base and tuned weights in every share, and export the best share",
    ),
    "report": ("realesrgan_arch.commands.run_report", "write one page with the verdict, numbers and pictures of a run"),
    "upscale": ("realesrgan_arch.inference", "upscale a picture or a folder"),
    "export": (
        "realesrgan_arch.commands.export",
        "write weights as pth, safetensors, ONNX, OpenVINO and ncnn, checked",
    ),
    "weights": ("realesrgan_arch.commands.weights", "list, get, verify and inspect weights"),
    "options": ("realesrgan_arch.commands.options", "check or show an option file, or print the schema for editors"),
    "doctor": ("realesrgan_arch.commands.doctor", "say what is installed, what will be used and what is wrong"),
}
"""Verb, module with `main(arguments) -> exit code`, and one line of help."""


def main(arguments: Sequence[str]) -> int:
    """Call the verb's `main`; the module is imported only then."""
    verb, *rest = arguments or ["--help"]
    if verb in ("-h", "--help"):
        say(_usage())
        return EXIT_OK
    if verb == "--version":
        say(__version__)
        return EXIT_OK
    if verb not in VERBS:
        warn(f"error: expected one of {', '.join(VERBS)}, got {verb!r}; see realesrgan-arch --help")
        return EXIT_BAD_INPUT
    return import_module(VERBS[verb][0]).main(rest)


def _usage() -> str:
    rows = "\n".join(f"  {verb:<9} {text}" for verb, (_, text) in VERBS.items())
    return f"usage: realesrgan-arch VERB ...\n\n{rows}\n\nrealesrgan-arch VERB --help says more."


def main_process() -> int:
    """Entry of the console script; returns the exit code."""
    return run(main, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main_process())
