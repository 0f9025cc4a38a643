from realesrgan_arch.plural import count_of


def test_one_thing_is_never_told_as_many():
    assert [count_of(n, "file") for n in (0, 1, 2, 2000)] == ["0 files", "1 file", "2 files", "2,000 files"]
    assert [count_of(n, "file is", "files are") for n in (1, 2)] == ["1 file is", "2 files are"]
