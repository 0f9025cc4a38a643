"""Training reads the corpus: a picture that cannot be read is replaced by another and named."""

from pathlib import Path

import pytest

from realesrgan_arch.data.dataset import GtDataset
from realesrgan_arch.data.files import list_images
from realesrgan_arch.data.sampler import SampleRequest
from tests.corpus.corpus_folder import Corpus, faults
from tests.corpus.entries import Entry, Ignored, LeftOut, Read
from tests.corpus.table import ENTRIES

CROP = 64


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_each_entry_is_read_as_the_table_says(entry: Entry, corpus: Corpus):
    bad = corpus.paths[entry.id]
    with faults(corpus):
        listed = list_images(corpus.root)
        samples = [_sample([path, *corpus.good]) for path in bad if path in listed]
    if isinstance(entry.training, Ignored):
        assert not any(path.is_relative_to(each) for path in listed for each in bad)
        return
    assert len(samples) == len(bad)
    for path, sample in zip(bad, samples, strict=True):
        is_substituted = isinstance(entry.training, LeftOut)
        assert sample["gt"].shape == (3, CROP, CROP)
        assert sample["failed_path"] == (str(path) if is_substituted else "")
        assert (sample["gt_path"] == str(path)) != is_substituted
        if isinstance(entry.training, Read):
            assert sample["padded"] == (min(entry.training.size) < CROP)


def _sample(paths: list[Path]):
    return GtDataset(paths, crop_size=CROP, seed=0)[SampleRequest(0, step=0, slot=0)]
