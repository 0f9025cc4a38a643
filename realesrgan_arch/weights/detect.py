"""Which network a state dict belongs to, read from names and shapes; and older naming schemes, renamed to today's."""

import math
import re
from collections.abc import Callable
from typing import Literal

from torch import Tensor

from realesrgan_arch.networks.spec import (
    SRGAN_STRIDE,
    SRRESNET_SCALES,
    VGG_STYLE_SIZES,
    CompactSpec,
    DiscriminatorSpec,
    GeneratorSpec,
    PatchDiscriminatorSpec,
    RRDBNetSpec,
    SRGANDiscriminatorSpec,
    SRResNetSpec,
    UNetDiscriminatorSpec,
    VGGStyleDiscriminatorSpec,
)
from realesrgan_arch.weights.srresnet_layouts import State, difference, renamed, with_srresnet_names

_OLD_ESRGAN = (
    (r"model\.0\.", "conv_first."),
    (r"model\.1\.sub\.(\d+)\.RDB(\d)\.conv(\d)\.0\.", r"body.\1.rdb\2.conv\3."),
    (r"model\.1\.sub\.\d+\.", "conv_body."),
    (r"model\.3\.", "conv_up1."),
    (r"model\.6\.", "conv_up2."),
    (r"model\.8\.", "conv_hr."),
    (r"model\.10\.", "conv_last."),
)
"""The layout of xinntao/ESRGAN before May 2019: one sequence, in which the numbers are places."""

_MIDDLE_ESRGAN = (
    (r"RRDB_trunk\.(\d+)\.RDB(\d)\.", r"body.\1.rdb\2."),
    (r"trunk_conv\.", "conv_body."),
    (r"upconv1\.", "conv_up1."),
    (r"upconv2\.", "conv_up2."),
    (r"HRconv\.", "conv_hr."),
)
"""The layout of xinntao/ESRGAN's later release (RRDB_ESRGAN_x4.pth)."""

_WIDEST = 8
"""Channels of SRGAN's discriminator before its dense layers, in multiples of `num_feat`."""
_UNSHUFFLES: dict[int, Literal[1, 2, 4]] = {12: 2, 48: 4}
"""How far a discriminator folds the pixels of photographs, by the channels that its first layer sees."""
_RRDBNET_MARKS = {
    f"{layer}.weight"
    for layer in ("conv_first", "body.0.rdb1.conv1", "conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last")
}
_UNET_MARKS = {"conv0.weight", "conv1.weight_orig", "conv3.weight_orig", "conv8.weight_orig", "conv9.weight"}
_PATCH_MARKS = {"conv_first.weight", "down.0.weight_orig", "conv_body.weight_orig", "conv_last.weight"}
_SRRESNET_MARKS = {"conv_first.weight", "act_first.weight", "body.0.bn1.running_mean", "conv_body.weight"}
_SRRESNET_MARKS |= {"conv_last.weight"}
_SRGAN_JUDGE_MARKS = {"features.0.weight", "features.3.running_mean", "linear1.weight", "linear2.weight"}
_BASICSR_JUDGE_MARKS = {"conv0_0.weight", "bn0_1.running_mean", "conv4_1.weight", "linear1.weight", "linear2.weight"}


