"""Rows of the catalogue that tests elsewhere hold: what happens, and where that is looked at."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_UPSCALING = "tests/upscaling"


@dataclass(frozen=True)
class Held:
    """`happens`: in a sentence for users. `test`: file and function, as pytest writes them."""

    id: str
    what: str
    happens: str
    test: str

    @property
    def row(self) -> int:
        return int(self.id[:2])

    @property
    def is_there(self) -> bool:
        """Whether the test still exists."""
        file, _, name = self.test.partition("::")
        path = ROOT / file
        return path.is_file() and f"def {name}(" in path.read_text(encoding="utf-8")


HELD: tuple[Held, ...] = (
    Held(
        "07-vanished-since-the-plan",
        "A picture goes between the reading of its header and of its pixels.",
        "It is named in `failed.txt`; the others are made.",
        f"{_UPSCALING}/test_folder.py::test_a_picture_that_vanished_since_the_plan_is_one_that_failed",
    ),
    Held(
        "17-all-orientations",
        "Orientations 2 to 8, in every way of reading.",
        "Pixels are turned upright, once.",
        "tests/test_images.py::test_all_eight_orientations_are_applied_once",
    ),
    Held(
        "21-tiles-of-any-size",
        "Odd sides, odd tiles, a model of x2.",
        "Within one level of the picture computed whole.",
        f"{_UPSCALING}/test_engine.py::test_tiled_rrdbnet_is_within_one_level_of_whole_with_the_default_overlap",
    ),
    Held(
        "22-bomb-memory",
        "A header that promises 60000 x 60000 pixels.",
        "Refused with less than 50 MB of memory.",
        "tests/corpus/test_corpus.py::test_a_bomb_costs_no_memory",
    ),
    Held(
        "23-panorama",
        "A picture of any height.",
        "The memory of a run does not grow with it: tiles go in, and strips of the result come out.",
        f"{_UPSCALING}/test_engine_memory.py::test_memory_does_not_grow_with_the_height_of_a_picture",
    ),
    Held(
        "23-huge-result",
        "A result of more than 100 megapixels, as PNG or TIFF.",
        "Written strip by strip, with the same pixels.",
        f"{_UPSCALING}/test_folder.py::test_a_huge_result_is_written_strip_by_strip_with_the_same_pixels",
    ),
    Held(
        "24-before-computing",
        "A result that its format cannot hold, such as 16384 pixels across as WebP.",
        "Said in the plan, before the first picture is computed.",
        f"{_UPSCALING}/test_run_plan.py::test_a_result_too_large_for_its_format_is_known_before_computing",
    ),
    Held(
        "33-resume-trusts-no-name",
        "A file at the place of a result, without a line in the manifest.",
        "It does not count as done.",
        f"{_UPSCALING}/test_manifest.py::test_existence_alone_is_not_trusted",
    ),
    Held(
        "34-full-disk",
        "The disk is full while a result is written.",
        "After a second try the run ends with exit code 5; no part of a file is left.",
        f"{_UPSCALING}/test_folder.py::test_a_full_disk_ends_the_run_after_a_second_try_and_leaves_no_partial_file",
    ),
    Held(
        "34-no-room-from-the-start",
        "The results need more than twice the room that is free.",
        "Refused before the start, exit code 5.",
        f"{_UPSCALING}/test_run_plan.py::test_what_can_never_fit_is_refused_with_exit_code_5_and_what_may_fit_is_not",
    ),
    Held(
        "36-memory-runs-out",
        "The memory of the device runs out at any tile.",
        "The tile is halved, finished tiles are kept, and no pixel differs.",
        f"{_UPSCALING}/test_engine_faults.py::test_memory_that_runs_out_at_any_tile_changes_no_pixel",
    ),
    Held(
        "36-no-memory-for-the-smallest-tile",
        "There is no memory for a tile of 32 pixels either.",
        "That picture fails, the next one is tried; exit code 3.",
        f"{_UPSCALING}/test_engine_faults.py::test_no_memory_for_the_smallest_tile_is_said_and_the_next_picture_works",
    ),
    Held(
        "36-another-error-of-the-device",
        "The device raises another error at a tile.",
        "It is not tried again, the picture fails, and no old tile is in the next one.",
        f"{_UPSCALING}/test_engine_faults.py::test_any_other_error_is_raised_and_the_next_picture_is_whole",
    ),
    Held(
        "37-not-finite",
        "Half precision gives NaN or infinite values in a tile.",
        "That tile is computed again in full precision, with a warning.",
        f"{_UPSCALING}/test_engine_faults.py::"
        "test_tiles_that_are_not_finite_are_computed_again_in_float32_and_that_is_said_once",
    ),
    Held(
        "38-kill",
        "A run is killed at any moment.",
        "No half file is seen, and with `--resume` the files become those of a run without kills, byte for byte.",
        f"{_UPSCALING}/test_kill.py::test_killed_runs_show_no_half_file_and_resume_to_the_bytes_of_a_run_without_kills",
    ),
    Held(
        "38-ctrl-c",
        "Ctrl-C or SIGTERM.",
        "What is computed is written, it is said how to go on; exit code 130 or 143.",
        f"{_UPSCALING}/test_session.py::"
        "test_a_signal_abandons_the_picture_writes_what_is_computed_and_says_how_to_go_on",
    ),
    Held(
        "39-two-at-once",
        "Two runs over the same pictures into the same folder at the same time.",
        "Every result is whole and the same as that of one run.",
        "tests/corpus/test_two_runs.py::test_two_runs_into_one_folder_leave_the_files_of_one",
    ),
    Held(
        "41-wrong-checksum",
        "A download whose checksum is not that of the release.",
        "Refused; nothing is kept under the name of the model.",
        "tests/weights/test_download.py::test_a_bad_download_leaves_nothing_behind",
    ),
)
