"""Step 1: what does not belong among the photographs."""

from realesrgan_arch.audit.engine import SHEET, audit_folder
from realesrgan_arch.audit.keep_list import KEEP_LIST
from realesrgan_arch.audit.thresholds import AuditThresholds
from realesrgan_arch.cores import usable_cores
from realesrgan_arch.data.files import bytes_on_disk, list_folder
from realesrgan_arch.guided.chain import Step, Work
from realesrgan_arch.guided.journal import Facts
from realesrgan_arch.guided.request import GuidedError
from realesrgan_arch.image_header import shown
from realesrgan_arch.plural import count_of

NAME = "audit"


def _inputs(work: Work) -> object:
    """Every file with its size: times change when a folder is copied."""
    root = work.request.data
    return [[path.relative_to(root).as_posix(), bytes_on_disk(path)] for path in list_folder(root).images]


def _make(work: Work) -> Facts:
    outcome = audit_folder(
        work.request.data,
        work.folder.audit,
        thresholds=AuditThresholds(),
        num_processes=usable_cores(),
        split_command="the same finetune.py command again",
    )
    kept = sum(row.keep for row in outcome.keep_rows)
    total = len(outcome.keep_rows)
    sheet, keep_list = (shown(work.folder.audit / name) for name in (SHEET, KEEP_LIST))
    if kept == 0:
        raise GuidedError(
            f"the audit keeps none of {count_of(total, 'image file')} in {shown(work.request.data)}: {sheet} says why; "
            f"put files back in {keep_list}, or give other photographs"
        )
    if kept < total:
        work.talk.confirm(
            f"leave out {total - kept} of {count_of(total, 'image file')}? See {sheet}; to put some back answer n, "
            f"edit {keep_list} and run the same command again."
        )
    return {"images": total, "kept": kept, "sheet": sheet}


def _told(facts: Facts) -> str:
    looked_at, left_out = count_of(facts["images"], "image file"), facts["images"] - facts["kept"]
    return f"{looked_at}, {facts['kept']:,} kept, {left_out:,} left out ({facts['sheet']})"


AUDIT = Step(
    name=NAME,
    depends="the photographs have",
    inputs=_inputs,
    aim=lambda work: f"looking at every file in {shown(work.request.data)}",
    make=_make,
    told=_told,
    holds=lambda work, _: (work.folder.audit / KEEP_LIST).is_file(),
    is_settled=True,
)
