"""Make the batch of one training step again, without a network: its pictures, crops and recipes."""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
from realesrgan_arch.options.load import load_options, require_train
from realesrgan_arch.options.overrides import add_overrides
from realesrgan_arch.options.types import Options
from realesrgan_arch.preview.pairs import PreviewPair, make_preview
from realesrgan_arch.preview.sheet import render_sheet
from realesrgan_arch.training.fault_report import describe_trace
from realesrgan_arch.training.replay import BatchRecords, TracedPair
from realesrgan_arch.training.run_ranks import read_num_ranks

_CONDITION = "that holds where queue_size, batch_size_per_gpu, manual_seed and ranks have stayed the same since step 1"


@dataclass(frozen=True)
class _Batch:
    """`made` of the step's own pictures; `trained` are the pairs that the step trained on, where they were wanted.

    Where several ranks trained, their parts follow one another.
    """

    step: int
    made: Sequence[PreviewPair]
    samples: Sequence[Fact]
    """What `made` was made of."""
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
    _check_step(arguments.step, loaded.options)
    num_ranks = read_num_ranks(arguments.run) if arguments.run else 1
    batch = _make_batch(loaded.options, arguments.step, num_ranks=num_ranks, with_trained=arguments.trained)
    facts = {**_facts(loaded.options, batch), "ranks": num_ranks}
    with alone_in(out):
        for name, pair in batch.pictures():
            write_image(out / f"{name}_gt.png", to_uint8(pair.gt))
            write_image(out / f"{name}_lq.png", to_uint8(pair.draws[0].lq))
        atomic.write_text(out / "replay.html", render_sheet(batch.made, loaded.options, source=shown(source)))
        atomic.write_text(out / "replay.json", json.dumps(facts, indent=2))
    return _report(batch, loaded.notes, facts, out)


def _check_step(step: int, options: Options) -> None:
    total = require_train(options).total_iter
    if step > total:
        raise DataError(f"Expected a step from 1 to {total} (train.total_iter), got {step}; name one of the run.")


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


def _make_batch(options: Options, step: int, *, num_ranks: int, with_trained: bool) -> _Batch:
    made: list[PreviewPair] = []
    samples: list[Fact] = []
    traced: list[TracedPair] = []
    for rank in range(num_ranks):
        records = BatchRecords(options, rank=rank, world_size=num_ranks)
        of_rank = _make(options, step, records.batch_size, rank=rank, num_ranks=num_ranks)
        made += of_rank
        samples += records.describe(step, [pair.gt_path for pair in of_rank])
        traced += records.trace(step)
    own = _Batch(step, made, samples, traced, ())
    if not (with_trained and own.is_exchanged):
        return own
    batch_size = len(made) // num_ranks
    wanted = sorted({(pair.rank, pair.step) for pair in traced})
    batches = {
        (rank, earlier): _make(options, earlier, batch_size, rank=rank, num_ranks=num_ranks)
        for rank, earlier in tqdm(wanted, unit="batch", disable=None, leave=False)
    }
    return replace(own, trained=[batches[pair.rank, pair.step][pair.place] for pair in traced])


def _make(options: Options, step: int, batch_size: int, *, rank: int, num_ranks: int) -> list[PreviewPair]:
    whose = {"rank": rank, "world_size": num_ranks}
    return list(make_preview(options, first_step=step, num_images=batch_size, num_draws=1, **whose))


def _facts(options: Options, batch: _Batch) -> Mapping[str, Fact]:
    return {
        "run": options.name,
        "step": batch.step,
        "seed": options.manual_seed,
        "batch": [*batch.samples],
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
        rank = " (rank {})" if facts["ranks"] != 1 else ""
        origins = ", ".join(f"{p.place + 1} of step {p.step}{rank.format(p.rank)}" for p in batch.traced)
        lines.append(
            f"the pool had exchanged them: step {batch.step} trained on place {origins}"
            + ("" if batch.trained else " (--trained makes those, too)")
        )
        lines.append(_CONDITION)
    made = tuple(out / name for name in ("replay.html", "replay.json"))
    exit_code = EXIT_SOME_FILES_FAILED if failed else EXIT_OK
    return Report(lines=tuple(lines), made=made, next_step=f"open {shown(made[0])}", exit_code=exit_code, facts=facts)
