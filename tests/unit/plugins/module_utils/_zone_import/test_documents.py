# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents on their way, and attributes as XML."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.onefed.opennebula.plugins.module_utils._api.documents import attributes_of, parse_xml
from ansible_collections.onefed.opennebula.plugins.module_utils._api.template_xml import attributes_xml
from ansible_collections.onefed.opennebula.plugins.module_utils._errors import FrontendError
from ansible_collections.onefed.opennebula.plugins.module_utils._zone_import.transport import digest, pack, unpack
from ansible_collections.onefed.opennebula.plugins.plugin_utils._transfer.documents import read_document, write_document


def test_a_document_arrives_as_it_was_sent_and_nobody_else_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "d.json.gz"
    path.touch(mode=0o644)
    pack(str(path), {"users": [{"name": "Zoë"}]})
    assert unpack(str(path)) == {"users": [{"name": "Zoë"}]}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_root_writes_belongs_to_the_owner_of_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[int, int]] = []
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("os.fchown", lambda _descriptor, *owner: given.append(owner))
    pack(str(tmp_path / "d.json.gz"), {})
    assert given == [(tmp_path.stat().st_uid, tmp_path.stat().st_gid)]


def test_a_truncated_document_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "d.json.gz"
    pack(str(path), {"a": "b" * 100})
    path.write_bytes(path.read_bytes()[:-9])
    for broken in (path, tmp_path / "none"):
        with pytest.raises(FrontendError, match="Cannot read the document"):
            unpack(str(broken))


def test_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    pack(str(tmp_path / "link"), {})
    assert not (tmp_path / "target").exists()
    assert unpack(str(tmp_path / "link")) == {}


def test_the_digest_knows_no_order_of_keys() -> None:
    assert digest({"a": 1, "b": [1, 2]}) == digest({"b": [1, 2], "a": 1}) != digest({"a": 1, "b": [2, 1]})


PLAIN = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=20)


@given(st.dictionaries(PLAIN, PLAIN | st.integers() | st.booleans() | st.none(), max_size=5))
def test_yaml_keeps_every_value(tmp_path_factory: pytest.TempPathFactory, content: dict[str, Any]) -> None:
    path = str(tmp_path_factory.getbasetemp() / "values.yml")
    write_document(path, content, "What it is.\nTwo lines.")
    assert read_document(path) == (content or {})
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


VALUES = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff"))
NAMES = st.sampled_from(["A", "B_1", "LONG_NAME"])
VECTORS = st.dictionaries(NAMES, VALUES, min_size=1)


@given(st.dictionaries(NAMES, VALUES | VECTORS | st.lists(VALUES | VECTORS, min_size=2, max_size=3)))
def test_xml_carries_all_attributes_that_opennebula_shows(attributes: dict[str, Any]) -> None:
    assert attributes_of(parse_xml(attributes_xml(attributes), "a template")) == attributes
