"""New pictures in a folder: each once, when it is whole, and again when it was changed."""

from realesrgan_arch.upscaling.watch import new_pictures


class Looks:
    """The looks at a folder: before each one, something happens in it."""

    def __init__(self, folder, *events):
        self.folder, self.events, self.slept = folder, list(events), 0.0

    def find(self):
        self.events.pop(0)()
        return sorted(self.folder.glob("*.png"))

    def is_over(self):
        return not self.events

    def sleep(self, seconds):
        self.slept += seconds


def _nothing():
    pass


def _seen(looks, known=None):
    new = new_pictures(looks.find, known=known or {}, should_stop=looks.is_over, look_seconds=3.0, sleep=looks.sleep)
    return [[path.name for path in paths] for paths in new]


def test_a_picture_counts_when_two_looks_found_the_same_size_and_then_never_again(tmp_path):
    file = tmp_path / "new.png"
    looks = Looks(
        tmp_path,
        lambda: file.write_bytes(b"ha"),
        lambda: file.write_bytes(b"half"),
        lambda: file.write_bytes(b"all of it"),
        _nothing,
        _nothing,
        _nothing,
    )
    assert _seen(looks) == [["new.png"]]
    assert looks.slept >= 15


def test_what_is_known_counts_only_when_it_was_changed(tmp_path):
    known = tmp_path / "a.png"
    known.write_bytes(b"first")
    facts = {known: (5, known.stat().st_mtime_ns)}
    looks = Looks(tmp_path, _nothing, _nothing, lambda: known.write_bytes(b"second"), _nothing, _nothing)
    assert _seen(looks, facts) == [["a.png"]]


def test_what_was_changed_since_it_was_dealt_with_counts_even_before_the_first_look(tmp_path):
    known = tmp_path / "a.png"
    known.write_bytes(b"half")
    facts = {known: (4, known.stat().st_mtime_ns)}
    known.write_bytes(b"all of it")
    assert _seen(Looks(tmp_path, _nothing, _nothing, _nothing), facts) == [["a.png"]]


def test_an_empty_file_and_one_that_goes_again_do_not_count(tmp_path):
    (tmp_path / "empty.png").write_bytes(b"")
    gone = tmp_path / "gone.png"
    looks = Looks(tmp_path, lambda: gone.write_bytes(b"x"), gone.unlink, _nothing, _nothing)
    assert _seen(looks) == []


def test_a_stop_ends_the_wait_without_another_look(tmp_path):
    naps = []
    new = new_pictures(
        lambda: naps.append("look") or [], known={}, should_stop=lambda: len(naps) >= 2, sleep=naps.append
    )
    assert list(new) == []
    assert naps == [0.2, 0.2]
