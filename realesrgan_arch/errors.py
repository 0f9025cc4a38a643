"""The one base class of every mistake that the user can mend.

Subclasses live beside the code that raises them; entries turn them into one sentence and an exit code.
"""

EXIT_OK = 0
EXIT_INTERNAL = 1
EXIT_BAD_INPUT = 2
EXIT_SOME_FILES_FAILED = 3
EXIT_CHECK_FAILED = 4
EXIT_NOTHING_TO_DO = 4
"""No input found. It shares its number with a check that found something: both are for a person to look at."""
EXIT_NO_ROOM = 5
EXIT_BAD_MODEL = 6
"""A model file that is damaged, or not to be trusted."""
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143


def why_not(error: OSError) -> str:
    """Return why a place cannot be written to; the system says `File exists` of a file where a folder has to be."""
    if isinstance(error, FileExistsError | NotADirectoryError):
        return "a file is there, not a folder"
    return error.strerror or str(error)


class UserError(Exception):
    """What was expected, what came, how to mend it; shown without a traceback."""

    exit_code: int = EXIT_BAD_INPUT
