"""The options of each run: what the protocol says, and the user's for the rest."""

from pathlib import Path

import pytest

from realesrgan_arch.layer_study.candidates import Candidate
from realesrgan_arch.layer_study.protocol import STAGES, Protocol, Run
from realesrgan_arch.options.load import parse_options, require_train
from realesrgan_arch.options.types import Options
from tests.tiny_run import tiny_options

LAST = Candidate(("conv_last",))
FOLDER = Path("studies/mine")


@pytest.fixture
def base(tmp_path) -> Options:
    mapping = tiny_options(tmp_path, tmp_path, gan=True)
    mapping["network_g"] = {"type": "RRDBNet", "num_feat": 8, "num_block": 1, "num_grow_ch": 4, "scale": 4}
    mapping["datasets"]["train"]["manifest"] = "split/train.csv"
    mapping["path"] |= {"pretrain_network_g": "x4plus.pth", "param_key_g": "params_ema", "pretrain_network_d": "d.pth"}
    mapping["train"] |= {
        "ema_decay": 0.999,
        "total_iter": 2000,
        "net_d_init_iters": 100,
        "warmup_iter": 200,
        "scheduler": {"type": "MultiStepLR", "milestones": [10]},
    }
    mapping["train"]["gan_opt"] |= {"start_iter": 1000, "ramp_iter": 500}
    return parse_options(mapping)


def _options(base: Options, stage, *, scale: float = 1.0, seed: int = 5) -> Options:
    return Run(stage, LAST, seed).options(base, Protocol(scale=scale), FOLDER)


def test_full_scale_is_the_ancestors_schedule(base) -> None:
    assert [require_train(_options(base, stage)).total_iter for stage in STAGES] == [4500, 4500, 15000]
    rates = [require_train(_options(base, stage)).optim_g.lr for stage in STAGES]
    assert rates == [1e-3, 1e-3, 1e-5]
    last = require_train(_options(base, "last"))
    assert last.optim_d is not None and last.optim_d.lr == 1e-5


def test_scale_shrinks_steps_subset_warm_ups_and_the_memory_of_the_average(base) -> None:
    train = require_train(_options(base, "probe", scale=0.02))
    assert (train.total_iter, train.net_d_init_iters, train.warmup_iter) == (90, 2, 4)
    assert train.gan_opt is not None
    assert (train.gan_opt.start_iter, train.gan_opt.ramp_iter) == (20, 10)
    assert train.ema_decay == pytest.approx(0.999**50)
    assert Protocol(scale=0.02).pictures == 40
    assert Protocol(scale=1e-9).steps("probe") == 1


def test_only_the_candidate_trains_at_a_constant_rate_and_nothing_is_chosen_while_it_does(base) -> None:
    options = _options(base, "probe")
    train = require_train(options)
    assert train.trainable.network_g == ("conv_last",)
    assert train.trainable.network_d == ("all",)
    assert train.scheduler is None
    assert options.val is None
    assert options.name == "probe_conv_last_seed5"
    assert options.path.experiments_root == FOLDER / "runs"


def test_the_probe_starts_from_the_users_weights_and_each_later_stage_from_the_one_before(base) -> None:
    paths = [_options(base, stage).path for stage in STAGES]
    models = [str(FOLDER / f"runs/{stage}_conv_last_seed5/models") for stage in STAGES]
    assert [(path.pretrain_network_g, path.pretrain_network_d) for path in paths] == [
        ("x4plus.pth", "d.pth"),
        (f"{models[0]}/net_g_latest.pth", f"{models[0]}/net_d_latest.pth"),
        (f"{models[1]}/net_g_latest.pth", f"{models[1]}/net_d_latest.pth"),
    ]
    assert [path.param_key_g for path in paths] == ["params_ema", None, None]


def test_the_last_stage_trains_on_everything_and_the_others_on_the_subset(base) -> None:
    sections = [_options(base, stage).datasets.train for stage in STAGES]
    manifests = [str(section.manifest) for section in sections if section is not None]
    assert manifests == [str(FOLDER / "subset.csv")] * 2 + ["split/train.csv"]


def test_later_stages_warm_nothing_up_and_see_other_batches(base) -> None:
    later = [_options(base, stage) for stage in STAGES[1:]]
    for options in later:
        train = require_train(options)
        assert (train.net_d_init_iters, train.warmup_iter) == (0, -1)
        assert train.gan_opt is not None
        assert (train.gan_opt.start_iter, train.gan_opt.ramp_iter) == (0, 0)
    seeds = {_options(base, stage, seed=seed).manual_seed for stage in STAGES for seed in (0, 1, 2)}
    assert len(seeds) == 9
    assert _options(base, "probe").manual_seed == 5
