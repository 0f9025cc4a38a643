"""What a probe found, as text and as rows."""

import dataclasses
import math
from collections.abc import Iterator, Sequence

from realesrgan_arch.byte_count import say_bytes
from realesrgan_arch.evaluation.composite import COMPOSITE, composite_in_words
from realesrgan_arch.evaluation.crossed import CrossedInterval
from realesrgan_arch.evaluation.evaluate import METRICS
from realesrgan_arch.evaluation.table import aligned
from realesrgan_arch.layer_study.block_scores import CheapScore, RankCorrelation, spearman
from realesrgan_arch.layer_study.candidates import Candidate
from realesrgan_arch.layer_study.costs import Cost
from realesrgan_arch.layer_study.pair_judgement import PAIR, best_first, relation
from realesrgan_arch.layer_study.probe import ProbeFindings, ProbePlan, Speed
from realesrgan_arch.plural import count_of

_LONGEST = 28
_RELIABLE = 0.5
"""A rank correlation whose interval does not lie above this is no reason to skip short runs."""
_MOST_BLOCKS = 12
_FEWEST_TO_RANK = 4
"""Two always rank alike or the other way round, and three say hardly more."""


def probe_table(findings: ProbeFindings, plan: ProbePlan) -> str:
    """Return candidates with costs and differences to the base, cheap scores, and the decision."""
    evidence = findings.evidence
    scenes = len({evidence.scenes.get(name, name) for name in evidence.base[PAIR[0]]})
    head = (
        f"{count_of(len(findings.field.candidates), 'candidate')}, {count_of(len(plan.seeds), 'seed')}, scored after "
        f"{', '.join(map(str, findings.steps))} steps on {count_of(scenes, 'scene')}; differences to the base with "
        f"95 % intervals over {'scenes' if len(plan.seeds) == 1 else 'scenes and seeds'}"
    )
    base = "  ".join(f"{METRICS[name].label} {_mean(findings, name)}" for name in evidence.base)
    lines = [
        head,
        f"base: {base}",
        "",
        *aligned(list(_rows(findings))),
        composite_in_words(evidence.base),
        *_left_out(findings),
        "",
    ]
    lines += [*_duels(findings), *_decision(findings), "", *_cheap_lines(findings)]
    return "\n".join(lines)


def short_label(candidate: Candidate) -> str:
    """Return the label, shortened where a window names every layer."""
    label = candidate.label
    if len(label) <= _LONGEST:
        return label
    return f"{candidate.patterns[0]} .. {candidate.patterns[-1]}"


def correlations(findings: ProbeFindings) -> dict[str, dict[str, RankCorrelation]]:
    """Return by cheap score and metric how its ranks agree with what all candidates gained in the first stage.

    A metric counts with its sign turned so that more is better. Fewer than four candidates have no entry.
    """
    if len(findings.field.candidates) < _FEWEST_TO_RANK:
        return {}
    evidence, step = findings.evidence, findings.steps[0]
    candidates = findings.field.candidates
    cheap = cheap_scores(findings)
    columns = {
        "gradient ratio": [one.gradient_ratio for one in cheap],
        "Fisher": [one.fisher for one in cheap],
        "agreement": [one.agreement for one in cheap],
    }
    if findings.path is not None:
        columns["FAIG of fidelity"] = [one.faig_fidelity for one in cheap]
        columns["FAIG of perception"] = [one.faig_perception for one in cheap]
    outcomes: dict[str, list[float]] = {}
    for name in (*PAIR, COMPOSITE):
        sign = -1 if name in METRICS and METRICS[name].better == "lower" else 1
        outcomes[name] = [sign * evidence.between(one, None, step)[name].interval.mean for one in candidates]
    return {
        score: {name: spearman(values, gained) for name, gained in outcomes.items()}
        for score, values in columns.items()
    }


def cheap_scores(findings: ProbeFindings) -> list[CheapScore]:
    """Return the cheap scores of the candidates, in their order."""
    return [_with_path(findings, one.label, findings.field.trains[one]) for one in findings.field.candidates]


def block_scores(findings: ProbeFindings) -> list[CheapScore]:
    """Return the cheap scores of the blocks, in the network's order."""
    return [_with_path(findings, block, names) for block, names in findings.cheap.blocks.items()]


def _with_path(findings: ProbeFindings, name: str, tensors: frozenset[str]) -> CheapScore:
    score = findings.cheap.of(name, tensors)
    if findings.path is None:
        return score
    fidelity, perception = findings.path.shares(tensors)
    return dataclasses.replace(score, faig_fidelity=fidelity, faig_perception=perception)


def fate(findings: ProbeFindings, candidate: Candidate) -> str:
    """Return what became of a candidate."""
    if candidate in findings.gone:
        step, by = findings.gone[candidate]
        return f"dominated by {short_label(by)} at {step}"
    if candidate == findings.decision.taken:
        return "winner" if findings.decision.winner else "taken, not named best"
    return "left"


def say_difference(found: CrossedInterval, metric: str) -> str:
    """Return a mean difference with its interval."""
    decimals = METRICS[metric].decimals if metric in METRICS else 2
    mean, low, high = (f"{value:+.{decimals}f}" for value in found.bounds)
    if math.isnan(found.interval.mean):
        return "not defined"
    return f"{mean} [{low}, {high}]" if found.interval.is_defined else f"{mean} (no interval)"


def _mean(findings: ProbeFindings, metric: str) -> str:
    values = [value for value in findings.evidence.base[metric].values() if math.isfinite(value)]
    return f"{sum(values) / len(values):.{METRICS[metric].decimals}f}" if values else "not defined"


