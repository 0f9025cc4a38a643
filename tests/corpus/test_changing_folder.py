"""A folder that changes while the audit runs."""

import os
from pathlib import Path

import pytest

from realesrgan_arch.audit import engine
from realesrgan_arch.audit.thresholds import AuditThresholds
from tests.corpus.alarm import at_most


def test_files_that_become_something_else_while_the_audit_runs_block_nothing_and_keep_their_row(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    names = [f"scene {number // 2}/{number}.png" for number in range(16)]

    def change() -> None:
        for name in names[4:9]:
            (photos / name).unlink()
        os.mkfifo(photos / names[4])
        (photos / names[5]).mkdir()
        (photos / names[6]).symlink_to("/dev/zero")
        (photos / names[7]).symlink_to(photos / names[7])
        (photos / names[8]).write_bytes(b"")
        (photos / "scene 7").rename(photos / "scene 7 renamed")

    def run_here(task, items, **_):
        for number, item in enumerate(items):
            if number == 2:
                change()
            yield item, task(item)

    monkeypatch.setattr(engine, "run_in_processes", run_here)
    with at_most(20):
        outcome = engine.audit_folder(
            photos, tmp_path / "out", thresholds=AuditThresholds(), num_processes=1, split_command=""
        )
    reasons = {item.path: item.finding.reason for item in outcome.found if item.finding.drop}
    assert [row.path for row in outcome.keep_rows] == names
    assert [row.path for row in outcome.keep_rows if not row.keep] == [*names[4:9], *names[14:]]
    assert {reasons[name] for name in names[4:8]} <= {"unreadable", "vanished", "changed"}
    assert reasons[names[8]] == "empty"
    assert reasons[names[14]] == reasons[names[15]] == "vanished"
    assert "2 files appeared while the audit ran: run it again to look there too." in outcome.notes
