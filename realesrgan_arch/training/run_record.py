"""What a run is, as one plain mapping: its options, and what they came to on this machine. A state keeps it.

A resume compares it with that of the present options: `differences` finds what changed, `check_changes` refuses what
would change the meaning of the run.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase

from realesrgan_arch.options.problems import schema_at
from realesrgan_arch.options.types import Options
from realesrgan_arch.training.checkpoint import CheckpointError

Record = dict[str, object]
"""Sections as in an option file; plain values."""
_SHOWN_LENGTH = 48


class Effect(Enum):
    """What a changed key does to a run that goes on."""

    UNSEEN = "says how to go on; no word about it"
    HARMLESS = "no effect on the result"
    GROWTH = "a run may change it on its way"
    MEANING = "makes it another run"


_EFFECTS: tuple[tuple[str, Effect], ...] = (
    ("resume", Effect.UNSEEN),
    ("path.resume_state", Effect.UNSEEN),
    ("path.experiments_root", Effect.UNSEEN),
    ("train.restart_schedule", Effect.UNSEEN),
    ("path.base_weights", Effect.MEANING),
    ("path", Effect.HARMLESS),
    ("name", Effect.HARMLESS),
    ("num_gpu", Effect.HARMLESS),
    ("device", Effect.HARMLESS),
    ("dist_params.sync_batch_norm", Effect.MEANING),
    ("dist_params", Effect.HARMLESS),
    ("logger.save_checkpoint_freq", Effect.GROWTH),
    ("logger", Effect.HARMLESS),
    ("network_[gd].checkpointing", Effect.HARMLESS),
    ("train.total_iter", Effect.GROWTH),
    ("train.bad_steps", Effect.GROWTH),
    ("train.memory_budget", Effect.HARMLESS),
    # Where the weights of a loss lie says nothing: `loaded_weights` holds what they are.
    *((f"train.{key}.weights", Effect.HARMLESS) for key in ("perceptual_opt", "feature_opt")),
    ("train.clip_grad_norm", Effect.GROWTH),
    ("train.compile", Effect.GROWTH),
    ("train.scheduler", Effect.GROWTH),
    ("train.warmup_iter", Effect.GROWTH),
    ("train.optim_[gd].lr", Effect.GROWTH),
    ("val.save_img", Effect.HARMLESS),
    ("val.suffix", Effect.HARMLESS),
    ("val.pbar", Effect.HARMLESS),
    ("val", Effect.GROWTH),
    ("datasets.test*", Effect.HARMLESS),
    # Where the pictures are says nothing: `files` holds their names and sizes.
    *((f"datasets.*.{key}", Effect.HARMLESS) for key in ("dataroot_gt", "dataroot_lq", "manifest", "allow_changed")),
    *((f"datasets.*.{key}", Effect.HARMLESS) for key in ("meta_info", "meta_info_file", "io_backend")),
    *((f"datasets.*.{key}", Effect.HARMLESS) for key in ("filename_tmpl", "max_images")),
    # Scores of other pictures are not compared with older ones: see `rounds`.
    ("datasets.val*", Effect.GROWTH),
    *((f"datasets.train.{key}", Effect.HARMLESS) for key in ("name", "num_worker_per_gpu", "worker_timeout_s")),
    *((f"datasets.train.{key}", Effect.HARMLESS) for key in ("pin_memory",)),
    *((f"datasets.train.{key}", Effect.HARMLESS) for key in ("persistent_workers", "prefetch_mode")),
    *((f"datasets.train.{key}", Effect.HARMLESS) for key in ("num_prefetch_queue", "use_shuffle")),
    *((f"datasets.train.{key}", Effect.HARMLESS) for key in ("dataset_enlarge_ratio",)),
)
"""The first pattern that fits a key, or a section around it, counts; a key that none fits changes the meaning."""


@dataclass(frozen=True)
class Change:
    """One key that was something else when the state was saved."""

    key: str
    old: object
    new: object

    @property
    def effect(self) -> Effect:
        """What it does to the run."""
        return next((effect for pattern, effect in _EFFECTS if is_below(self.key, pattern)), Effect.MEANING)

    def __str__(self) -> str:
        return f"{self.key}: {_short(self.old)} -> {_short(self.new)}"


def options_record(options: Options) -> Record:
    """Return `options` with all defaults, plainly."""
    return options.model_dump(mode="json")


def merged(record: Mapping[str, object], facts: Mapping[str, object]) -> Record:
    """Return `record` with `facts` in it, section by section; a fact takes the place of an option of its name."""
    both = dict(record)
    for key, value in facts.items():
        inner = both.get(key)
        if isinstance(value, Mapping):
            both[key] = merged(inner if isinstance(inner, Mapping) else {}, value)
        else:
            both[key] = value
    return both


def differences(saved: Mapping[str, object], now: Mapping[str, object]) -> list[Change]:
    """Return every key whose value is another one now, in the order of `now`.

    A key that one of them does not have, in a section that both have, is one that the program has learnt since, or
    forgotten. It did then what its default does now: another value of an option is a change, all else is none. Without
    a section, that section is the key.
    """
    found = [change for change in _walk(saved, now, (), saved) if change.effect is not Effect.UNSEEN]
    return list(dict.fromkeys(found))


def check_changes(changes: Sequence[Change], *, allowed: Sequence[str] = ()) -> None:
    """Check that nothing changed that makes it another run.

    Args:
        changes: see `differences`.
        allowed: keys, sections or globs that may have changed all the same.

    Raises:
        CheckpointError: with every such change.
    """
    refused = [change for change in changes if change.effect is Effect.MEANING and not _is_allowed(change, allowed)]
    if refused:
        raise CheckpointError(
            f"cannot resume, as the options have changed what the run means: {'; '.join(map(str, refused))}; change "
            "them back, start a new run from the weights of this one with path.pretrain_network_g, or go on all the "
            f"same with --allow-changed {' '.join(change.key for change in refused)}"
        )


def check_known(allowed: Sequence[str], *records: Mapping[str, object]) -> None:
    """Check that each of the keys that may change is one of `records`, or a section or glob of some.

    Raises:
        CheckpointError: with the first that is not.
    """
    keys = {key for record in records for key in _keys(record)}
    for pattern in allowed:
        if not any(is_below(key, pattern) for key in keys):
            near = difflib.get_close_matches(pattern, keys, n=1)
            hint = f"; did you mean {near[0]}?" if near else "; `realesrgan-arch options schema` lists them"
            raise CheckpointError(f"--allow-changed: expected a key or section of the options, got {pattern}{hint}")


def describe_changes(changes: Sequence[Change]) -> str:
    """Return one line for each change, grouped by what it does; empty without any."""
    titles = {
        Effect.HARMLESS: "changed since, without effect on the result:",
        Effect.GROWTH: "changed since, from here on:",
        Effect.MEANING: "changed since by --allow-changed, which makes it another run from here on:",
    }
    lines: list[str] = []
    for effect, title in titles.items():
        chosen = [f"  {change}" for change in changes if change.effect is effect]
        lines += [title, *chosen] if chosen else []
    return "\n".join(lines)


def is_below(key: str, pattern: str) -> bool:
    """Return whether the dotted `key` is `pattern`, fits it as a glob, or lies in a section that does."""
    parts = key.split(".")
    return any(fnmatchcase(".".join(parts[:length]), pattern) for length in range(1, len(parts) + 1))


def _keys(record: Mapping[str, object], place: str = "") -> Iterator[str]:
    for key, value in record.items():
        yield f"{place}{key}"
        if isinstance(value, Mapping):
            yield from _keys(value, f"{place}{key}.")


def _is_allowed(change: Change, allowed: Sequence[str]) -> bool:
    return any(is_below(change.key, pattern) for pattern in allowed)


def _walk(
    saved: Mapping[str, object], now: Mapping[str, object], place: tuple[str, ...], record: Mapping[str, object]
) -> Iterator[Change]:
    """Yield what changed in the section at `place`; `record` is all that was saved."""
    for key in dict.fromkeys([*now, *saved]):
        path = (*place, key)
        old, new = saved.get(key), now.get(key)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from _walk(old, new, path, record)
        elif key not in saved and not _is_open(place):
            yield from _learnt_since(path, now=new, record=record)
        elif old != new and (_is_open(place) or key in now):
            yield Change(".".join(path), _plain(old), _plain(new))


def _learnt_since(path: tuple[str, ...], *, now: object, record: Mapping[str, object]) -> Iterator[Change]:
    """Yield the change from the default of the option at `path`; a fact, which is no option, has none.

    Of networks and the like it is an option of the type that `record` has there.
    """
    option = (schema_at(path[:-1], record) or {}).get("properties", {}).get(path[-1], {})
    if "default" in option and option["default"] != now:
        yield Change(".".join(path), _plain(option["default"]), _plain(now))


def _is_open(place: tuple[str, ...]) -> bool:
    """Sections of which a user chooses the keys."""
    return place in (("datasets",), ("val", "metrics"), ("gate",)) or place[-1:] == ("layer_weights",)


def _plain(value: object) -> object:
    """Return what can be compared and hashed; of a section, its type says enough."""
    if isinstance(value, Mapping):
        return str(value.get("type") or "given")
    return str(value) if isinstance(value, list) else value


def _short(value: object) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= _SHOWN_LENGTH else f"{text[: _SHOWN_LENGTH - 3]}..."
