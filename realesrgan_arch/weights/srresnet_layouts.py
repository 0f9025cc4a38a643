"""Weights of well-known SRResNets and SRGANs: renamed to this project's names, or what makes them another network.

Read in the sources of the projects, of which nothing but the names is taken:

* leftthomas/SRGAN (`model.py`): five blocks, `(tanh + 1) / 2` at the end; its released weights have a PReLU after the
  last convolution of the body, its later code a batch norm.
* Lornatang/SRGAN-PyTorch (`model.py` of 2022): the paper's network; convolutions before a batch norm have no bias. Its
  discriminator is that of the paper, too.
* twtygqyy/pytorch-SRResNet (`srresnet.py`): no biases, and LeakyReLU(0.2), which is a PReLU with the weight 0.2.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

State = Mapping[str, Tensor]
Rules = tuple[tuple[str, str], ...]
"""Pattern of the beginning of a name, and what takes its place."""

_LEAKY = 0.2


@dataclass(frozen=True)
class _Layout:
    """How a project names what this project names otherwise."""

    marks: frozenset[str]
    """Names that tell it."""
    rules: Rules
    final_tanh: bool = False


_LEFTTHOMAS = _Layout(
    frozenset({"block1.0.weight", "block2.prelu.weight", "block7.0.weight", "block8.0.conv.weight"}),
    (
        (r"block1\.0\.", "conv_first."),
        (r"block1\.1\.", "act_first."),
        (r"block7\.0\.", "conv_body."),
        (r"block8\.(\d+)\.conv\.", r"up.\1.conv."),
        (r"block8\.(\d+)\.prelu\.", r"up.\1.act."),
        (r"block8\.\d+\.", "conv_last."),
        *((rf"block{number}\.prelu\.", f"body.{number - 2}.act.") for number in range(2, 7)),
        *((rf"block{number}\.", f"body.{number - 2}.") for number in range(2, 7)),
    ),
    final_tanh=True,
)
_LORNATANG = _Layout(
    frozenset({"conv1.0.weight", "trunk.0.rcb.0.weight", "conv2.1.running_mean", "conv3.weight"}),
    (
        (r"conv1\.0\.", "conv_first."),
        (r"conv1\.1\.", "act_first."),
        *(
            (rf"trunk\.(\d+)\.rcb\.{place}\.", rf"body.\1.{name}.")
            for place, name in enumerate(("conv1", "bn1", "act", "conv2", "bn2"))
        ),
        (r"conv2\.0\.", "conv_body."),
        (r"conv2\.1\.", "bn_body."),
        (r"upsampling\.(\d+)\.upsample_block\.0\.", r"up.\1.conv."),
        (r"upsampling\.(\d+)\.upsample_block\.2\.", r"up.\1.act."),
        (r"conv3\.", "conv_last."),
    ),
)
_TWTYGQYY = _Layout(
    frozenset({"conv_input.weight", "residual.0.bn1.running_mean", "bn_mid.weight", "upscale4x.0.weight"}),
    (
        (r"conv_input\.", "conv_first."),
        (r"residual\.", "body."),
        (r"conv_mid\.", "conv_body."),
        (r"bn_mid\.", "bn_body."),
        (r"upscale4x\.0\.", "up.0.conv."),
        (r"upscale4x\.3\.", "up.1.conv."),
        (r"conv_output\.", "conv_last."),
    ),
)
_LAYOUTS = (_LEFTTHOMAS, _LORNATANG, _TWTYGQYY)
_LORNATANG_JUDGE = _Layout(
    frozenset({"features.0.weight", "features.3.running_mean", "classifier.0.weight", "classifier.2.weight"}),
    ((r"classifier\.0\.", "linear1."), (r"classifier\.2\.", "linear2.")),
)

_PLAIN_BLOCKS = "an SRResNet without batch norm, with 3x3 ends and a bilinear base (BasicSR's MSRResNet)"
_OTHERS: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"conv_first.weight", "body.0.conv1.weight", "upconv1.weight", "conv_hr.weight"}), _PLAIN_BLOCKS),
    (frozenset({"conv_first.weight", "recon_trunk.0.conv1.weight", "HRconv.weight"}), _PLAIN_BLOCKS),
    (frozenset({"conv_first.weight", "trunk_net.0.conv1.weight", "conv_hr.weight"}), _PLAIN_BLOCKS),
    (frozenset({"generator.conv_first.weight", "generator.trunk_net.0.conv1.weight"}), _PLAIN_BLOCKS),
    (
        frozenset({"conv_input.weight", "residual.0.in1.weight", "upscale4x.0.weight"}),
        "an SRResNet with instance norm in the place of batch norm (twtygqyy/pytorch-SRResNet)",
    ),
    (
        frozenset({"conv_block1.conv_block.0.weight", "residual_blocks.0.conv_block1.conv_block.0.weight"}),
        "an SRResNet that takes pictures normalised by ImageNet's mean and deviation and gives them in [-1, 1] "
        "(sgrvinod's tutorial)",
    ),
)


def renamed(state: State, rules: Rules) -> dict[str, Tensor]:
    """Return `state` with the first rule applied that fits the beginning of each name."""
    return {_rename(name, rules): tensor for name, tensor in state.items()}


def with_srresnet_names(state: State) -> dict[str, Tensor] | None:
    """Return the state of `networks.srresnet.SRResNet` or of SRGAN's discriminator; None for any other layout.

    What a project leaves out is filled in with what has the same effect: a bias of 0, the slope of a LeakyReLU,
    batch norm's count of batches (no more than a count), and the mark of a tanh at the end.
    """
    if state.keys() >= _LORNATANG_JUDGE.marks and state["classifier.2.weight"].shape[:1] == (1,):
        return renamed(state, _LORNATANG_JUDGE.rules)
    layout = next((one for one in _LAYOUTS if state.keys() >= one.marks), None)
    if layout is None:
        return None
    found = renamed(state, layout.rules)
    if layout is _LEFTTHOMAS:
        found = renamed(found, _end_of_leftthomas(state))
    found = dict(_completed(found, has_slopes=layout is not _TWTYGQYY))
    return found | {"final.tanh": torch.ones(1)} if layout.final_tanh else found


def difference(state: State) -> str | None:
    """Return what makes a well-known layout another network than those of this project, in words; None if unknown."""
    found = next((words for marks, words in _OTHERS if state.keys() >= marks), None)
    if found is None and "conv_body.weight" in state and "up.2.conv.weight" in state:
        return "an SRResNet of more than scale 4"
    return found


def _end_of_leftthomas(state: State) -> Rules:
    return ((r"block7\.1\.", "bn_body." if "block7.1.running_mean" in state else "act_body."),)


def _completed(state: State, *, has_slopes: bool) -> Iterator[tuple[str, Tensor]]:
    for name, tensor in state.items():
        yield name, tensor
        layer, _, kind = name.rpartition(".")
        if kind == "weight" and tensor.ndim == 4 and f"{layer}.bias" not in state:
            yield f"{layer}.bias", tensor.new_zeros(tensor.shape[0])
        if kind == "running_mean" and f"{layer}.num_batches_tracked" not in state:  # files from before PyTorch 0.4.1
            yield f"{layer}.num_batches_tracked", torch.zeros((), dtype=torch.int64)
    if has_slopes:
        return
    for name in state:
        slope = re.sub(r"^conv_first\.weight$", "act_first.weight", name)
        slope = re.sub(r"^(body\.\d+)\.conv1\.weight$|^(up\.\d+)\.conv\.weight$", r"\1\2.act.weight", slope)
        if slope != name:
            yield slope, torch.full((1,), _LEAKY)


def _rename(name: str, rules: Rules) -> str:
    for pattern, replacement in rules:
        if re.match(pattern, name):
            return re.sub("^" + pattern, replacement, name)
    return name
