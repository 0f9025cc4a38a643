from realesrgan_arch.byte_count import read_bytes, say_bytes


def test_small_numbers_of_bytes_are_never_nothing():
    assert [say_bytes(n) for n in (0, 1, 950_000, 12_340_000, 2**30 - 1, 1.5 * 2**30, 2_000 * 2**30)] == [
        "0 bytes", "1 byte", "950 kB", "12.3 MB", "1,073.7 MB", "1.5 GiB", "2,000.0 GiB",
    ]  # fmt: skip


def test_amounts_are_read_in_decimal_and_binary_units():
    texts = ("8GB", "8GiB", "8192MB", "1.5 gib", "1TB")
    assert [read_bytes(text) for text in texts] == [8 * 10**9, 8 * 2**30, 8192 * 10**6, 3 * 2**29, 10**12]
