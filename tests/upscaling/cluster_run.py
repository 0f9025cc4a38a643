"""What the workers of the tests are built with; they import this file by its name."""

import os
import signal
import time

from realesrgan_arch.upscaling.one_job import FullDiskError
from realesrgan_arch.upscaling.picture import PictureUpscaler
from realesrgan_arch.upscaling.session import build_upscaler

DEADLY_WIDTH = 24
"""Pictures are 16 pixels high."""


_PATIENCE_SECONDS = 20


def works_beside_another(request, model, tick):
    """No process computes before another one does."""

    def wait(input_pixels):
        (request.output / f".at-work-{os.getpid()}").touch()
        _wait_until(lambda: len(list(request.output.glob(".at-work-*"))) > 1)
        tick(input_pixels)

    return build_upscaler(request, model, wait)


def first_waits_for_the_stop(request, model, tick):
    """The first process of all never ends its picture, until it is told to abandon it."""
    marker = request.output / ".waits"

    def wait(input_pixels):
        if not marker.exists():
            marker.touch()
            _wait_until(lambda: tick(input_pixels))
        tick(input_pixels)

    return build_upscaler(request, model, wait)


def dies_once(request, model, tick):
    """The process that computes the first batch of all is killed there."""

    def kill(input_pixels):
        marker = request.output / ".died"
        if marker.exists():
            tick(input_pixels)
            return
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)

    return build_upscaler(request, model, kill)


def dies_of_one_picture(request, model, tick):
    """Whatever process computes the picture of DEADLY_WIDTH is killed."""

    def kill(input_pixels):
        tick(input_pixels)
        if input_pixels == DEADLY_WIDTH * 16:
            os.kill(os.getpid(), signal.SIGKILL)

    return build_upscaler(request, model, kill)


def finds_no_room(request, model, tick):
    """The disk takes no result."""
    upscaler, computed_by = build_upscaler(request, model, tick)

    class NoRoom(PictureUpscaler):
        def upscale(self, picture):
            raise FullDiskError("there is no room")

    return NoRoom(**vars(upscaler)), computed_by


def _wait_until(condition):
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > _PATIENCE_SECONDS:
            raise RuntimeError("it did not come")
        time.sleep(0.02)
