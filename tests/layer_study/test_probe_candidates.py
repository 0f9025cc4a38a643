"""Layers drawn at random, as candidates: what choosing has to beat."""

import pytest

from realesrgan_arch.layer_study.candidates import Candidate, StudyError
from realesrgan_arch.layer_study.probe_candidates import auto_labels, draw_layers, read_probe_candidates, settle
from realesrgan_arch.networks.build import build_generator
from realesrgan_arch.networks.spec import CompactSpec, RRDBNetSpec, SRResNetSpec
from realesrgan_arch.options.load import parse_options
from realesrgan_arch.training.freezing import layer_names
from realesrgan_arch.training.plan import Budget
from tests.layer_study.probes import FIRST, probe_options

DRAWN = Candidate(("random:8",))


def test_the_seed_alone_decides_which_layers_are_drawn_and_they_train_and_nothing_else() -> None:
    network = build_generator(CompactSpec())
    found = draw_layers(DRAWN, network, seed=0)
    assert found == draw_layers(DRAWN, build_generator(CompactSpec()), seed=0)
    assert found.label == "random:8"
    assert len(set(found.patterns)) == 8
    names = layer_names(network)
    assert [name for name in names if name in found.patterns] == list(found.patterns)
    assert draw_layers(DRAWN, network, seed=1).patterns != found.patterns
    assert draw_layers(found, network, seed=1) == found
    assert draw_layers(FIRST, network, seed=0) == FIRST


def test_every_layer_can_be_drawn() -> None:
    network = build_generator(CompactSpec(num_feat=4, num_conv=4))
    drawn = {draw_layers(Candidate(("random:1",)), network, seed=seed).patterns[0] for seed in range(80)}
    assert drawn == set(layer_names(network))


def test_random_layers_take_part_beside_others_with_the_seed_of_the_options(tmp_path) -> None:
    mapping = probe_options(tmp_path)
    options = parse_options(mapping | {"manual_seed": 3})
    found = settle([FIRST, Candidate(("random:3",))], options, None)
    drawn = found.candidates[1]
    assert drawn == draw_layers(Candidate(("random:3",)), build_generator(options.network_g), seed=3)
    assert found.trains[drawn] == {f"{name}.{part}" for name in drawn.patterns for part in ("weight", "bias")}
    assert found.parameters > found.trains[drawn]


@pytest.mark.parametrize("count", [0, 5])
def test_more_layers_than_there_are_is_one_sentence(tmp_path, count) -> None:
    options = parse_options(probe_options(tmp_path))
    with pytest.raises(StudyError, match=f"expected random:1 to random:4, got random:{count}"):
        settle([FIRST, Candidate((f"random:{count}",))], options, None)


@pytest.mark.parametrize(("spec", "count"), [(RRDBNetSpec(), 75), (CompactSpec(num_conv=32), 8), (SRResNetSpec(), 8)])
def test_auto_has_as_many_random_layers_as_a_window(spec, count) -> None:
    assert f"random:{count}" in auto_labels(spec)
    [window] = [one for one in read_probe_candidates(["auto"], spec) if one.label.startswith(("body.0,", "body.2,"))]
    network = build_generator(spec)
    parts = tuple(f"{pattern}." for pattern in window.patterns)
    assert len([name for name in layer_names(network) if f"{name}.".startswith(parts)]) == count


def test_what_fits_with_checkpointing_alone_takes_part_with_it(tmp_path) -> None:
    mapping = probe_options(tmp_path)
    mapping["network_g"] = {"type": "RRDBNet", "num_feat": 8, "num_block": 4, "num_grow_ch": 8}
    options = parse_options(mapping)
    last, whole = Candidate(("conv_last",)), Candidate(("all",))
    free = settle([last, whole], options, None)
    cost = free.costs[whole]
    assert not cost.checkpointing
    assert cost.checkpointed is not None
    found = settle([last, whole], options, Budget(cost.peak_bytes - 1, "tight"))
    assert found.costs == {last: free.costs[last], whole: cost.checkpointed}
    less = cost.checkpointed.peak_bytes - 1
    with pytest.raises(StudyError, match=r"all: needs .*, more than"):
        settle([last, whole], options, Budget(less, "tighter"))
