from realesrgan_arch.byte_count import say_bytes


def test_small_numbers_of_bytes_are_never_nothing():
    assert [say_bytes(n) for n in (0, 1, 950_000, 12_340_000, 2**30 - 1, 1.5 * 2**30, 2_000 * 2**30)] == [
        "0 bytes", "1 byte", "950 kB", "12.3 MB", "1,073.7 MB", "1.5 GiB", "2,000.0 GiB",
    ]  # fmt: skip
