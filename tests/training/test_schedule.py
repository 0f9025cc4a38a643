"""The learning rate of every step equals that of BasicSR's schedulers."""

import pytest
import torch

import tests.shims  # noqa: F401
from realesrgan_arch.training.schedule import (
    ConstantSchedule,
    CosineRestartSchedule,
    MultiStepSchedule,
    learning_rate,
)


def _basicsr_rates(build, steps: int, warmup: int = -1) -> list[float]:
    """Drive a scheduler as BasicSR's `update_learning_rate` does."""
    from basicsr.models.base_model import BaseModel

    model = BaseModel({"num_gpu": 0, "is_train": True})
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    model.optimizers, model.schedulers = [optimizer], [build(optimizer)]
    rates = []
    for step in range(1, steps + 1):
        optimizer.step()
        model.update_learning_rate(step, warmup_iter=warmup)
        rates.append(optimizer.param_groups[0]["lr"])
    return rates


@pytest.mark.parametrize("milestones", [(4, 7), (4, 4, 9), ()])
def test_multi_step_equals_basicsr(milestones: tuple[int, ...]) -> None:
    from basicsr.models.lr_scheduler import MultiStepRestartLR

    expected = _basicsr_rates(lambda o: MultiStepRestartLR(o, list(milestones), gamma=0.5), 12)
    schedule = MultiStepSchedule(milestones, gamma=0.5)
    assert [learning_rate(s, base=0.1, schedule=schedule) for s in range(1, 13)] == pytest.approx(expected)


def test_cosine_restart_equals_basicsr() -> None:
    from basicsr.models.lr_scheduler import CosineAnnealingRestartLR

    build = lambda o: CosineAnnealingRestartLR(o, periods=[5, 8], restart_weights=[1, 0.5], eta_min=0.01)  # noqa: E731
    schedule = CosineRestartSchedule((5, 8), (1, 0.5), eta_min=0.01)
    expected = _basicsr_rates(build, 13)
    assert [learning_rate(s, base=0.1, schedule=schedule) for s in range(1, 14)] == pytest.approx(expected)


def test_cosine_stays_at_its_end_after_the_last_period() -> None:
    schedule = CosineRestartSchedule((4,), (1.0,), eta_min=0.002)
    assert learning_rate(99, base=0.1, schedule=schedule) == pytest.approx(0.002)


def test_warm_up_rises_linearly_as_basicsr_and_then_reaches_the_base_rate() -> None:
    from basicsr.models.lr_scheduler import MultiStepRestartLR

    expected = _basicsr_rates(lambda o: MultiStepRestartLR(o, [100], gamma=0.5), 8, warmup=5)
    found = [learning_rate(s, base=0.1, schedule=ConstantSchedule(), warmup_steps=5) for s in range(1, 9)]
    assert found[:4] == pytest.approx(expected[:4])
    assert found[0] == pytest.approx(0.02)
    # BasicSR's chained scheduler never leaves the last warm-up rate (0.08 here); that is not worth repeating.
    assert found[4:] == pytest.approx([0.1] * 4)
    assert expected[4:] == pytest.approx([0.08] * 4)
