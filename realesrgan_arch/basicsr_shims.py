"""Make basicsr 1.4.2 importable on today's stack.

Apart from the bridge, so that `doctor` can look at basicsr where another package that the bridge needs is missing.
"""

import importlib
import importlib.util
import sys
from types import ModuleType

import torch


def import_shims() -> None:
    """Make basicsr 1.4.2 importable on today's stack; calling it twice changes nothing.

    Two shims, each doing nothing where its cause is absent:

    - torchvision >= 0.17 has no `transforms.functional_tensor`, from which basicsr 1.4.2 takes `rgb_to_grayscale`
      (XPixelGroup/BasicSR issue 533);
    - beside a CPU-only torch, the torchvision wheel (seen with 0.28) registers fake kernels for `torchvision::nms` and
      `qnms` without having loaded the operators, and raises (pytorch/vision issue 9085).
    """
    _declare_torchvision_operators()
    _provide_functional_tensor()


def _declare_torchvision_operators() -> None:
    if "torchvision" in sys.modules or hasattr(torch.ops.torchvision, "nms"):
        return
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")  # noqa: TOR901
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        # The schemas live as long as the Library object does.
        module = importlib.import_module("torchvision")
        module._realesrgan_arch_schemas = library  # pyright: ignore[reportAttributeAccessIssue]


def _provide_functional_tensor() -> None:
    name = "torchvision.transforms.functional_tensor"
    if name in sys.modules or importlib.util.find_spec(name) is not None:
        return
    functional = importlib.import_module("torchvision.transforms.functional")
    shim = ModuleType(name, "Stands in for the module that torchvision 0.17 removed.")
    shim.__dict__["rgb_to_grayscale"] = functional.rgb_to_grayscale
    sys.modules[name] = shim
