"""The training pictures of the first two stages: the same for every candidate and seed."""

from collections.abc import Sequence

from realesrgan_arch.data.manifest import ManifestRow
from realesrgan_arch.seeding import Stream, numpy_generator


def draw_subset(rows: Sequence[ManifestRow], count: int) -> list[ManifestRow]:
    """Return `count` of `rows` in their order, or all where there are fewer; a scene gives its second picture only when
    every scene has given its first.
    """
    order = numpy_generator(0, Stream.LAYER_STUDY).permutation(len(rows))
    seen: dict[str, int] = {}
    ranked: list[tuple[int, int, int]] = []
    for place, index in enumerate(map(int, order)):
        turn = seen[rows[index].scene] = seen.get(rows[index].scene, 0) + 1
        ranked.append((turn, place, index))
    return [rows[index] for index in sorted(index for _, _, index in sorted(ranked)[:count])]
