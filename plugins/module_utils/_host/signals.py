# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Signals that would end a module in the middle of its work become an error, so that it can tidy up first.

Ansible ends remote modules with SIGHUP when its connection breaks; operators use SIGTERM and SIGINT.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType
from typing import Callable

from .._errors import OnefedError

_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


@contextlib.contextmanager
def interruptible(work: str) -> Iterator[Callable[[], None]]:
    """Raise OnefedError in the block at the first of these signals; later ones are ignored.

    Yields a function to call when the tidying begins: from then on all are ignored. They are caught, not set to be
    ignored, which a daemon started meanwhile would inherit.
    """
    raised = False

    def handle(number: int, _frame: FrameType | None) -> None:
        nonlocal raised
        if not raised:
            raised = True
            raise OnefedError(f"{work} was interrupted by {signal.Signals(number).name}. Run it again.")

    def hold() -> None:
        nonlocal raised
        raised = True

    previous = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield hold
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
