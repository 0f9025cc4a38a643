"""What a person is told of a proof, by `evaluate` and by test.py alike: the verdict first."""

from collections.abc import Iterator, Mapping

from realesrgan_arch.evaluation.difference_table import format_differences, format_interval
from realesrgan_arch.evaluation.evaluate import METRICS
from realesrgan_arch.evaluation.proved import Proved
from realesrgan_arch.evaluation.statistics import Finding, Judgement
from realesrgan_arch.evaluation.table import aligned
from realesrgan_arch.evaluation.verdict_text import verdict_sentences
from realesrgan_arch.image_header import printable


def proof_lines(proved: Proved) -> Iterator[str]:
    """Yield the verdict, the table, the differences with intervals, those of each group, and the notes."""
    proof = proved.proof
    verdict = [*([f"No proof: {proof.warning}."] if proof.warning else []), *verdict_sentences(proof)]
    yield from map(printable, verdict)
    yield from [""] if verdict else []
    yield printable(proved.heading)
    yield proved.table
    against = {one.against: one for one in proof.judgements if one.method == proof.judgements[0].method}
    if against:
        yield from ("", format_differences(against, method=proof.judgements[0].method))
    for kind, groups in proof.groups.items():
        yield from ("", *_group_table(kind, groups))
    yield from (f"note: {printable(note)}" for note in proof.notes)


def _group_table(kind: str, groups: Mapping[str, Judgement]) -> list[str]:
    """One row a group: how many scenes it has, and the differences of the main pair in it."""
    names = list(dict.fromkeys(name for one in groups.values() for name in one.findings))
    rows = [[f"by {kind}", "scenes", *(METRICS[name].label for name in names), "composite"]]
    for group, one in groups.items():
        cells = [_cell(one.findings.get(name), METRICS[name].decimals) for name in names]
        rows.append([group, str(one.composite.scenes), *cells, _cell(one.composite, 2)])
    return aligned(rows)


def _cell(finding: Finding | None, decimals: int) -> str:
    if finding is None:
        return "-"
    mark = {"better": " *", "worse": " !"}.get(finding.verdict, "")
    return format_interval(finding.interval, decimals) + mark