def _rows(findings: ProbeFindings) -> Iterator[list[str]]:
    metrics = [*findings.evidence.base, COMPOSITE]
    titles = [METRICS[name].label if name in METRICS else name for name in metrics]
    both = any(cost.checkpointed for cost in findings.field.costs.values())
    other = ["with checkpointing"] if both else []
    yield ["trains", "parameters", "activations", "memory", "steps/s", *other, "steps", *titles, ""]
    for candidate in findings.field.candidates:
        cost, speed = findings.field.costs[candidate], findings.speeds[candidate]
        step = findings.evidence.last_step(candidate)
        found = findings.evidence.between(candidate, None, step)
        measured = f" (measured {say_bytes(speed.peak_bytes)})" if speed.peak_bytes else ""
        yield [
            short_label(candidate),
            f"{cost.parameters:,}",
            say_bytes(cost.activation_bytes),
            say_bytes(cost.peak_bytes) + measured,
            _pace(speed.step_s) + (" (checkpointing)" if cost.checkpointing else ""),
            *([_checkpointed(cost, speed)] if both else []),
            str(step),
            *(say_difference(found[name], name) for name in metrics),
            fate(findings, candidate),
        ]


def _pace(step_s: float) -> str:
    return f"{1 / step_s:.2f}" if step_s else "-"


def _checkpointed(cost: Cost, speed: Speed) -> str:
    if cost.checkpointed is None:
        return "-"
    pace = f", {_pace(speed.checkpointed_step_s)} steps/s" if speed.checkpointed_step_s else ""
    return say_bytes(cost.checkpointed.peak_bytes) + pace


def _left_out(findings: ProbeFindings) -> list[str]:
    return [f"left out: {words}" for words in findings.field.left_out]


def _duels(findings: ProbeFindings) -> Iterator[str]:
    """Yield the one in front against the others that are left."""
    evidence, step = findings.evidence, findings.steps[-1]
    left = [one for one in findings.field.candidates if one not in findings.gone]
    front, *others = best_first(evidence, left, step)
    for other in others:
        found = evidence.between(front, other, step)
        said = ", ".join(f"{METRICS[name].label} {say_difference(found[name], name)}" for name in PAIR)
        yield f"{short_label(front)} less {short_label(other)} after {step} steps: {said}: {relation(found)}"


def _decision(findings: ProbeFindings) -> Iterator[str]:
    decision, evidence = findings.decision, findings.evidence
    yield f"{'winner' if decision.winner else 'taken'}   {decision.taken.label}: {decision.words}"
    for rival, enough in decision.rivals.items():
        yield f"  to tell {short_label(rival)} from the one in front: {enough.words()}"
    against = evidence.between(decision.taken, None, evidence.last_step(decision.taken))
    if relation(against) == "is dominated":
        yield "  but the untouched base dominates it: with these options and so few steps, training makes it worse"


def _cheap_lines(findings: ProbeFindings) -> Iterator[str]:
    cheap = findings.cheap
    crops = count_of(cheap.crops, "crop")
    yield f"cheap scores of the base on {crops}; fidelity is L1, perception is {cheap.perception}"
    titles = ["|g|/|w|", "Fisher", "agreement"]
    if findings.path is not None:
        yield f"FAIG is the share of what training everything for {findings.steps[0]} steps changed"
        titles += ["FAIG of fidelity", "of perception"]
    yield from aligned([["trains", *titles], *(_cheap_row(one, len(titles)) for one in cheap_scores(findings))])
    yield from _correlation_lines(findings)
    blocks = block_scores(findings)
    strongest = sorted(blocks, key=lambda one: -_finite(one.gradient_ratio))[:_MOST_BLOCKS]
    yield f"blocks with the largest |g|/|w|, {len(strongest)} of {len(blocks)}"
    yield from aligned([["block", *titles], *(_cheap_row(one, len(titles)) for one in strongest)])


def _correlation_lines(findings: ProbeFindings) -> Iterator[str]:
    found = correlations(findings)
    if not found:
        yield f"fewer than {_FEWEST_TO_RANK} candidates do not tell whether cheap scores rank like the short runs"
        return
    for score, by_metric in found.items():
        said = ", ".join(f"{name} {_say_rho(one)}" for name, one in by_metric.items())
        yield f"ranks by {score} against gains after {findings.steps[0]} steps (Spearman): {said}"
    if not any(one.low > _RELIABLE for by_metric in found.values() for one in by_metric.values()):
        yield f"no cheap score is shown to rank like the short runs (interval above {_RELIABLE}): rely on the runs"


def _say_rho(found: RankCorrelation) -> str:
    if math.isnan(found.rho):
        return "not defined"
    interval = f" [{found.low:+.2f}, {found.high:+.2f}]" if not math.isnan(found.low) else ""
    return f"{found.rho:+.2f}{interval}"


def _cheap_row(one: CheapScore, columns: int) -> list[str]:
    name = one.name if len(one.name) <= _LONGEST else f"{one.name[:_LONGEST]}.."
    cells = [f"{one.gradient_ratio:.3g}", f"{one.fisher:.3g}", f"{one.agreement:+.2f}"]
    cells += [f"{100 * share:.1f} %" for share in (one.faig_fidelity, one.faig_perception)]
    return [name, *cells[:columns]]


def _finite(value: float) -> float:
    return value if math.isfinite(value) else 0.0


def pair_means(findings: ProbeFindings) -> Sequence[tuple[Candidate, CrossedInterval, CrossedInterval]]:
    """Return each candidate's differences to the base in both of the pair, after its last step."""
    evidence = findings.evidence
    rows = [(one, evidence.between(one, None, evidence.last_step(one))) for one in findings.field.candidates]
    return [(one, found[PAIR[0]], found[PAIR[1]]) for one, found in rows]
