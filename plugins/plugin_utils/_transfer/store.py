# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups of federations on the controller: folders with a manifest, which alone says what belongs to one.

A backup that is being made lies in a folder whose name ends in .part. It gets its name when all of it was read again,
and a name that ends in .incomplete when something is missing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from typing import IO, Any

from ...module_utils._errors import OnefedError
from .encryption import Cipher

MANIFEST = "manifest.json"
FORMAT = 1
PART, INCOMPLETE = ".part", ".incomplete"
_ID = re.compile(r"\d{8}T\d{6}Z-[A-Za-z0-9._-]+")
_NAME = re.compile(r"[A-Za-z0-9_@-][A-Za-z0-9._@-]*(?:/[A-Za-z0-9_@-][A-Za-z0-9._@-]*)*")
_CHUNK = 1 << 20
_LONGEST_MANIFEST = 64 << 20


class StoreError(OnefedError):
    """A backup on the controller cannot be made or used."""


@contextlib.contextmanager
def explained(what: str, path: str) -> Iterator[None]:
    """Make StoreError of an OSError."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"Cannot {what} {path} on the controller: {error.strerror or error}. Check the folder, its owner and the "
            "room on its file system."
        ) from error


def safe(name: str) -> str:
    """The name of a group or host as a part of a path."""
    return re.sub(r"[^A-Za-z0-9_@-]|^[.-]", "_", name)


def begin(folder: str, backup: str) -> str:
    """Make the folder of a new backup, for its owner alone: its path. What a killed run left of it goes."""
    path = os.path.join(folder, f"{_checked_id(backup)}{PART}")
    with explained("make", path):
        os.makedirs(folder, mode=0o700, exist_ok=True)
        shutil.rmtree(path, ignore_errors=True)
        os.mkdir(path, 0o700)
    return path


def store(path: str, name: str, source: str, cipher: Cipher | None) -> dict[str, Any]:
    """Move `source` into the backup's folder as `name`, encrypted if there is a cipher: its entry in the manifest.

    That is {"name", "size", "sha256", "clear_sha256"}, of the file as it lies there and of what is in it.
    """
    if not _NAME.fullmatch(name):
        raise StoreError(f"{name!r} is no name of a file in a backup.")
    clear = digest(source)
    name += cipher.ending if cipher else ""
    target = os.path.join(path, name)
    with explained("write", target):
        os.makedirs(os.path.dirname(target), mode=0o700, exist_ok=True)
        if cipher:
            with _created(target) as stream:
                cipher.encrypt(source, stream)
                os.fsync(stream.fileno())
        else:
            _copy(source, target)
        os.unlink(source)
        size = os.path.getsize(target)
    return {"name": name, "size": size, "sha256": digest(target), "clear_sha256": clear}


def complete(path: str, manifest: Mapping[str, Any]) -> str:
    """Read all files once more, write the manifest and give the folder its name: the path.

    Raises StoreError when a file is not what it was written as.
    """
    faults = altered(path, manifest)
    if faults:
        raise StoreError(
            f"The backup {path} is not usable: {'; '.join(faults)}. Check the disk, and run playbook backup again."
        )
    document = {"format": FORMAT, **manifest}
    target = os.path.join(path, MANIFEST)
    final = path.removesuffix(PART) + ("" if manifest["complete"] else INCOMPLETE)
    with explained("write", target):
        text = json.dumps(document, indent=1, sort_keys=True)
        sealed = {"sha256": hashlib.sha256(text.encode()).hexdigest(), "backup": document}
        with _created(target) as stream:
            stream.write(json.dumps(sealed, indent=1).encode())
            stream.flush()
            os.fsync(stream.fileno())
        os.rename(path, final)
        _sync(os.path.dirname(final))
    return final


def prune(path: str, keep: int) -> list[str]:
    """Remove all but the newest complete backups of a federation, of which `path` is one.

    What is incomplete and older than the newest goes too. Returns the names of what is gone.
    """
    folder, federation = os.path.dirname(path), _federation(os.path.basename(path))
    ids = sorted(name for name in _listed(folder) if _federation(name) == federation)
    whole = [name for name in ids if not name.endswith((PART, INCOMPLETE))]
    old = whole[:-keep] if keep > 0 else []
    if whole:
        old += [name for name in ids if name.endswith((PART, INCOMPLETE)) and name < whole[-1]]
    for name in old:
        with explained("remove", os.path.join(folder, name)):
            shutil.rmtree(os.path.join(folder, name))
    return old


def find(folder: str, wanted: str | None, federation: str) -> str:
    """The folder of the backup that is wanted, an id or a path; without, of the newest complete one."""
    if wanted and os.path.sep in wanted:
        return os.path.expanduser(wanted)
    if wanted:
        return os.path.join(folder, wanted)
    whole = [name for name in _listed(folder) if name.split("-", 1)[-1] == safe(federation)]
    if not whole:
        raise StoreError(
            f"There is no complete backup of {federation} in {folder} on the controller. Set backup_folder to where "
            "backups are, or restore_from to the folder of one."
        )
    return os.path.join(folder, max(whole))


def read(path: str) -> dict[str, Any]:
    """The manifest of a backup. Raises StoreError when it is not whole."""
    file = os.path.join(path, MANIFEST)
    if path.endswith(PART):
        raise StoreError(f"The backup {path} was never completed. Use another one.")
    with explained("read", file), open(file, encoding="utf-8") as stream:
        text = stream.read(_LONGEST_MANIFEST)
    try:
        document = json.loads(text)
        manifest: dict[str, Any] = document["backup"]
        known = hashlib.sha256(json.dumps(manifest, indent=1, sort_keys=True).encode()).hexdigest()
        if known != document["sha256"]:
            raise ValueError("it was altered")
        if manifest["format"] != FORMAT:
            raise ValueError(f"it has the format {manifest['format']}, and this collection reads {FORMAT}")
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"The manifest {file} is refused: {error}. Use another backup.") from error
    return manifest


def altered(path: str, manifest: Mapping[str, Any]) -> list[str]:
    """What of the files is not as the manifest says, in words."""
    faults = []
    for name, entry in sorted(manifest["files"].items()):
        if not _NAME.fullmatch(name):
            faults.append(f"{name!r} is no name of a file in a backup")
            continue
        file = os.path.join(path, name)
        try:
            same = not os.path.islink(file) and digest(file) == entry["sha256"]
        except StoreError:
            faults.append(f"{name} is missing, or cannot be read")
            continue
        faults += [] if same else [f"{name} was altered or truncated"]
    return faults


def open_file(path: str, entry: Mapping[str, Any], name: str, cipher: Cipher | None, temporary: str) -> str:
    """The path of a file of the backup as it was before encryption: itself, or `temporary`, for its owner alone.

    Raises StoreError when that is not what was stored.
    """
    source = os.path.join(path, name)
    if cipher is None:
        return source
    with explained("write", temporary), _created(temporary) as stream:
        cipher.decrypt(source, stream)
    if digest(temporary) != entry["clear_sha256"]:
        os.unlink(temporary)
        raise StoreError(f"What {source} holds is not what was encrypted. Use another backup.")
    return temporary


def digest(path: str) -> str:
    """SHA-256 of a file. Raises StoreError."""
    sha256 = hashlib.sha256()
    with explained("read", path), open(path, "rb") as stream:
        while chunk := stream.read(_CHUNK):
            sha256.update(chunk)
    return sha256.hexdigest()


def _created(path: str) -> IO[bytes]:
    """A new file, which its owner alone reads."""
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _copy(source: str, target: str) -> None:
    with open(source, "rb") as old, _created(target) as new:
        shutil.copyfileobj(old, new, _CHUNK)
        new.flush()
        os.fsync(new.fileno())


def _listed(folder: str) -> list[str]:
    with explained("list", folder):
        return [name for name in os.listdir(folder) if _ID.fullmatch(name)]


def _federation(name: str) -> str:
    """Whose backup a folder is."""
    return name.split("-", 1)[1].removesuffix(PART).removesuffix(INCOMPLETE)


def _checked_id(backup: str) -> str:
    if not _ID.fullmatch(backup):
        raise StoreError(f"{backup!r} is no id of a backup.")
    return backup


def _sync(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
