"""One pass over the pairs of a set makes scores, pictures and the grid."""

import pytest
import torch
from torch.utils.data import DataLoader

from realesrgan_arch.evaluation.evaluate import EvaluationError, ScoreRules
from realesrgan_arch.evaluation.pairs import KeptPairs
from realesrgan_arch.options.load import OptionsError
from realesrgan_arch.options.train import EarlyStoppingOptions, MetricOptions, ValidationOptions
from realesrgan_arch.options.types import Options
from realesrgan_arch.resampling import magnify_bicubic
from realesrgan_arch.training.validation import Validation, samples_of_batches, score_rules
from tests.training.builders import small_model


def _sample(path: str, *, seed: int = 0) -> dict:
    gt = torch.randint(0, 256, (3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))
    return {"gt": gt, "lq": gt[:, ::4, ::4], "gt_path": path, "lq_path": path, "failed_path": "", "padded": False}


class CountingBicubic:
    """Counts how often it upscales."""

    calls = 0

    def __call__(self, lq: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return magnify_bicubic(lq, scale=4)


@pytest.fixture
def validation() -> Validation:
    pairs = KeptPairs([_sample("/d/villa/1.png"), _sample("/d/barn/1.png", seed=1)])
    return Validation(pairs, name="Set2", rules=ScoreRules(("psnr",)), scale=4)


def test_each_picture_is_upscaled_once_for_scores_grid_and_files(validation, tmp_path) -> None:
    base, now = CountingBicubic(), CountingBicubic()
    assert validation.score_base(base) == validation.score_now(now, pictures=tmp_path, step=7)
    assert validation.grid().shape[0] == 3
    assert (base.calls, now.calls) == (2, 2)
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.png")} == {
        "villa_1/villa_1_7.png", "barn_1/barn_1_7.png",
    }  # fmt: skip


def test_the_table_has_the_name_of_its_set_and_differences_to_the_base(validation) -> None:
    validation.score_base(CountingBicubic())
    validation.score_now(CountingBicubic())
    lines = validation.table.splitlines()
    assert lines[0] == "Set2"
    assert any(line.startswith("tuned") and "(+0.00 dB)" in line for line in lines)
    assert any(line.startswith("base ") and "+0.00 [+0.00, +0.00]" in line for line in lines)


def test_without_a_base_the_grid_has_one_column_less(validation) -> None:
    validation.score_now(CountingBicubic())
    narrow = validation.grid().shape[2]
    validation.score_base(CountingBicubic())
    validation.score_now(CountingBicubic())
    assert validation.grid().shape[2] > narrow


def test_a_set_without_a_readable_picture_is_an_error() -> None:
    with pytest.raises(EvaluationError, match="validation set Set2"):
        Validation(KeptPairs([]), name="Set2", rules=ScoreRules(), scale=4)


def test_batches_of_basicsr_and_ours_become_the_same_samples() -> None:
    ours = _sample("a.png")
    batch = {key: value[None] if torch.is_tensor(value) else [value] for key, value in ours.items()}
    basicsr = {"gt": batch["gt"].float() / 255, "lq": batch["lq"].float() / 255, "lq_path": ["a.png"]}
    for sample in samples_of_batches([batch, basicsr]):
        assert (sample["lq_path"], sample["failed_path"]) == ("a.png", "")
        assert torch.equal(sample["lq"], ours["lq"])
        assert torch.equal(sample["gt"], ours["gt"])


def test_basicsrs_loop_scores_and_writes_pictures_of_one_name_apart(tmp_path) -> None:
    model = small_model(tmp_path, paired=True)
    loader = DataLoader([_sample("/d/villa/1.png"), _sample("/d/barn/1.png", seed=1)])  # pyright: ignore[reportArgumentType]
    model.feed_data(next(iter(loader)))
    model.validation(loader, 3, None, save_img=True)
    folder = tmp_path / "visualization" / "validation"
    assert {path.name for path in folder.rglob("*.png")} == {"villa_1_3.png", "barn_1_3.png"}


def test_basicsrs_loop_names_the_hash_of_a_frozen_set(tmp_path, caplog) -> None:
    class Frozen(list):
        set_hash = "0123abcd"

    model = small_model(tmp_path, paired=True)
    loader = DataLoader(Frozen([_sample("/d/villa/1.png")]))  # pyright: ignore[reportArgumentType]
    model.feed_data(next(iter(loader)))
    with caplog.at_level("INFO", "basicsr"):
        model.validation(loader, 3, None)
    assert "0123abcd" in caplog.text


def rules_of(metrics: dict[str, dict], *, early: str | None = None) -> ScoreRules:
    chosen = {name: MetricOptions(**keys) for name, keys in metrics.items()}
    stopping = EarlyStoppingOptions(patience=1, metric=early) if early else None
    val = ValidationOptions(metrics=chosen, early_stopping=stopping)
    return score_rules(Options.model_construct(name="x", val=val))


def test_ours_are_measured_beside_basicsrs_and_do_not_ask_for_a_channel() -> None:
    found = rules_of(
        {
            "psnr": {"type": "calculate_psnr", "crop_border": 4, "test_y_channel": True},
            "sharp": {"type": "calculate_psnr_usm", "crop_border": 4, "test_y_channel": True},
            "color": {"type": "calculate_color", "crop_border": 4},
        }
    )
    assert found == ScoreRules(("psnr", "psnr_usm", "color"), border=4, y_channel=True)


def test_what_a_machine_lacks_is_left_out_of_a_validation_with_a_warning(caplog) -> None:
    found = rules_of({"psnr": {"type": "calculate_psnr"}, "like": {"type": "calculate_lpips_like"}})
    assert found.metrics == ("psnr",)
    assert "name the folder of its weights" in caplog.text


def test_what_early_stopping_looks_at_is_not_left_out() -> None:
    metrics = {"psnr": {"type": "calculate_psnr"}, "like": {"type": "calculate_lpips_like"}}
    assert rules_of(metrics, early="psnr").metrics == ("psnr",)
    with pytest.raises(OptionsError, match="name the folder of its weights"):
        rules_of(metrics, early="lpips_like")


def test_a_validation_that_can_measure_nothing_is_refused() -> None:
    with pytest.raises(OptionsError, match="name the folder of its weights"):
        rules_of({"like": {"type": "calculate_lpips_like"}})
