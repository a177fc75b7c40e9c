# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Random passwords of new users, each in a file of its own on the front-end, and nowhere else."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass

from .._errors import OnefedError
from .._frontend.layout import Frontend
from .._host.files import exists, read_bytes, write_bytes

_BYTES = 24


@dataclass(frozen=True)
class GeneratedPasswords:
    """The files of one front-end: mode 0600 in a folder of mode 0700, both of the owner of the state folder."""

    frontend: Frontend

    def path(self, name: str) -> str:
        """The file for a user. A name holds no slash; one that is only dots would be no file without the ending."""
        return os.path.join(self.frontend.state_dir, "passwords", f"{name}.password")

    def existing(self, name: str) -> str | None:
        """The file if it is there."""
        return self.path(name) if exists(self.path(name)) else None

    def make(self, name: str) -> str:
        """The password in the user's file, which is written first if it is not there. Raises OnefedError."""
        path = self.path(name)
        try:
            if not exists(path):
                self.frontend.make_dir(os.path.dirname(path))
                content = secrets.token_urlsafe(_BYTES).encode() + b"\n"
                write_bytes(path, content, self.frontend.state_attributes)
            password = read_bytes(path).decode().strip()
        except (OSError, ValueError) as error:
            raise OnefedError(
                f"The password of user {name} cannot be kept in {path}: {error}. The user was not created. Run the "
                "module on the front-end, with the right to write there."
            ) from error
        if not password:
            raise OnefedError(f"{path} holds no password. Remove it, and a new one is made.")
        return password
