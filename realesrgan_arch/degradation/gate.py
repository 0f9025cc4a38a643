"""A gate in front of the degradation: some batches are clean, some as of the web, some as harsh as Real-ESRGAN's.

A model that has only seen two harsh passes fails on the inputs that it never met: clean ones, or ones that were
compressed once. Zhang et al., "A Closer Look at Blind Super-Resolution" (arXiv 2205.04910), let a gate decide for each
operation of the degradation whether it happens, so that the simple cases are covered as well. Here the gate chooses
between whole degradations with names, for which a file has nothing to say but their probabilities.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Literal

from realesrgan_arch.degradation.presets import NOTHING, PRESETS, PresetName
from realesrgan_arch.degradation.settings import DegradationSettings, GateBranch, GatedSettings

GateName = Literal["clean", "camera-jpeg", "mild", "medium", "one_order", "two_orders", "full"]
OWN_FIRST_PASS: GateName = "one_order"
OWN_PASSES: GateName = "two_orders"
OWN: tuple[GateName, ...] = (OWN_FIRST_PASS, OWN_PASSES)
"""Those that draw from the file's own ranges."""
_PRESET_OF: Mapping[GateName, PresetName] = MappingProxyType({
    "clean": "bicubic", "camera-jpeg": "camera-jpeg", "mild": "mild", "medium": "medium", "full": "full",
})  # fmt: skip


def build_gate(shares: Mapping[GateName, float], passes: DegradationSettings) -> GatedSettings:
    """Return the gate with the probabilities `shares`, which sum to 1; a branch with 0 is left out.

    `two_orders` are the file's own `passes` and `one_order` the first of them alone; `clean` is MATLAB's bicubic, and
    the others are the presets of their names.
    """
    branches = (GateBranch(name, share, _settings_of(name, passes)) for name, share in shares.items() if share > 0)
    return GatedSettings(tuple(branches), passes)


def _settings_of(name: GateName, passes: DegradationSettings) -> DegradationSettings:
    if name == OWN_PASSES:
        return passes
    if name == OWN_FIRST_PASS:
        # The second pass goes straight to the target size, by one of its own resize modes.
        second = replace(NOTHING, resize_modes=passes.second.resize_modes)
        return DegradationSettings(passes.first, second, final_sinc_prob=0.0)
    return PRESETS[_PRESET_OF[name]]
