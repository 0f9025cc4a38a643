"""Time the audit of N files for growing N: images a second, the largest memory of all processes, the share of decoding.

The files are crops of the photographs of ../shared, each saved as a JPEG of its own, or the embedded sample's drawings
where those are absent. The share of decoding is taken in this process, from up to 200 of the files one after another.

    python scripts/benchmarks/audit.py [--counts 1000 2000 5000] [--jobs 2] [--folder /tmp/audit_benchmark]
"""

import argparse
import os
import platform
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

import cv2

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from realesrgan_arch.audit.engine import audit_folder
from realesrgan_arch.audit.examine import examine
from realesrgan_arch.audit.thresholds import AuditThresholds
from realesrgan_arch.data.files import list_images
from realesrgan_arch.data.sample import draw_sample
from realesrgan_arch.images import Pixels, decode_rgb, read_rgb, write_image
from realesrgan_arch.seeding import Stream, numpy_generator

PHOTOS = Path(__file__).resolve().parents[3] / "shared" / "data" / "photos"
WIDTH, HEIGHT = 800, 600
FILES_FOR_SHARE = 200
SAMPLE_SECONDS = 0.25


def main() -> None:
    """Make the files, audit each count, print one line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", type=int, nargs="+", default=[1000, 2000, 5000, 10_000, 20_000])
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--folder", type=Path, help="where the files are made and stay (default: a temporary folder)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        print(f"{platform.machine()}, {os.cpu_count()} cores, {arguments.jobs} jobs, load {os.getloadavg()[0]:.1f}")
        for count in arguments.counts:
            print(time_audit(make_files(folder, count), count, arguments.jobs), flush=True)
        print(measure_share(make_files(folder, arguments.counts[-1])))


def make_files(folder: Path, count: int) -> Path:
    """Return a folder with `count` JPEG files; those that are there already are kept."""
    root = folder / f"files_{count}"
    names = {number: root / f"{number:05d}.jpg" for number in range(count)}
    if all(path.exists() for path in names.values()):
        return root
    sources = list_images(PHOTOS if PHOTOS.is_dir() else draw_sample(folder / "sample", seed=0).folder)
    for first, source in enumerate(sources):
        pixels = enlarge(read_rgb(source))
        for number in range(first, count, len(sources)):
            write_crop(pixels, names[number], number)
    return root


def write_crop(pixels: Pixels, path: Path, number: int) -> None:
    """Write a part that depends on `number`, at a quality that does too."""
    generator = numpy_generator(0, Stream.SAMPLE, number)
    height, width = pixels.shape[:2]
    top, left = (int(generator.integers(0, room + 1)) for room in (height - HEIGHT, width - WIDTH))
    crop = pixels[top : top + HEIGHT, left : left + WIDTH]
    write_image(path, crop, quality=int(generator.integers(82, 97)))


def enlarge(pixels: Pixels) -> Pixels:
    """Return the pixels with room for a crop."""
    factor = max(1.0, 1.2 * HEIGHT / pixels.shape[0], 1.2 * WIDTH / pixels.shape[1])
    return cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC) if factor > 1 else pixels


def time_audit(root: Path, count: int, jobs: int) -> str:
    """Audit once, from nothing, and again from the journal."""
    with tempfile.TemporaryDirectory() as out, Watch() as watch:
        audit = partial(
            audit_folder, root, Path(out), thresholds=AuditThresholds(), num_processes=jobs, split_command=""
        )
        start = time.perf_counter()
        audit()
        seconds = time.perf_counter() - start
        start = time.perf_counter()
        audit()
        again = time.perf_counter() - start
    return (
        f"{count:>6} files {seconds:8.1f} s {count / seconds:6.1f} images/s  "
        f"again {again:5.1f} s  peak memory of all {watch.peak_bytes / 2**20:4.0f} MiB"
    )


def measure_share(root: Path) -> str:
    """Compare decoding alone with everything that is done for a file, in one thread."""
    names = [path.name for path in list_images(root)][:FILES_FOR_SHARE]
    look = partial(examine, root=root, thresholds=AuditThresholds())
    look(names[0])
    whole, decoding = 0.0, 0.0
    for name in names:
        start = time.thread_time()
        look(name)
        whole += time.thread_time() - start
        data = (root / name).read_bytes()
        start = time.thread_time()
        decode_rgb(data, root / name)
        decoding += time.thread_time() - start
    each = 1000 / len(names)
    return f"CPU time a file: {whole * each:.1f} ms, of it decoding {decoding * each:.1f} ms ({decoding / whole:.0%})"


class Watch:
    """Largest memory of this process and all below it, read from /proc while it is open."""

    def __enter__(self) -> "Watch":
        self.peak_bytes = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(SAMPLE_SECONDS):
            pids = family(os.getpid())
            self.peak_bytes = max(self.peak_bytes, sum(map(proportional_bytes, pids)))


def family(pid: int) -> list[int]:
    """Return a process and all that descend from it."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        children = []
    return [pid, *(descendant for child in children for descendant in family(int(child)))]


def proportional_bytes(pid: int) -> int:
    """Return the memory of a process, pages that it shares divided among their users."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


if __name__ == "__main__":
    main()
