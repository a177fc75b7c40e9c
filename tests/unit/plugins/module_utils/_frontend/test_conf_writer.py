# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""oned.conf is written in one step, with a backup if wanted, and no secret gets out."""

from __future__ import annotations

import os
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import ConfigError, FrontendError
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend import conf_writer
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.conf_writer import Request, configure, restore
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.journal import host_lock
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend
from ansible_collections.onefed.opennebula.plugins.module_utils._host import files
from ansible_collections.onefed.opennebula.plugins.module_utils._oned_conf.document import Document
from ansible_collections.onefed.opennebula.plugins.module_utils._oned_conf.secrets import masked, scrub, secrets

FIXTURE = Path(__file__).parents[3] / "fixtures" / "oned.conf"
SECRETS = ('s3cret "quoted"', 's3cret \\"quoted\\"', "older-secret", "a-key")


@pytest.fixture
def frontend(location: Path) -> Frontend:
    shutil.copy(FIXTURE, location / "etc/oned.conf")
    (location / "etc/oned.conf").chmod(0o640)
    return Frontend.from_params({"oned_location": str(location), "oned_service": "opennebula"})


def write(
    frontend: Frontend, attributes: Any = None, vectors: Any = None, check_mode: bool = False, **more: Any
) -> dict[str, Any]:
    options: dict[str, Any] = {"path": None, "backup": False, "hidden": False, **more}
    return configure(frontend, Request(attributes or {}, vectors or {}, **options), check_mode)


def federation(**keys: Any) -> dict[str, Any]:
    return {"FEDERATION": keys}


def test_changes_are_written_with_a_backup_of_the_same_mode(frontend: Frontend) -> None:
    before = FIXTURE.read_bytes()
    result = write(frontend, vectors=federation(MODE="MASTER", ZONE_ID=0), backup=True)
    assert (result["changed"], result["path"], result["lens_problems"]) == (True, frontend.conf, [])
    assert Path(result["backup_file"]).read_bytes() == before
    assert {os.stat(path).st_mode & 0o777 for path in (frontend.conf, result["backup_file"])} == {0o640}
    assert Path(frontend.conf).read_bytes() == before.replace(b'"STANDALONE"', b'"MASTER"')
    again = write(frontend, vectors=federation(MODE="MASTER", ZONE_ID=0), backup=True)
    assert (again["changed"], again["backup_file"]) == (False, None)
    second = write(frontend, {"PORT": 2640}, backup=True)
    assert second["backup_file"] != result["backup_file"]


