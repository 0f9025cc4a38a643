"""Images that cannot be read, counted and said once each."""

from collections.abc import Mapping

from torch import Tensor

from realesrgan_arch.data.files import DataError
from realesrgan_arch.training.ranks import Ranks

MOST_FAILED_SHARE = 0.05


class ImageFaults:
    """Counts the images that could not be read and sees small ones; too many unreadable ones stop the run.

    Args:
        num_images: of the training set.
    """

    def __init__(self, num_images: int) -> None:
        self._num_images = num_images
        self._failed: set[str] = set()
        self._padding_was_said = False

    def note(self, batch: Mapping[str, object]) -> list[str]:
        """Take the `failed_path` and `padded` entries of a batch, and return what the user has not heard yet.

        Raises:
            DataError: more than 5 % of the images have failed.
        """
        new = sorted({str(path) for path in _as_list(batch.get("failed_path", ())) if path} - self._failed)
        self._failed.update(new)
        if len(self._failed) > max(1.0, MOST_FAILED_SHARE * self._num_images):
            raise DataError(
                f"expected at most {MOST_FAILED_SHARE:.0%} unreadable images, got {len(self._failed)} of "
                f"{self._num_images}, among them {', '.join(sorted(self._failed)[:3])}; mend or remove them"
            )
        words = [f"cannot read {path}: another image stands in for it" for path in new]
        if not self._padding_was_said and any(bool(padded) for padded in _as_list(batch.get("padded", ()))):
            self._padding_was_said = True
            words.append("some images are smaller than the crop and are padded by reflection (said once)")
        return words

    def listing(self) -> str:
        """Return the failed files, one a line, or an empty string."""
        return "\n".join(f"  {path}" for path in sorted(self._failed))


class SharedImageFaults(ImageFaults):
    """The faults that any of several ranks meets, counted over all of them; every `note` is a meeting.

    Args:
        num_images: of the training set.
        ranks: who meets.
    """

    def __init__(self, num_images: int, ranks: Ranks) -> None:
        super().__init__(num_images)
        self._ranks = ranks

    def note(self, batch: Mapping[str, object]) -> list[str]:
        """Take a batch of each rank, and return what the user has not heard yet.

        Raises:
            DataError: more than 5 % of the images have failed, on any of the ranks; the first one says it.
        """
        mine = {key: [str(path) for path in _as_list(batch.get(key, ())) if path] for key in ("failed_path",)}
        mine["padded"] = ["yes" for padded in _as_list(batch.get("padded", ())) if bool(padded)]
        if not self._ranks.highest(len(mine["failed_path"]) + len(mine["padded"])):
            return []
        everyone = self._ranks.gather(mine)
        together = {key: [value for rank in everyone for value in rank[key]] for key in mine}
        return self._ranks.on_first(lambda: ImageFaults.note(self, together))


def _as_list(value: object) -> list[object]:
    return list(value) if isinstance(value, (list, tuple, Tensor)) else [value]
