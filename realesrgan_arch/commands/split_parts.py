"""Which parts of a split a command works on."""

from collections.abc import Sequence

from realesrgan_arch.data.files import DataError
from realesrgan_arch.data.manifest import ManifestRow, SplitName
from realesrgan_arch.data.split_folder import SplitFolder
from realesrgan_arch.image_header import shown


def chosen_parts(
    split: SplitFolder, wanted: Sequence[SplitName] | None, *, usual: Sequence[SplitName]
) -> dict[SplitName, list[ManifestRow]]:
    """Return the rows of the `wanted` parts, of those of the `usual` ones that the split has where None are named.

    Raises:
        DataError: the split lacks one that was named, or has none of the usual ones.
    """
    parts = wanted or [part for part in usual if part in split.rows]
    missing = [part for part in parts if part not in split.rows]
    if missing or not parts:
        raise DataError(
            f"Expected the parts {', '.join(missing or usual)} in {shown(split.folder)}, got only "
            f"{', '.join(split.rows)}; run `data split` with a larger share for them, or choose others with --parts."
        )
    return {part: split.rows[part] for part in dict.fromkeys(parts)}
