"""Two sets of weights mixed into one (Wang et al., "Deep network interpolation", CVPR 2019)."""

from torch import nn

from realesrgan_arch.weights.load import load_into


def blend_into(network: nn.Module, other: nn.Module, *, share: float, name: str) -> None:
    """Replace the weights of `network` by (1 - share) of them and `share` of the weights of `other`.

    Counters, which are whole numbers, stay those of `network`. `name` is how messages call the weights of `other`.

    Raises:
        WeightsError: `other` is another network; `network` is as it was.
    """
    own = {key: value.clone() for key, value in network.state_dict().items()}
    others = other.state_dict()
    load_into(network, others, name=name)
    mixed = {key: value.lerp(others[key], share) if value.is_floating_point() else value for key, value in own.items()}
    load_into(network, mixed, name=name)
