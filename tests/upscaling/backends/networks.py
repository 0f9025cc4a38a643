"""Small networks whose parts all count, and real pictures, for the tests of the backends."""

import cv2
import torch

from realesrgan_arch.networks.build import build_generator
from realesrgan_arch.networks.spec import CompactSpec, RRDBNetSpec, SRResNetSpec


def small_network(kind):
    torch.manual_seed(0)
    specs = {
        "RRDBNet x4": RRDBNetSpec(num_block=1, num_feat=16, num_grow_ch=8),
        "RRDBNet x2": RRDBNetSpec(num_block=1, num_feat=16, num_grow_ch=8, scale=2),
        "compact": CompactSpec(num_feat=16, num_conv=2),
        "SRResNet": SRResNetSpec(num_feat=16, num_block=1),
    }
    return build_generator(specs[kind]).eval()


def deep_rrdbnet(pictures, *, num_block=12, num_feat=16):
    """An RRDBNet whose output is as wide as a picture's: its blocks swell the sums."""
    torch.manual_seed(0)
    network = build_generator(RRDBNetSpec(num_block=num_block, num_feat=num_feat, num_grow_ch=num_feat // 2)).eval()
    with torch.no_grad():
        result = network(pictures)
        network.conv_last.weight *= 0.25 / result.std()
        network.conv_last.bias += 0.5 - result.mean() * 0.25 / result.std()
    return network


def centres(paths, *, side):
    """RGB float32 (N, 3, side, side) in [0, 1]: the middles of the pictures."""
    crops = []
    for path in paths:
        image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        top, left = ((length - side) // 2 for length in image.shape[:2])
        crops.append(
            torch.from_numpy(image[top : top + side, left : left + side].copy()).permute(2, 0, 1).float() / 255
        )
    return torch.stack(crops)


def psnr(result, expected):
    """Decibels of each picture of a batch, clamped as the files are."""
    error = (result.clamp(0, 1) - expected.clamp(0, 1)).square().flatten(1).mean(1)
    return -10 * torch.log10(error)
