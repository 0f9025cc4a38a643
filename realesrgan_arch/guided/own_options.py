"""The option file as it is now: the user may change it, but not what makes it the file of this run."""

from pathlib import Path

from realesrgan_arch.data.assembly import named_sets
from realesrgan_arch.guided.chain import Work
from realesrgan_arch.guided.request import GuidedError
from realesrgan_arch.guided.step_freeze import TEST, frozen_folder
from realesrgan_arch.image_header import shown
from realesrgan_arch.options.load import LoadedOptions, load_options
from realesrgan_arch.options.types import Options


def load_own_options(work: Work) -> LoadedOptions:
    """Read the option file of a guided run, and check that the later steps will find what comes of it.

    Raises:
        OptionsError: it holds what no option file may hold.
        GuidedError: another name, another folder of results, or no longer the test set of this run.
    """
    loaded = load_options(work.folder.options)
    options, root = loaded.options, loaded.options.path.experiments_root
    if options.name != work.folder.name:
        raise _changed(work, f"name: {work.folder.name}", options.name)
    if not _is_same(root, work.folder.experiments):
        raise _changed(
            work, f"path.experiments_root: {shown(work.folder.experiments)}", shown(root) if root else "none"
        )
    title_of_test_set(work, options)
    return loaded


def title_of_test_set(work: Work, options: Options) -> str:
    """Return what `comparison.compare` calls this run's test set, which need not be the only one.

    Raises:
        GuidedError: the options name it no more.
    """
    own, sets = frozen_folder(work, TEST), named_sets(options.datasets.test_sets())
    for title, section in sets.items():
        if section.is_frozen and _is_same(section.dataroot_gt, own):
            return title
    raise _changed(work, f"a test set of type FrozenPairs in {shown(own)}", ", ".join(sets) or "none")


def _is_same(one: Path | None, other: Path) -> bool:
    return one is not None and one.resolve() == other.resolve()


def _changed(work: Work, expected: str, found: str) -> GuidedError:
    return GuidedError(
        f"{shown(work.folder.options)}: expected {expected}, for a guided run looks there for what it has made, got "
        f"{found}; put it back, or give a copy of the file to train.py"
    )
