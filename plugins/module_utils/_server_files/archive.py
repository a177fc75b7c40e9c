# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Archives of a server's files: a compressed tar that holds nothing but contents, and a list of what they belong to.

The list comes last and has the digest of every content, so that an archive with a valid one is whole.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import os
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import IO, Any

from .._errors import FrontendError
from .._host.files import opened
from .._host.tree import FILE, FOLDER, LINK
from .._host.unpacking import InPieces, read_whole
from .roots import AUTH, ETC, REMOTES, SSH

FORMAT = 1
_LIST = "list.json"
_ROOTS = (AUTH, ETC, REMOTES, SSH)
_OWNERS = ("root", "oned")
_CHUNK = 1 << 20
# A front-end's remotes are 1500 files; the list takes some 300 bytes for each.
_MOST_FILES = 100_000
_MOST_AT_ONCE = 64 * 2**20
# What tarfile, gzip and json say of content that is none of ours.
_BROKEN = (
    tarfile.TarError,
    EOFError,
    zlib.error,
    gzip.BadGzipFile,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    RecursionError,
)


@dataclass(frozen=True)
class Entry:
    """A file, link or folder. `owner` and `group` are root's or those of oned's account, whatever their numbers."""

    kind: str
    mode: int
    owner: str
    group: str
    target: str = ""
    sha256: str = ""


@dataclass
class Listing:
    """All entries by path, which begins with the name of a root; and paths at which nothing stands, nor may stand."""

    entries: dict[str, Entry] = field(default_factory=dict)
    absent: list[str] = field(default_factory=list)


class ArchiveWriter:
    """Writes an archive into the stream; close() completes it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.listing = Listing()
        self._tar = tarfile.open(fileobj=stream, mode="w:gz", compresslevel=6)  # noqa: SIM115 - close() does

    def add(self, path: str, entry: Entry, content: bytes = b"") -> None:
        """An entry; a file's digest is that of the content, whatever `entry` says."""
        if entry.kind == FILE:
            entry = Entry(entry.kind, entry.mode, entry.owner, entry.group, "", hashlib.sha256(content).hexdigest())
            self._write(path, content)
        self.listing.entries[path] = entry

    def close(self) -> None:
        entries = {path: asdict(entry) for path, entry in self.listing.entries.items()}
        content = {"format": FORMAT, "entries": entries, "absent": self.listing.absent}
        self._write(_LIST, json.dumps(content).encode())
        self._tar.close()

    def _write(self, path: str, content: bytes) -> None:
        member = tarfile.TarInfo(path)
        member.size, member.mode = len(content), 0o600
        self._tar.addfile(member, io.BytesIO(content))


class Archive:
    """An open archive, which was read through and is whole."""

    def __init__(self, tar: tarfile.TarFile, listing: Listing) -> None:
        self._tar = tar
        self.listing = listing

    def contents(self) -> Iterator[tuple[str, bytes]]:
        """Path and content of every file, in the archive's order."""
        for member in self._tar.getmembers():
            if member.name != _LIST:
                stream = self._tar.extractfile(member)
                yield member.name, stream.read() if stream else b""


@contextlib.contextmanager
def opened_archive(path: str) -> Iterator[Archive]:
    """Open an archive and check all of it. Raises FrontendError."""
    with contextlib.ExitStack() as stack:
        yield _open(path, stack)


def _open(path: str, stack: contextlib.ExitStack) -> Archive:
    try:
        raw = stack.enter_context(os.fdopen(opened(path, follow=True), "rb"))
        content = stack.enter_context(gzip.GzipFile(fileobj=raw, mode="rb"))
        pieces = InPieces(content, _MOST_AT_ONCE)
        tar = stack.enter_context(tarfile.open(fileobj=pieces, mode="r:"))  # type: ignore[call-overload] # noqa: SIM115
        archive = Archive(tar, _checked(tar))
        # What the list says of the sizes is true from here on.
        pieces.trusted = True
        # To the very end, where gzip's own digest is.
        while content.read(_CHUNK):
            pass
        return archive
    except _BROKEN as error:
        raise FrontendError(
            f"The archive {path} is refused: {error or 'it ends too early'}. It was truncated or altered, or is none "
            "that server_files packed. Nothing was changed; pack a new one."
        ) from error
    except OSError as error:
        raise FrontendError(f"Cannot read the archive {path}: {error.strerror or error}.") from error


def _checked(tar: tarfile.TarFile) -> Listing:
    """The list, of which all is there and nothing more. Raises ValueError."""
    digests: dict[str, str] = {}
    document = b""
    for member in tar:
        stream = tar.extractfile(member) if member.isreg() else None
        if len(digests) > _MOST_FILES:
            raise ValueError(f"it has more than {_MOST_FILES} files")
        if stream is None or member.name in digests or document:
            raise ValueError(f"{member.name!r} is no content of a file, or stands in it twice")
        if member.name == _LIST:
            document = read_whole(stream, _MOST_AT_ONCE)
        else:
            digests[member.name] = _digest(stream)
    listing = _parsed(json.loads(document or b"{}"))
    wanted = {path: entry.sha256 for path, entry in listing.entries.items() if entry.kind == FILE}
    if digests != wanted:
        wrong = sorted(path for path in {*digests, *wanted} if digests.get(path) != wanted.get(path))
        raise ValueError(f"the content of {wrong[0]!r} is not what its list says")
    return listing


def _digest(stream: IO[bytes]) -> str:
    sha256 = hashlib.sha256()
    while chunk := stream.read(_CHUNK):
        sha256.update(chunk)
    return sha256.hexdigest()


def _parsed(data: dict[str, Any]) -> Listing:
    if data.get("format") != FORMAT:
        raise ValueError(f"its list has the format {data.get('format')}, and this collection reads {FORMAT}")
    listing = Listing({path: Entry(**entry) for path, entry in data["entries"].items()}, data["absent"])
    for path in (*listing.entries, *listing.absent):
        _check_path(path)
    for path, entry in listing.entries.items():
        _check_entry(path, entry)
        above = os.path.dirname(path)
        while above:
            # Whoever stands above must not lead elsewhere. The roots themselves are no entries.
            if above in listing.entries and listing.entries[above].kind != FOLDER:
                raise ValueError(f"{path!r} lies below something that is no folder")
            above = os.path.dirname(above)
    return listing


def _check_path(path: str) -> None:
    parts = path.split("/") if isinstance(path, str) else []
    if len(parts) < 2 or parts[0] not in _ROOTS or "\0" in path or any(part in ("", ".", "..") for part in parts):
        raise ValueError(f"{path!r} is no path of a server's file")


def _check_entry(path: str, entry: Entry) -> None:
    plain = isinstance(entry.mode, int) and 0 <= entry.mode <= 0o7777
    if entry.kind not in (FILE, FOLDER, LINK) or not plain or {entry.owner, entry.group} - {*_OWNERS}:
        raise ValueError(f"{path!r} is of no kind that it may be")
    if entry.kind == LINK and leads_out(path, entry.target):
        raise ValueError(f"the link {path!r} leads out of its folder")


def leads_out(path: str, target: str) -> bool:
    """Whether the link at this path, which begins with its root, leads to anything outside of that root."""
    parts = target.split("/")
    steps = next((number for number, part in enumerate(parts) if part != ".."), len(parts))
    # Further up only at the beginning: past another link a step up leads anywhere.
    astray = not target or target.startswith("/") or "\0" in target or ".." in parts[steps:]
    return astray or steps > path.count("/") - 1
