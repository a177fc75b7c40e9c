# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Encrypting files for a recipient with age or gpg of the controller. No secret stands in a command line."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

from ...module_utils._errors import OnefedError

# How a recipient of age begins; everything else is one of gpg's keyring.
_AGE = re.compile(r"(?:age1|ssh-(?:ed25519|rsa) )\S")
_ENDINGS = {".age": "age", ".gpg": "gpg"}
_WORDS_SHOWN = 300


class EncryptionError(OnefedError):
    """age or gpg cannot do what it is asked."""


@dataclass(frozen=True)
class Cipher:
    """A program of the controller, for a `recipient`, or to read with what `identity` names, a file of age's keys."""

    program: str
    recipient: str = ""
    identity: str = ""

    @classmethod
    def to(cls, recipient: str) -> Cipher:
        """The one that encrypts for a recipient. Raises EncryptionError unless it can."""
        cipher = cls("age" if _AGE.match(recipient) else "gpg", recipient=recipient)
        if not cipher.recipient or cipher.recipient.startswith("-"):
            raise EncryptionError(f"backup_recipient is {recipient!r}, which is no recipient of age or gpg.")
        # Before anything stops: that the key is known, and fit for encryption.
        cipher._run(cipher._encrypting(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, what="encrypt for")
        return cipher

    @classmethod
    def of(cls, name: str, identity: str | None) -> Cipher | None:
        """The one that reads a file of that name, None for one in clear. Raises EncryptionError."""
        program = next((program for ending, program in _ENDINGS.items() if name.endswith(ending)), None)
        if program is None:
            return None
        if program == "age" and not identity:
            raise EncryptionError(
                f"{name} is encrypted with age. Set restore_identity to the file with the secret key of the recipient."
            )
        return cls(program, identity=identity or "")

    @property
    def ending(self) -> str:
        return f".{self.program}"

    def encrypt(self, source: str, target: IO[bytes]) -> None:
        """Write `source` encrypted into the open `target`. Raises EncryptionError."""
        with open(source, "rb") as stream:
            self._run(self._encrypting(), stdin=stream, stdout=target, what="encrypt for")

    def decrypt(self, source: str, target: IO[bytes]) -> None:
        """Write what is in `source` into the open `target`. Raises EncryptionError."""
        words = ["--decrypt", "--identity", self.identity] if self.program == "age" else ["--batch", "--decrypt"]
        with open(source, "rb") as stream:
            self._run(words, stdin=stream, stdout=target, what=f"decrypt {source}")

    def _encrypting(self) -> Sequence[str]:
        if self.program == "age":
            return ["--encrypt", "--recipient", self.recipient]
        # Whom the key belongs to is for the operator to know who names it.
        always = ["--batch", "--no-auto-key-locate", "--trust-model", "always"]
        return [*always, "--encrypt", "--recipient", self.recipient]

    def _run(self, words: Sequence[str], stdin: IO[bytes] | int, stdout: IO[bytes] | int, what: str) -> None:
        path = shutil.which(self.program)
        goal = f"{what} {self.recipient}".strip()
        if path is None:
            raise EncryptionError(f"Cannot {goal}: the controller has no {self.program}. Install it there.")
        done = subprocess.run([path, *words], stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, check=False)
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip()[-_WORDS_SHOWN:]
            raise EncryptionError(
                f"Cannot {goal}: {self.program} says {said or f'nothing, and ended with {done.returncode}'!r}. Check "
                "that the controller has the key that this needs."
            )