def with_current_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return `state` with the names of this project, where it is in another layout that is known; else unchanged.

    Known are the two older ones of ESRGAN x4, and those of public SRResNets and SRGANs (`srresnet_layouts.py`).
    """
    if {"model.0.weight", "model.1.sub.0.RDB1.conv1.0.weight", "model.10.weight"} <= state.keys():
        return renamed(state, _OLD_ESRGAN)
    if {"RRDB_trunk.0.RDB1.conv1.weight", "HRconv.weight"} <= state.keys():
        return renamed(state, _MIDDLE_ESRGAN)
    return with_srresnet_names(state) or state


def detect_spec(state: State) -> GeneratorSpec | DiscriminatorSpec | None:
    """Return what `state` (BasicSR's names) describes, or None when it is no network of this project.

    What leaves no trace in the tensors gets its default (`checkpointing`, `skip_connection`); a SRVGGNetCompact without
    PReLU is taken to have `act_type` "relu" (it may be "leakyrelu").
    """
    for marks, read in _READERS:
        if state.keys() >= marks:
            return read(state)
    return _compact_spec(state)


def describe(state: State) -> str:
    """Return for messages what makes a well-known layout another network, else the first names and shapes."""
    other = difference(state)
    if other is not None:
        return f"it is {other}"
    shown = ", ".join(f"{name} {shape_text(tensor)}" for name, tensor in list(state.items())[:3])
    return f"{len(state)} tensors, the first are {shown}"


def shape_text(tensor: Tensor) -> str:
    """Return a shape as `(64x3x3x3)`."""
    return f"({'x'.join(map(str, tensor.shape))})"


def _are_kernels(*tensors: Tensor) -> bool:
    """Whether all are weights of a 2-D convolution; a damaged file may have anything under the right names."""
    return all(tensor.ndim == 4 and tensor.numel() > 0 for tensor in tensors)


def _rrdbnet_spec(state: State) -> RRDBNetSpec | None:
    first, last = state["conv_first.weight"], state["conv_last.weight"]
    grow = state["body.0.rdb1.conv1.weight"]
    if not _are_kernels(first, last, grow):
        return None
    num_out_ch = last.shape[0]
    # A generator has as many colours in as out, so more input channels mean folded pixels.
    scale, folded = {4: (2, 4), 16: (1, 16)}.get(first.shape[1] // num_out_ch, (4, 1))
    return RRDBNetSpec(
        num_in_ch=first.shape[1] // folded,
        num_out_ch=num_out_ch,
        scale=scale,
        num_feat=first.shape[0],
        num_block=1 + max(int(name.split(".")[1]) for name in state if re.match(r"body\.\d+\.", name)),
        num_grow_ch=grow.shape[0],
    )


def _compact_spec(state: State) -> CompactSpec | None:
    if not all(re.fullmatch(r"body\.\d+\.(weight|bias)", name) for name in state) or "body.0.weight" not in state:
        return None
    last = max(int(name.split(".")[1]) for name in state)
    first_conv, last_conv = state["body.0.weight"], state.get(f"body.{last}.weight")
    if last < 2 or last % 2 or last_conv is None or not _are_kernels(first_conv, last_conv):
        return None
    num_feat, num_in_ch = first_conv.shape[:2]
    upscale = math.isqrt(last_conv.shape[0] // num_in_ch)
    if upscale < 1 or num_in_ch * upscale**2 != last_conv.shape[0]:
        return None
    return CompactSpec(
        num_in_ch=num_in_ch,
        num_out_ch=num_in_ch,
        num_feat=num_feat,
        num_conv=last // 2 - 1,
        upscale=upscale,
        act_type="prelu" if "body.1.weight" in state else "relu",
    )


def _srresnet_spec(state: State) -> SRResNetSpec | None:
    first, last = state["conv_first.weight"], state["conv_last.weight"]
    doublings = sum(re.fullmatch(r"up\.\d+\.conv\.weight", name) is not None for name in state)
    if not _are_kernels(first, last) or 2**doublings not in SRRESNET_SCALES:
        return None
    return SRResNetSpec(
        num_in_ch=first.shape[1],
        num_out_ch=last.shape[0],
        num_feat=first.shape[0],
        num_block=1 + max(int(name.split(".")[1]) for name in state if re.match(r"body\.\d+\.", name)),
        upscale=2**doublings,
        body_end="batch_norm" if "bn_body.weight" in state else "prelu",
        final="tanh" if "final.tanh" in state else "none",
    )


def _unet_discriminator_spec(state: State) -> UNetDiscriminatorSpec | None:
    if not _are_kernels(state["conv0.weight"]):
        return None
    num_feat, num_in_ch = state["conv0.weight"].shape[:2]
    return UNetDiscriminatorSpec(num_in_ch=num_in_ch, num_feat=num_feat)


def _patch_discriminator_spec(state: State) -> PatchDiscriminatorSpec | None:
    if not _are_kernels(state["conv_first.weight"]):
        return None
    num_feat, seen = state["conv_first.weight"].shape[:2]
    depth = sum(re.fullmatch(r"down\.\d+\.weight_orig", name) is not None for name in state)
    # A photograph has three colours, so more input channels mean folded pixels.
    unshuffle: Literal[1, 2, 4] = _UNSHUFFLES.get(seen, 1)
    return PatchDiscriminatorSpec(num_in_ch=seen // unshuffle**2, num_feat=num_feat, depth=depth, unshuffle=unshuffle)


def _srgan_discriminator_spec(state: State) -> SRGANDiscriminatorSpec | None:
    first, dense = state["features.0.weight"], state["linear1.weight"]
    if not _are_kernels(first) or dense.ndim != 2:
        return None
    num_feat, num_in_ch = first.shape[:2]
    side = math.isqrt(dense.shape[1] // (_WIDEST * num_feat))
    if side < 1 or _WIDEST * num_feat * side**2 != dense.shape[1]:
        return None
    return SRGANDiscriminatorSpec(num_in_ch=num_in_ch, num_feat=num_feat, input_size=side * SRGAN_STRIDE)


def _basicsr_discriminator_spec(state: State) -> VGGStyleDiscriminatorSpec | None:
    if not _are_kernels(state["conv0_0.weight"]):
        return None
    num_feat, num_in_ch = state["conv0_0.weight"].shape[:2]
    size = VGG_STYLE_SIZES["conv5_1.weight" in state]
    return VGGStyleDiscriminatorSpec(num_in_ch=num_in_ch, num_feat=num_feat, input_size=size)


_READERS: tuple[tuple[set[str], Callable[[State], GeneratorSpec | DiscriminatorSpec | None]], ...] = (
    (_RRDBNET_MARKS, _rrdbnet_spec),
    (_SRRESNET_MARKS, _srresnet_spec),
    (_UNET_MARKS, _unet_discriminator_spec),
    (_PATCH_MARKS, _patch_discriminator_spec),
    (_SRGAN_JUDGE_MARKS, _srgan_discriminator_spec),
    (_BASICSR_JUDGE_MARKS, _basicsr_discriminator_spec),
)
