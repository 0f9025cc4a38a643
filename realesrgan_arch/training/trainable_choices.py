"""What one may choose to train, from the last layer to all, and small twins of the network that tell its memory."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from torch import nn

from realesrgan_arch.networks.spec import CompactSpec, GeneratorSpec, SRResNetSpec
from realesrgan_arch.training.freezing import FreezePlan, plan_freezing

_RRDB_TAIL, RRDB_LAYERS = 5, 15
"""Convolutions of RRDBNet after its blocks, and in each."""
SRRESNET_LAYERS = 2
GENERATOR_KEY = "train.trainable.network_g"

Twin = tuple[int, tuple[str, ...]]
"""Depth of the body, and the patterns that train in it."""


@dataclass(frozen=True)
class Choice:
    """Patterns of `train.trainable.network_g`, and how the memory of the deep network follows from shallow twins.

    All blocks of a body are alike, so bytes grow by the same step with each more that trains: the network needs
    `first + further * (second - first)`, where `first` and `second` are the needs of its twins.
    """

    patterns: tuple[str, ...]
    twins: tuple[Twin, Twin]
    further: int

    @property
    def label(self) -> str:
        """The patterns in a word."""
        return ", ".join(self.patterns)

    def plan(self, network: nn.Module) -> FreezePlan:
        """Return the parameters of the whole `network` that train."""
        return plan_freezing(network, self.patterns, key=GENERATOR_KEY)


def depth_of(spec: GeneratorSpec) -> int:
    """Return the number of equal parts in the body."""
    return spec.num_conv if isinstance(spec, CompactSpec) else spec.num_block


def with_depth(spec: GeneratorSpec, depth: int) -> GeneratorSpec:
    """Return the spec of a twin with another depth."""
    return replace(spec, num_conv=depth) if isinstance(spec, CompactSpec) else replace(spec, num_block=depth)


def list_choices(spec: GeneratorSpec) -> list[Choice]:
    """Return the choices worth comparing, from the latest first trained layer to the earliest."""
    depth = depth_of(spec)
    match spec:
        case CompactSpec():
            found = list(_compact_choices(depth))
        case SRResNetSpec():
            # After the blocks: one convolution, one for each doubling, the last one.
            found = list(_block_choices(depth, tail=1 + spec.upscale // 2 + 1, block=SRRESNET_LAYERS))
        case _:
            found = list(_block_choices(depth, tail=_RRDB_TAIL, block=RRDB_LAYERS))
    found += [_whole_depth((word,), depth) for word in ("bias", "all")]
    return found


def own_choice(spec: GeneratorSpec, patterns: tuple[str, ...]) -> Choice:
    """Return the choice that is not in the list; its memory is seen on the network in its whole depth."""
    twin = (depth_of(spec), patterns)
    return Choice(patterns, (twin, twin), 0)


def _block_choices(depth: int, *, tail: int, block: int) -> Iterator[Choice]:
    for patterns in (("conv_last",), ("last:2",), (f"last:{tail}",)):
        twin = (min(depth, 2), patterns)
        yield Choice(patterns, (twin, twin), 0)
    for blocks in sorted({1, depth // 6, depth // 2} & set(range(1, depth))):
        first, second = ((3, (f"last:{tail + block * trained}",)) for trained in (1, 2))
        yield Choice((f"last:{tail + block * blocks}",), (first, second), blocks - 1)


def _compact_choices(depth: int) -> Iterator[Choice]:
    # Besides the `depth` convolutions of the body there are the first and the last one.
    for count in sorted({1, 2, depth // 4, depth // 2} & set(range(1, depth + 1))):
        if count < 3:
            twin = (2, (f"last:{count}",))
            yield Choice((f"last:{count}",), (twin, twin), 0)
        else:
            yield Choice((f"last:{count}",), ((5, ("last:3",)), (5, ("last:4",))), count - 3)


def _whole_depth(patterns: tuple[str, ...], depth: int) -> Choice:
    if depth < 3:
        return Choice(patterns, ((depth, patterns), (depth, patterns)), 0)
    return Choice(patterns, ((2, patterns), (3, patterns)), depth - 2)
