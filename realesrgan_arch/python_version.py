"""One sentence instead of a traceback on a Python that cannot run realesrgan_arch.

Every entry calls `check_python` before it imports anything else of ours, so this file, `errors.py`, the package's
`__init__.py` and the entries themselves keep to syntax that Python 3.6 can parse.
"""

import sys

from realesrgan_arch.errors import EXIT_BAD_INPUT

OLDEST = (3, 11)
NEWEST = (3, 12)  # basicsr 1.4.2 cannot be built on Python 3.13 and later


def check_python() -> None:
    """Leave the process with exit code 2 and one sentence unless this Python is between OLDEST and NEWEST."""
    running = sys.version_info[:2]
    if OLDEST <= running <= NEWEST:
        return
    sys.stderr.write(
        f"error: realesrgan_arch needs Python {OLDEST[0]}.{OLDEST[1]} or {NEWEST[0]}.{NEWEST[1]}, "
        f"but this is Python {running[0]}.{running[1]} ({sys.executable}); "
        f"run it with one of them, or let `make venv` find one.\n"
    )
    raise SystemExit(EXIT_BAD_INPUT)
