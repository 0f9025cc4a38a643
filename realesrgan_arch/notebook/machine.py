"""What this machine can do, said before anything long begins."""

from realesrgan_arch.devices import choose_device, describe_device
from realesrgan_arch.entry import say
from realesrgan_arch.notebook.place import is_colab

_NO_GPU = (
    "There is no GPU here, and everything below works without one; the cell with the dry run measures how long the "
    "training will take on this CPU."
)
_COLAB_HINT = " In Colab: Runtime, Change runtime type, T4 GPU; then run the cells from the first one again."


def describe_machine() -> None:
    """Say what the networks will be computed on, and what that means without a GPU."""
    device = choose_device("auto")
    say(f"networks run on {describe_device(device)}")
    if device.type == "cpu":
        say(_NO_GPU + (_COLAB_HINT if is_colab() else ""))
