"""Turn the run of options/train_demo_base.yml into the base model that `realesrgan-arch demo` starts from."""

import argparse
import sys
from pathlib import Path

import torch
from safetensors.torch import save

from realesrgan_arch.atomic import write_bytes
from realesrgan_arch.weights.load import load_weights

TARGET = Path(__file__).resolve().parents[1] / "realesrgan_arch" / "data" / "demo_base.safetensors"


def main() -> int:
    """Write the averaged weights in half precision."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path, help="experiments/train_demo_base/models/net_g_latest.pth")
    state = load_weights(parser.parse_args().weights, key="params_ema").state
    data = save({name: value.to(torch.float16) for name, value in state.items()}, metadata={"format": "pt"})
    write_bytes(TARGET, data)
    print(f"{TARGET}: {len(data):,} bytes, {sum(value.numel() for value in state.values()):,} parameters")
    return 0


if __name__ == "__main__":
    sys.exit(main())
