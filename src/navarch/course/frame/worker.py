"""The measurement process: `python -m navarch.course.frame.worker`.

It reads one line of JSON (`{"instrument": ..., "inputs": ...}`), runs the instrument, and writes JSON lines: how far it
is, then what was shown, or why it cannot. It ends when whoever started it ends, so that nothing is left behind.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from typing import Any, TextIO

from navarch.course.frame.machine import this_machine
from navarch.course.frame.progress import CannotMeasureError, listen
from navarch.course.instrument import instrument_named

ORPHANED = 3


def main() -> None:
    """Run one measurement; what it prints itself goes to the error stream."""
    asked = json.loads(sys.stdin.readline())
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    listen(lambda fraction, doing: _say(answers, {"fraction": fraction, "doing": doing}))
    try:
        shown = instrument_named(asked["instrument"])(**asked["inputs"])
    except CannotMeasureError as error:
        _say(answers, {"cannot": str(error)})
    except ImportError as error:
        _say(answers, {"cannot": f"the library {error.name or error} is not installed"})
    except MemoryError:
        _say(answers, {"cannot": "there is too little memory"})
    else:
        _say(answers, {"shown": shown.as_plain(), "machine": dict(this_machine())})


def _say(answers: TextIO, message: dict[str, Any]) -> None:
    answers.write(json.dumps(message) + "\n")
    answers.flush()


def _end_with_parent() -> None:
    sys.stdin.read()
    if hasattr(os, "killpg"):
        os.killpg(os.getpgid(0), signal.SIGKILL)
    os._exit(ORPHANED)


if __name__ == "__main__":
    main()
