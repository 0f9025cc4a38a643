"""The verdict of a proof in words, for a terminal and for a report alike: what it says, and whether it proves that."""

from collections.abc import Iterator

from realesrgan_arch.evaluation.proof import Proof
from realesrgan_arch.evaluation.report_rows import Headline, headline
from realesrgan_arch.evaluation.rivals import against_controls

_NO_PROOF = Headline("No proof: a model was trained on these pictures", "bad")


def headline_of(proof: Proof) -> Headline | None:
    """Return the verdict in a few words; None where there is nothing to compare."""
    if not proof.judgements:
        return None
    return _NO_PROOF if proof.warning else headline(proof.judgements[0])


def verdict_sentences(proof: Proof) -> Iterator[str]:
    """Yield what the scores say of the main pair, a sentence each; nothing where there is nothing to compare."""
    if proof.judgements:
        sentence = proof.judgements[0].sentence
        yield f"On these pictures alone: {sentence}" if proof.warning else sentence
        yield from filter(None, [against_controls(proof)])
