# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Things done right before a chosen task of a running playbook, which waits for them (callbacks/trace.py tells)."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import Callable


class TaskHooks:
    """`at` maps the ends of task names to what is done, once, when such a task is about to begin.

    `path` is the socket that ansible-playbook gets as ONEFED_HOOKS.
    """

    def __init__(self, path: Path, at: dict[str, Callable[[], None]]) -> None:
        self.unused = dict(at)
        self.error: BaseException | None = None
        self._path = path
        self._server = socket.socket(socket.AF_UNIX)
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> TaskHooks:
        self._path.unlink(missing_ok=True)
        self._server.bind(str(self._path))
        self._server.listen()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join()
        if self.error and not error:
            raise self.error

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection = self._server.accept()[0]
                with connection, connection.makefile(encoding="utf-8") as stream:
                    self._begins(stream.readline().strip())

    def _begins(self, task: str) -> None:
        for name in [name for name in self.unused if task.endswith(name)]:
            action = self.unused.pop(name)
            try:
                action()
            except BaseException as error:  # noqa: BLE001 - told by __exit__, in the thread of the test
                self.error = error
