"""What several processes are refused for before they meet, and what must be alike when they have."""

from types import SimpleNamespace

import pytest
import torch

from realesrgan_arch.options.load import parse_options
from realesrgan_arch.torchrun import Place, RanksError
from realesrgan_arch.training.together import check_equal_start, meet
from tests.tiny_run import tiny_options


def _facts(options, dtype: torch.dtype) -> dict[str, str]:
    """What a rank that computes in `dtype` tells the others."""
    told = {}
    ranks = SimpleNamespace(check_same=lambda facts, remedy: told.update(facts))
    model = SimpleNamespace(step=0, dtype=dtype, weights=dict)
    check_equal_start(options, model, SimpleNamespace(num_images=6), [], ranks=ranks)
    return told


def test_ranks_whose_auto_means_another_precision_differ_in_it(tmp_path) -> None:
    options = parse_options(tiny_options(tmp_path, tmp_path) | {"precision": "auto"})
    first, second = (_facts(options, dtype) for dtype in (torch.float32, torch.bfloat16))
    assert {name for name in first if first[name] != second[name]} == {"precision"}


def test_statistics_of_batch_norm_are_not_shared_on_the_cpu(tmp_path) -> None:
    options = parse_options(tiny_options(tmp_path, tmp_path) | {"dist_params": {"sync_batch_norm": True}})
    with pytest.raises(RanksError, match="sync_batch_norm needs CUDA, and these 2 processes train on the CPU"):
        meet(options, Place(rank=0, world_size=2))
    with meet(options, Place()) as ranks:
        assert not ranks.are_many


def test_a_sum_over_pixels_is_refused_for_many_as_their_gradients_are_averaged(tmp_path) -> None:
    mapping = tiny_options(tmp_path, tmp_path)
    mapping["train"]["pixel_opt"]["reduction"] = "sum"
    options = parse_options(mapping)
    with pytest.raises(RanksError, match="reduction: mean with 2 processes.* got sum"):
        meet(options, Place(rank=0, world_size=2))
    with meet(options, Place()) as ranks:
        assert not ranks.are_many
