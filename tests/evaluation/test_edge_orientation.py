"""Turned edges: the angle by which a grating is turned, and what does not count as one."""

import math

import cv2
import numpy as np
import pytest
import torch

from realesrgan_arch.evaluation.edge_orientation import orientation_error


def grating(degrees: float, *, bend: float = 0.0) -> torch.Tensor:
    """Stripes 16 pixels wide across `degrees`; `bend` waves them by so many pixels."""
    rows, columns = torch.meshgrid(torch.arange(160.0), torch.arange(200.0), indexing="ij")
    angle = math.radians(degrees)
    along = -math.sin(angle) * columns + math.cos(angle) * rows
    across = math.cos(angle) * columns + math.sin(angle) * rows + bend * torch.sin(along / 8)
    return (0.5 + 0.4 * torch.sin(2 * math.pi * across / 16)).expand(3, 160, 200).contiguous()


@pytest.mark.parametrize("turn", [1, 5, 20, 60, 85])
@pytest.mark.parametrize("first", [0, 40, 90, 170])
def test_a_turned_grating_has_the_angle_of_its_turn(first, turn):
    assert orientation_error(grating(first + turn), grating(first), border=8) == pytest.approx(turn, abs=0.5)


def test_an_angle_and_its_opposite_are_one_orientation():
    assert orientation_error(grating(178), grating(3), border=8) == pytest.approx(5, abs=0.5)


def test_blur_and_contrast_turn_nothing_but_a_bend_does():
    truth = grating(30)
    blurred = torch.from_numpy(
        cv2.GaussianBlur(truth.numpy().transpose(1, 2, 0), (0, 0), 3.0).transpose(2, 0, 1).copy()
    )
    assert orientation_error(truth, truth) == 0
    assert orientation_error(0.3 + 0.4 * blurred, truth, border=12) < 0.5
    assert orientation_error(grating(30, bend=1.5), truth, border=8) > 5


def test_noise_counts_as_guessing_and_a_flat_result_too():
    truth = grating(30)
    noise = torch.from_numpy(np.random.default_rng(0).random((3, 160, 200), dtype=np.float32))
    assert orientation_error(noise, truth) == pytest.approx(45, abs=4)
    assert orientation_error(torch.full_like(truth, 0.5), truth) == 45


def test_a_truth_without_edges_has_no_error_to_speak_of():
    faint = 0.5 + (grating(0) - 0.5) * 0.05
    assert math.isnan(orientation_error(grating(20), faint))
    assert math.isnan(orientation_error(grating(20), torch.full((3, 160, 200), 0.5)))
