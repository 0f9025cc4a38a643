"""Make the batch of one training step again, without a network: its pictures, crops and recipes."""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from realesrgan_arch import atomic
from realesrgan_arch.commands.arguments import positive_count
from realesrgan_arch.commands.report import Fact, Report
from realesrgan_arch.data.derived import alone_in
from realesrgan_arch.data.files import DataError
from realesrgan_arch.errors import EXIT_OK, EXIT_SOME_FILES_FAILED
from realesrgan_arch.image_header import shown
from realesrgan_arch.images import to_uint8, write_image
from realesrgan_arch.options.load import load_options
from realesrgan_arch.options.overrides import add_overrides
from realesrgan_arch.options.types import Options
from realesrgan_arch.preview.pairs import PreviewPair, make_preview
from realesrgan_arch.preview.sheet import render_sheet
from realesrgan_arch.training.fault_report import describe_trace
from realesrgan_arch.training.replay import BatchRecords, TracedPair


@dataclass(frozen=True)
class _Batch:
    """`made` of the step's own pictures; `trained` are the pairs that the step trained on, where they were wanted."""

    step: int
    made: Sequence[PreviewPair]
    traced: Sequence[TracedPair]
    trained: Sequence[PreviewPair]

    @property
    def is_exchanged(self) -> bool:
        return any(pair.step != self.step for pair in self.traced)

    def unreadable(self) -> list[str]:
        """Return the files that others stand in for."""
        return sorted({shown(Path(pair.failed_path)) for pair in self.made if pair.failed_path})

    def pictures(self) -> Iterator[tuple[str, PreviewPair]]:
        """Yield each pair with the beginning of its files' names."""
        for kind, pairs in (("made", self.made), ("trained", self.trained)):
            yield from ((f"{kind}_{number:02}", pair) for number, pair in enumerate(pairs, start=1))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that `make` reads."""
    parser.add_argument("step", type=positive_count, help="step of training, from 1")
    parser.add_argument("-opt", "--options", type=Path, metavar="FILE", help="option file (default that of --run)")
    parser.add_argument("--run", type=Path, metavar="FOLDER", help="folder of the run, such as experiments/NAME")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="a new folder (default replay/NAME-STEP)")
    parser.add_argument(
        "--trained",
        action="store_true",
        help="also make the pairs of earlier steps that the pool dealt out in this one",
    )
    add_overrides(parser)


def make(arguments: argparse.Namespace) -> Report:
    """Make the batch and write its pictures as PNG, with a page and the facts as JSON.

    Raises:
        UserError: no options, data that cannot be used, or a folder that cannot be written or is not new.
    """
    source = _options_file(arguments.options, arguments.run)
    loaded = load_options(source, overrides=arguments.overrides)
    out: Path = arguments.out or Path("replay") / f"{loaded.options.name}-{arguments.step}"
    if out.exists():
        raise DataError(f"Expected --out to name a new folder, but {shown(out)} exists; remove it or name another.")
    records = BatchRecords(loaded.options)
    batch = _make_batch(loaded.options, records, arguments.step, with_trained=arguments.trained)
    facts = _facts(loaded.options, records, batch)
    with alone_in(out):
        for name, pair in batch.pictures():
            write_image(out / f"{name}_gt.png", to_uint8(pair.gt))
            write_image(out / f"{name}_lq.png", to_uint8(pair.draws[0].lq))
        atomic.write_text(out / "replay.html", render_sheet(batch.made, loaded.options, source=shown(source)))
        atomic.write_text(out / "replay.json", json.dumps(facts, indent=2))
    return _report(batch, loaded.notes, facts, out)


def _options_file(options: Path | None, run: Path | None) -> Path:
    if options is not None:
        return options
    if run is None:
        raise DataError(
            "Expected -opt FILE or --run experiments/NAME, got neither; name what the run was started with."
        )
    if not (run / "options.yml").is_file():
        raise DataError(f"Expected options.yml in --run {shown(run)}, found none; name the option file with -opt.")
    return run / "options.yml"


def _make_batch(options: Options, records: BatchRecords, step: int, *, with_trained: bool) -> _Batch:
    traced, made = records.trace(step), _make(options, step, records.batch_size)
    own = _Batch(step, made, traced, ())
    if not (with_trained and own.is_exchanged):
        return own
    steps = sorted({pair.step for pair in traced})
    batches = {
        earlier: _make(options, earlier, records.batch_size)
        for earlier in tqdm(steps, unit="batch", disable=None, leave=False)
    }
    return _Batch(step, made, traced, [batches[pair.step][pair.place] for pair in traced])


def _make(options: Options, step: int, batch_size: int) -> list[PreviewPair]:
    return list(make_preview(options, first_step=step, num_images=batch_size, num_draws=1))


def _facts(options: Options, records: BatchRecords, batch: _Batch) -> Mapping[str, Fact]:
    return {
        "run": options.name,
        "step": batch.step,
        "seed": options.manual_seed,
        "batch": records.describe(batch.step, [pair.gt_path for pair in batch.made]),
        "unreadable": [*batch.unreadable()],
        "trained_on": describe_trace(batch.traced),
        "exchanged_with_the_pool": batch.is_exchanged,
    }


def _report(batch: _Batch, notes: Sequence[str], facts: Mapping[str, Fact], out: Path) -> Report:
    lines = [f"note: {note}" for note in notes]
    lines.append(f"{len(batch.made)} pairs that step {batch.step} made, seed {facts['seed']}; on a CPU to the last bit")
    failed = batch.unreadable()
    lines += [f"cannot read {path}: another image stands in for it" for path in failed]
    if batch.is_exchanged:
        origins = ", ".join(f"{pair.place + 1} of step {pair.step}" for pair in batch.traced)
        lines.append(
            f"the pool had exchanged them: step {batch.step} trained on place {origins}"
            + ("" if batch.trained else " (--trained makes those, too)")
        )
    made = tuple(out / name for name in ("replay.html", "replay.json"))
    exit_code = EXIT_SOME_FILES_FAILED if failed else EXIT_OK
    return Report(lines=tuple(lines), made=made, next_step=f"open {shown(made[0])}", exit_code=exit_code, facts=facts)
