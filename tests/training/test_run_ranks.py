"""A run folder says how many ranks trained in it."""

import pytest

from realesrgan_arch.data.files import DataError
from realesrgan_arch.training.run_ranks import read_num_ranks, write_num_ranks


def test_what_was_written_is_read_and_an_older_run_had_one(tmp_path) -> None:
    assert read_num_ranks(tmp_path) == 1
    write_num_ranks(tmp_path, 4)
    assert read_num_ranks(tmp_path) == 4


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"ranks": 0}', '{"ranks": "2"}'])
def test_anything_else_is_refused_by_name(tmp_path, text) -> None:
    (tmp_path / "ranks.json").write_text(text)
    with pytest.raises(DataError, match=r"ranks\.json"):
        read_num_ranks(tmp_path)
