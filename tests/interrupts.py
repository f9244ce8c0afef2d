"""Signals that a training sends to itself, and waits until they were heard: on any machine, at the same place."""

import inspect
import os
import signal


def interrupting(when=lambda calls, share: True, number=signal.SIGINT):
    """A progress function that sends this process a signal once, when ``when(calls before, share done)`` says so.

    Progress is told from other threads than the main one, in which Python handles signals: without the waiting, what
    is trained quickly would be done before.
    """
    calls, sent = [], []

    def tell(share, words):
        if not sent and when(len(calls), share):
            sent.append(number)
            heard = inspect.getclosurevars(signal.getsignal(number)).nonlocals["stop"]
            os.kill(os.getpid(), number)
            assert heard.wait(60)
        calls.append(share)

    return tell
