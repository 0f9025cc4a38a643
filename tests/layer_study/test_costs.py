"""What a candidate costs, foreseen without a step."""

from realesrgan_arch.layer_study.costs import foresee_costs, with_recomputing
from realesrgan_arch.options.load import parse_options
from tests.layer_study.studies import ALL, EARLY
from tests.tiny_run import tiny_options


def test_auto_counts_the_parts_that_the_run_will_take(tmp_path) -> None:
    mapping = tiny_options(tmp_path, tmp_path)
    mapping["queue_size"] = 8
    mapping["datasets"]["train"]["batch_size_per_gpu"] = 8
    peaks = {}
    for parts in (1, 2, 4, 8):
        mapping["train"]["accumulate"] = parts
        peaks[parts] = foresee_costs((EARLY,), parse_options(mapping))[EARLY].peak_bytes
    assert peaks[1] > peaks[2] > peaks[4]
    mapping["train"] |= {"accumulate": "auto", "memory_budget": f"{peaks[2] / 1e6:.3f}MB"}
    assert foresee_costs((EARLY,), parse_options(mapping))[EARLY].peak_bytes < peaks[1]


def test_checkpointing_is_foreseen_beside_for_a_network_that_can(tmp_path) -> None:
    mapping = tiny_options(tmp_path, tmp_path)
    assert foresee_costs((ALL,), parse_options(mapping))[ALL].checkpointed is None
    mapping["network_g"] = {"type": "RRDBNet", "num_feat": 8, "num_block": 4, "num_grow_ch": 8}
    options = parse_options(mapping)
    cost = foresee_costs((ALL,), options)[ALL]
    assert not cost.checkpointing
    assert cost.checkpointed is not None
    assert cost.checkpointed.activation_bytes < 0.5 * cost.activation_bytes
    assert foresee_costs((ALL,), with_recomputing(options))[ALL] == cost.checkpointed
