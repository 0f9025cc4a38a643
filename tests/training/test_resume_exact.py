"""Some steps, a stop and a resume are the very same run as without the stop: every tensor, table and line."""

import copy
import random
import signal

import numpy as np
import pytest
import torch

from realesrgan_arch.networks.build import build_generator
from realesrgan_arch.networks.spec import CompactSpec
from realesrgan_arch.options.load import parse_options
from realesrgan_arch.session import train
from realesrgan_arch.training.model import FineTuneModel
from realesrgan_arch.training.stopping import StoppedBySignal
from tests.tiny_run import tiny_options, write_pictures
from tests.training.states import differing, differing_runs

STEPS = 7
"""Three steps make an epoch; the pool is full after the fourth; validation at 4 and 7."""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    write_pictures(folder, scenes=3, views=2, size=(48, 48))
    torch.manual_seed(0)
    torch.save(build_generator(CompactSpec(num_feat=8, num_conv=2)).state_dict(), folder / "base.pth")
    return folder


def _mapping(pictures, root, change: dict) -> dict:
    mapping = tiny_options(pictures, root, gan=change.get("gan", True), steps=STEPS)
    mapping |= {"queue_size": 8, "gt_size": 16, **change.get("top", {})}
    mapping["datasets"]["train"] |= {"crop_size": 32, **change.get("data", {})}
    mapping["datasets"]["val"] |= {"max_size": 24, "max_images": 1}
    mapping["val"]["val_freq"] = 4
    mapping["logger"] |= {"save_checkpoint_freq": 100, "use_tb_logger": False}
    if change.get("base"):
        mapping["path"]["pretrain_network_g"] = str(pictures / "base.pth")
    mapping["train"] |= {
        "accumulate": 2,
        "scheduler": {"type": "CosineAnnealingRestartLR", "periods": [3, 3], "restart_weights": [1, 0.5]},
        **change.get("train", {}),
    }
    return mapping


def _run(mapping: dict, *, disturbance: int, stop_at: int | None = None, resume: str = "none") -> None:
    """Run with the random generators of the process in a state of their own, until a signal in step `stop_at`."""
    random.seed(disturbance)
    np.random.seed(disturbance)  # noqa: NPY002
    torch.manual_seed(disturbance)
    untouched = FineTuneModel.optimize_parameters

    def interrupted(model: FineTuneModel, step: int) -> None:
        torch.rand(disturbance)
        random.random()
        if step == stop_at:
            signal.raise_signal(signal.SIGTERM)
        untouched(model, step)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FineTuneModel, "optimize_parameters", interrupted)
        options = parse_options({**copy.deepcopy(mapping), "resume": resume})
        if stop_at is None:
            train(options)
            return
        with pytest.raises(StoppedBySignal, match=f"step {stop_at} "):
            train(options)


@pytest.fixture(scope="module")
def uninterrupted(pictures, tmp_path_factory):
    """Return a function that makes the run without a stop, once for each change."""
    made: dict[str, object] = {}

    def get(change: dict):
        key = repr(change)
        if key not in made:
            root = tmp_path_factory.mktemp("straight")
            _run(_mapping(pictures, root, change), disturbance=1)
            made[key] = root / "experiments" / "tiny"
        return made[key]

    return get


SMALL_JUDGE = {"type": "PatchDiscriminatorSN", "num_feat": 4, "depth": 2, "unshuffle": 2}
ALL = {}
ROUNDED = {"top": {"precision": "bf16", "network_d": SMALL_JUDGE}}
HELPED = {"data": {"num_worker_per_gpu": 2}}
ALONE = {"gan": False, "train": {"ema_decay": 0, "accumulate": 1, "warmup_iter": 5}}
OUTPUTS = {"base": True, "top": {"network_d": SMALL_JUDGE}, "train": {"ldl_opt": {}, "base_opt": {"on": "outputs"}}}
WEIGHTS = {"base": True, "gan": False, "train": {"base_opt": {"on": "weights"}}}
FROZEN = {
    "top": {"network_d": SMALL_JUDGE},
    "train": {"trainable": {"network_g": ["last:1"], "network_d": ["none"]}, "net_d_iters": 2},
}
GATED = {"gan": False, "top": {"gate": {"clean": 0.3, "mild": 0.3, "two_orders": 0.4}}}
BATCH_NORM = {
    "top": {
        "network_g": {"type": "SRResNet", "num_feat": 4, "num_block": 1},
        "network_d": {"type": "SRGANDiscriminator", "num_feat": 2, "input_size": 16},
    },
    "train": {"accumulate": 1},
}
PATCHES = {
    "top": {"network_d": SMALL_JUDGE},
    "train": {"amplitude_opt": {}, "low_frequency_opt": {}},
}
# Steps 1, 4 and 5 of the whole run are those of the three stops; 3 and 6 end epochs, 2 is inside one.
CASES = [
    *((ALL, step) for step in (3, 6)),
    (HELPED, 2),
    (ROUNDED, 5),
    (ALONE, 3),
    (FROZEN, 4),
    (GATED, 3),
    (BATCH_NORM, 3),
    (OUTPUTS, 3),
    (WEIGHTS, 3),
    (PATCHES, 3),
]
NAMES = [
    (ALL, "all"),
    (HELPED, "workers"),
    (ROUNDED, "bf16"),
    (ALONE, "without"),
    (FROZEN, "frozen"),
    (GATED, "gated"),
    (BATCH_NORM, "batch norm"),
    (OUTPUTS, "outputs"),
    (WEIGHTS, "weights"),
    (PATCHES, "patches"),
]


def _name_of(change: dict) -> str:
    return next(name for known, name in NAMES if known == change)


@pytest.mark.parametrize(("change", "stop_at"), CASES, ids=[f"{_name_of(change)}-{step}" for change, step in CASES])
def test_a_run_that_was_stopped_and_resumed_is_the_same_run(
    pictures, uninterrupted, tmp_path, change: dict, stop_at: int
) -> None:
    expected = uninterrupted({"data": {}, **change})
    mapping = _mapping(pictures, tmp_path, change)
    _run(mapping, disturbance=2, stop_at=stop_at)
    saved = torch.load(tmp_path / f"experiments/tiny/training_states/{stop_at}.state", weights_only=True)
    assert len(saved["pool"]["gt"]) == min(8, 2 * stop_at)
    _run(mapping, disturbance=3, resume="auto")
    assert differing_runs(expected, tmp_path / "experiments" / "tiny", STEPS) == []


def test_workers_make_the_same_run(uninterrupted) -> None:
    assert differing_runs(uninterrupted({"data": {}, **ALL}), uninterrupted({"data": {}, **HELPED}), STEPS) == []


def test_three_stops_are_no_worse_than_one(pictures, uninterrupted, tmp_path) -> None:
    mapping = _mapping(pictures, tmp_path, ALL)
    for number, stop_at in enumerate((1, 4, 5)):
        _run(mapping, disturbance=2 + number, stop_at=stop_at, resume="auto")
    _run(mapping, disturbance=9, resume="auto")
    assert differing_runs(uninterrupted({"data": {}, **ALL}), tmp_path / "experiments" / "tiny", STEPS) == []


def test_a_difference_is_named() -> None:
    one = {"a": {"w": torch.zeros(2)}, "n": [1, 2.0], "record": 1}
    other = {"a": {"w": torch.tensor([0.0, 1e-9])}, "n": [1, 2], "record": 2}
    assert sorted(differing(one, other)) == ["state.a.w", "state.n.1: 2.0 and 2"]
