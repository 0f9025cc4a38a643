"""The distilled VGG19: a batch is what its pictures are, and as deep as it is asked."""

import itertools

import torch

from realesrgan_arch.networks.distilled_vgg19 import CHANNELS, LAYERS, DistilledVgg19
from realesrgan_arch.options.losses import FEATURE_LAYERS


def test_the_maps_of_a_batch_are_those_of_its_pictures_halved_from_layer_to_layer() -> None:
    torch.manual_seed(0)
    network, images = DistilledVgg19(), torch.rand(3, 3, 48, 32)
    with torch.no_grad():
        single = [list(network(image[None])) for image in images]
        for level, narrow in enumerate(network(images)):
            assert narrow.shape[:3] == (3, 48 >> level, 32 >> level)
            wide = network.widen(level, narrow)
            assert wide.shape[3] == CHANNELS[level] == (64, 128, 256, 512, 512)[level]
            expected = torch.cat([network.widen(level, maps[level]) for maps in single])
            torch.testing.assert_close(wide, expected)


def test_a_picture_that_is_too_small_for_the_last_map_gives_those_before() -> None:
    assert len(list(itertools.islice(DistilledVgg19()(torch.rand(1, 3, 4, 4)), 2))) == 2


def test_option_files_know_its_layers() -> None:
    assert FEATURE_LAYERS == LAYERS
