"""What is said of the best step."""

from realesrgan_arch.training.best import Best
from realesrgan_arch.training.outlook import best_in_words


def test_a_step_that_is_worse_than_the_base_is_not_praised() -> None:
    assert best_in_words(Best(10, -0.96), 10) == "; no step is better than the base, the nearest is step 10"
    assert best_in_words(Best(10, 0.2), 10) == "; the best so far"
    assert best_in_words(Best(10, 0.2), 20) == "; the best is step 10"
    assert best_in_words(None, 20) == ""
