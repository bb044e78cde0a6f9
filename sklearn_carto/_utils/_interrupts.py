"""Steps that are done as a whole, although Ctrl-C is pressed in their midst."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager


@contextmanager
def interrupts_wait():
    """Let an interrupt (SIGINT) wait until the end of the context.

    Python delivers interrupts to the main thread only; in other threads, nothing is done. A handler
    that was not set by Python is left alone.
    """
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    waiting = []
    signal.signal(signal.SIGINT, lambda *args: waiting.append(args))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if waiting:
            handler(*waiting[-1])
