# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A call ends in its time and takes no more than it may, whatever the other side sends. A test that hangs failed."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._api.client import Client, probe
from ansible_collections.onefed.opennebula.plugins.module_utils._api.transport import (
    MOST_BYTES_OF_ONE,
    NoAnswer,
    most_bytes,
)
from ansible_collections.onefed.opennebula.plugins.module_utils._errors import AnswerError, OnefedError

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n"


@contextlib.contextmanager
def peer(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """The endpoint of somebody who accepts one connection and lets `answer` do with it what it wants."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def serve() -> None:
            stream, _peer = listener.accept()
            with stream, contextlib.suppress(OSError):
                answer(stream)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/RPC2"
        thread.join()


def call(url: str, timeout: float = 0.4, limit: int = 1 << 20) -> object:
    return Client(url, "oneadmin", "secret-word", timeout=timeout, answer_limit=limit).call("one.zonepool.info")


def _done(event: threading.Event) -> None:
    event.wait()


def hear(stream: socket.socket) -> None:
    """Read the whole request: what is closed before that is reset, and its answer lost."""
    heard = piece = stream.recv(1 << 16)
    while piece and b"</methodCall>" not in heard:
        piece = stream.recv(1 << 16)
        heard += piece


def once(data: bytes) -> Callable[[socket.socket], None]:
    def answer(stream: socket.socket) -> None:
        hear(stream)
        stream.sendall(data)

    return answer


def for_ever(*pieces: bytes, pause: float = 0.0) -> Callable[[socket.socket], None]:
    """Send the pieces, the last one until the caller hangs up."""

    def answer(stream: socket.socket) -> None:
        hear(stream)
        for piece in pieces[:-1]:
            stream.sendall(piece)
        while True:
            stream.sendall(pieces[-1])
            time.sleep(pause)

    return answer


@pytest.mark.parametrize(
    "pieces",
    [
        (b"H",),
        (HEAD, b"X"),
        (HEAD + b"\r\n", b" "),
        (HEAD + b"Content-Length: 100000\r\n\r\n", b" "),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    ],
    ids=["status", "headers", "body", "promised", "chunks"],
)
def test_an_answer_that_drips_ends_with_the_deadline(pieces: tuple[bytes, ...]) -> None:
    with peer(for_ever(*pieces, pause=0.05)) as url:
        with pytest.raises(NoAnswer, match=r"not complete within 0.4 s, \d+ bytes had come") as caught:
            call(url)
        assert caught.value.state == "timeout"


@pytest.mark.parametrize(
    "pieces",
    [
        (b"HTTP/1.1 100 Continue\r\n\r\n",),
        (HEAD + b"\r\n", b" " * 4096),
        (HEAD + b"Content-Length: 99999999999999\r\n\r\n", b" " * 4096),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1000\r\n" + b" " * 4096 + b"\r\n"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n \r\n0\r\n", b"X: y\r\n" * 100),
    ],
    ids=["continue", "body", "promised", "chunks", "trailers"],
)
def test_an_endless_answer_ends_with_the_limit(pieces: tuple[bytes, ...]) -> None:
    with peer(for_ever(*pieces)) as url:
        with pytest.raises(AnswerError, match="more than 100000 bytes.*raise api_answer_limit") as caught:
            call(url, timeout=60.0, limit=100_000)
        assert url in str(caught.value)
        assert "one.zonepool.info" in str(caught.value)


@pytest.mark.parametrize("piece", [b"X: y\r\n", b"X" * 4096], ids=["many", "long"])
def test_endless_headers_are_no_http(piece: bytes) -> None:
    with peer(for_ever(HEAD, piece)) as url:
        with pytest.raises(NoAnswer, match="not HTTP") as caught:
            call(url, timeout=60.0)
        assert caught.value.state == "not_opennebula"


def test_a_peer_that_takes_nothing_ends_with_the_deadline() -> None:
    release = threading.Event()
    with peer(lambda _stream: _done(release)) as url:
        with pytest.raises(NoAnswer) as caught:
            Client(url, "oneadmin", "x", timeout=0.3).call("one.zone.update", "y" * (64 << 20))
        release.set()
        assert caught.value.state == "timeout"


def test_a_handshake_that_never_ends_ends_with_the_deadline() -> None:
    with peer(for_ever(b"\x16\x03\x03\x40\x00", b"\x02", pause=0.05)) as url:
        assert probe(url.replace("http:", "https:"), timeout=0.4)["state"] == "timeout"


def test_a_name_service_that_never_answers_ends_with_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: release.wait() and [])
    assert probe("http://slow.invalid:2633/RPC2", timeout=0.1)["state"] == "timeout"
    release.set()


def test_an_address_that_is_dead_leaves_time_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as dead, peer(once(HEAD + b"Content-Length: 4\r\n\r\nseen")) as url:
        dead.bind(("127.0.0.1", 0))  # bound and not listening: refused
        port = int(url.rsplit(":", 1)[1].split("/")[0])
        found = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", where)) for where in (dead.getsockname()[1], port)
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_: found)
        with pytest.raises(AnswerError, match="not well-formed XML"):
            call(f"http://two.invalid:{port}/RPC2", timeout=20.0)


def test_an_answer_that_breaks_off_is_told_apart() -> None:
    with peer(once(HEAD + b"Content-Length: 100\r\n\r\n<methodResponse>")) as url:
        with pytest.raises(NoAnswer, match="closed before the answer was complete") as caught:
            call(url, timeout=20.0)
        assert caught.value.state == "unreachable"


def test_what_a_server_calls_its_status_cannot_move_the_cursor() -> None:
    with peer(once(b"HTTP/1.1 500 \x1b[2J\x9bfine\r\n\r\n")) as url, pytest.raises(NoAnswer) as caught:
        call(url, timeout=20.0)
    assert r"HTTP status 500 (\x1b[2J\x9bfine)" in str(caught.value)


def test_only_pools_may_be_long() -> None:
    for method in ("one.vmpool.info", "one.zonepool.info", "one.acl.info", "one.system.sqlquery"):
        assert most_bytes(method, 1 << 40) == 1 << 40
    for method in ("one.zone.raftstatus", "one.system.version", "one.system.config", "one.user.info"):
        assert most_bytes(method, 1 << 40) == MOST_BYTES_OF_ONE
        assert most_bytes(method, 1000) == 1000


@pytest.mark.parametrize("name", ["a..b", "x" * 64 + ".invalid"])
def test_what_is_no_name_is_not_resolved(name: str) -> None:
    assert probe(f"http://{name}:2633/RPC2")["state"] == "unresolvable"


def test_a_path_that_http_cannot_send_is_refused() -> None:
    with pytest.raises(OnefedError, match="not an XML-RPC endpoint"):
        call("http://192.0.2.9:2633/RPC2/ü")