def test_check_mode_writes_nothing_and_takes_values_that_are_not_known_yet(frontend: Frontend) -> None:
    unknown = federation(MODE="SLAVE", ZONE_ID="(known after apply)", MASTER_ONED="http://m:2633/RPC2")
    result = write(frontend, vectors=unknown, check_mode=True, backup=True)
    assert (result["changed"], result["backup_file"]) == (True, None)
    assert 'ZONE_ID       = "(known after apply)"' in result["diff"]["after"]
    assert os.listdir(os.path.dirname(frontend.conf)) == ["oned.conf"]
    with pytest.raises(ConfigError, match="ZONE_ID is .*whole number"):
        write(frontend, vectors=unknown)


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ({"MODE": "PRIMARY"}, "must be one of STANDALONE, MASTER, SLAVE, CACHE"),
        ({"SERVER_ID": "one"}, "SERVER_ID is 'one'; it must be a whole number"),
        ({"MODE": "SLAVE", "MASTER_ONED": "x"}, "MODE SLAVE needs a ZONE_ID"),
        ({"MODE": "SLAVE", "ZONE_ID": 100}, "MODE SLAVE needs MASTER_ONED"),
    ],
)
def test_a_federation_that_oned_would_refuse_is_not_written(frontend: Frontend, keys: Any, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        write(frontend, vectors=federation(**keys))
    assert Path(frontend.conf).read_bytes() == FIXTURE.read_bytes()


def test_a_slave_keeps_its_zone_id_when_another_key_changes(frontend: Frontend) -> None:
    write(frontend, vectors=federation(MODE="SLAVE", ZONE_ID=100, MASTER_ONED="http://a/RPC2"))
    write(frontend, vectors=federation(MASTER_ONED="http://b/RPC2"))
    written = Document.load(frontend.conf).vector("FEDERATION")
    assert written == {"MODE": "SLAVE", "ZONE_ID": "100", "SERVER_ID": "-1", "MASTER_ONED": "http://b/RPC2"}


def test_a_linked_file_is_written_at_its_place(frontend: Frontend, tmp_path: Path) -> None:
    real = tmp_path / "shared" / "oned.conf"
    real.parent.mkdir()
    shutil.move(frontend.conf, real)
    os.symlink(real, frontend.conf)
    result = write(frontend, {"PORT": 2640}, backup=True)
    assert os.path.islink(frontend.conf)
    assert Document.load(str(real)).get("PORT") == "2640"
    assert os.path.dirname(result["backup_file"]) == str(real.parent)


def altered(frontend: Frontend) -> str:
    """The backup of an oned.conf that was made another, readable for all."""
    backup: str = write(frontend, {"PORT": 2640, "ONE_KEY": "new-key"}, backup=True, hidden=True)["backup_file"]
    os.chmod(frontend.conf, 0o644)
    return backup


def test_a_backup_is_put_back_with_its_mode_and_stays(frontend: Frontend) -> None:
    backup = altered(frontend)
    predicted = restore(frontend, None, backup, False, check_mode=True)
    assert (predicted["changed"], Document.load(frontend.conf).get("PORT")) == (True, "2640")
    result = restore(frontend, None, backup, False, check_mode=False)
    assert (result["changed"], result["path"], result["backup_file"]) == (True, frontend.conf, None)
    assert Path(frontend.conf).read_bytes() == Path(backup).read_bytes() == FIXTURE.read_bytes()
    assert os.stat(frontend.conf).st_mode & 0o777 == 0o640
    for text in (*SECRETS, "new-key"):
        assert text not in str(result["diff"])
    again = restore(frontend, None, backup, True, check_mode=False)
    assert (again["changed"], again["backup_file"]) == (False, None)


def test_what_a_backup_replaces_is_kept_if_wanted(frontend: Frontend) -> None:
    backup = altered(frontend)
    kept = restore(frontend, None, backup, True, check_mode=False)["backup_file"]
    assert Document.load(kept).get("PORT") == "2640"
    assert os.stat(kept).st_mode & 0o777 == 0o644
    restore(frontend, None, kept, False, check_mode=False)
    assert Document.load(frontend.conf).get("PORT") == "2640"


def test_a_backup_with_another_mode_alone_is_a_change(frontend: Frontend) -> None:
    backup = altered(frontend)
    restore(frontend, None, backup, False, check_mode=False)
    os.chmod(frontend.conf, 0o600)
    assert restore(frontend, None, backup, False, check_mode=False)["changed"] is True
    assert os.stat(frontend.conf).st_mode & 0o777 == 0o640


def test_a_backup_of_a_linked_file_is_put_back_at_its_place(frontend: Frontend, tmp_path: Path) -> None:
    real = tmp_path / "shared" / "oned.conf"
    real.parent.mkdir()
    shutil.move(frontend.conf, real)
    os.symlink(real, frontend.conf)
    restore(frontend, None, altered(frontend), False, check_mode=False)
    assert os.path.islink(frontend.conf)
    assert real.read_bytes() == FIXTURE.read_bytes()


@pytest.mark.parametrize("name", ["oned.conf", "oned.conf.bak", "sched.conf.20250401T120000Z", "../oned.conf"])
def test_only_a_backup_of_this_file_is_put_back(frontend: Frontend, name: str) -> None:
    altered(frontend)
    other = os.path.join(os.path.dirname(frontend.conf), name)
    if not os.path.exists(other):
        shutil.copy(FIXTURE, other)
    with pytest.raises(ConfigError, match="is not a backup of .*oned.conf. Set backup_file to .* Nothing was changed"):
        restore(frontend, None, other, False, check_mode=False)
    assert Document.load(frontend.conf).get("PORT") == "2640"


def test_a_link_in_the_place_of_a_backup_is_not_put_back(frontend: Frontend) -> None:
    backup = altered(frontend)
    os.remove(backup)
    os.symlink(FIXTURE, backup)
    with pytest.raises(ConfigError, match=f"There is no regular file {backup}"):
        restore(frontend, None, backup, False, check_mode=False)


def test_a_backup_is_not_taken_by_way_of_a_link(frontend: Frontend, tmp_path: Path) -> None:
    """Whoever laid the link could lead it to another file between the check and the reading."""
    backup = altered(frontend)
    (tmp_path / "way").symlink_to(os.path.dirname(backup))
    with pytest.raises(ConfigError, match="is not a backup of .*oned.conf. Set backup_file to .* Nothing was changed"):
        restore(frontend, None, str(tmp_path / "way" / os.path.basename(backup)), False, check_mode=False)
    assert Document.load(frontend.conf).get("PORT") == "2640"


def test_a_backup_that_oned_would_refuse_is_not_put_back(frontend: Frontend) -> None:
    backup = altered(frontend)
    Path(backup).write_text("DB = [ BACKEND")
    with pytest.raises(ConfigError, match=f"{backup} is not a configuration that oned accepts"):
        restore(frontend, None, backup, False, check_mode=False)
    assert Document.load(frontend.conf).get("PORT") == "2640"


def test_a_backup_is_put_back_under_the_lock(frontend: Frontend, monkeypatch: pytest.MonkeyPatch) -> None:
    backup = altered(frontend)
    monkeypatch.setattr(conf_writer, "host_lock", partial(host_lock, wait=0.0))
    with host_lock(frontend), pytest.raises(FrontendError, match="Another module of this collection"):
        restore(frontend, None, backup, False, check_mode=False)


def test_a_full_disk_leaves_the_old_file(frontend: Frontend, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(ConfigError, match=f"Cannot write {frontend.conf}: No space left on device. It is unchanged."):
        write(frontend, {"PORT": 2640})
    assert Path(frontend.conf).read_bytes() == FIXTURE.read_bytes()


@pytest.mark.parametrize(
    ("attributes", "vectors"), [({"one_key": "k"}, {}), ({}, {"DB": {"passwd": "p"}}), ({}, {"X": {"PASSWORD": "p"}})]
)
def test_a_secret_is_refused_unless_the_task_is_hidden(frontend: Frontend, attributes: Any, vectors: Any) -> None:
    with pytest.raises(ConfigError, match="Set no_log: true on the task"):
        write(frontend, attributes, vectors)
    assert write(frontend, attributes, vectors, hidden=True)["changed"] is True


def test_the_diff_shows_no_secret_but_that_one_changed(frontend: Frontend) -> None:
    diff = write(frontend, {"ONE_KEY": "new-key"}, {"DB": {"PASSWD": "new-secret"}}, hidden=True)["diff"]
    for text in (*SECRETS, "new-key", "new-secret"):
        assert text not in diff["before"] + diff["after"]
    lines = list(zip(diff["before"].split("\n"), diff["after"].split("\n")))
    assert [pair for pair in lines if pair[0] != pair[1]] == [
        ('       PASSWD  = "********",', '       PASSWD  = "******** (new)",'),
        ('ONE_KEY = "********"', 'ONE_KEY = "******** (new)"'),
    ]
    assert '# DB = [ BACKEND = "mysql", PASSWD = "********" ]' in diff["after"]


def test_credentials_in_urls_are_masked() -> None:
    document = Document.parse('A = "http://user:pass@192.0.2.11:2633/RPC2"\n')
    assert masked(document) == 'A = "http://********@192.0.2.11:2633/RPC2"\n'


def test_scrub_hides_longer_secrets_first() -> None:
    document = Document.parse('DB = [ PASSWD = "ab" ]\nONE_KEY = "abc"\n')
    assert secrets(document) == ["ab", "abc"]
    assert scrub("x abc ab http://u:p@h/", secrets(document)) == "x ******** ******** http://********@h/"
    assert scrub("text", ["", "z"]) == "text"
