# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a zone has of its own once its oned stands still is compared with what the plan was based on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._database.open import describe
from ansible_collections.onefed.opennebula.plugins.module_utils._database.sqlite import SqliteDatabase
from ansible_collections.onefed.opennebula.plugins.module_utils._errors import FrontendError
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.journal import Journal
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend
from ansible_collections.onefed.opennebula.plugins.module_utils._recovery.own_data import Planned, note, verify
from ansible_collections.onefed.opennebula.plugins.module_utils._service import oned

USER = "<USER><ID>7</ID><NAME>lea</NAME>{token}<PASSWORD>{password}</PASSWORD></USER>"
NEW = {
    "a user": ("INSERT INTO user_pool VALUES (7, 'lea', '<USER/>', 7, 1, 1, 1, 0)", "users lea"),
    "a group": ("INSERT INTO group_pool VALUES (100, 'web', '<GROUP/>', 0, 100, 1, 1, 0)", "groups web"),
    "a VDC": ("INSERT INTO vdc_pool VALUES (100, 'west', '<VDC/>', 0, 0, 1, 1, 0)", "VDCs west"),
    "a rule": (
        "INSERT INTO acl VALUES (6, 8589934692, 85899345920, 1, 17179869184)",
        "ACL rules @100 VM/* USE *",
    ),
    "a marketplace": ("INSERT INTO marketplace_pool VALUES (100, 'ours', '<M/>', 0, 0, 1, 1, 0)", "marketplaces ours"),
    "an app": (
        "INSERT INTO marketplaceapp_pool VALUES (5, 'mine', '<MARKETPLACEAPP><MARKETPLACE_ID>101</MARKETPLACE_ID>"
        "</MARKETPLACEAPP>', 0, 0, 1, 1, 0)",
        "marketplace apps mine",
    ),
    "another zone": ("UPDATE zone_pool SET body = '<ZONE><ID>0</ID><NAME>else</NAME></ZONE>'", "knows zone 0 else"),
    "a slave": ("UPDATE local_db_versioning SET is_slave = 1", "its database is marked as a slave's now"),
}
CHANGED = {
    "a template": ("INSERT INTO template_pool VALUES (8, 'late', '<V/>', 7, 1, 1, 0, 0)", "templates late"),
    "an owner": ("UPDATE template_pool SET uid = 2 WHERE oid = 7", "templates local (changed)"),
    "a password": (
        f"UPDATE user_pool SET body = '{USER.format(token='', password='new')}' WHERE oid = 2",
        "ada (changed)",
    ),
    "a quota": (
        "INSERT INTO user_quotas VALUES (2, '<QUOTAS><ID>2</ID><VM_QUOTA><VM><VMS>3</VMS><VMS_USED>1</VMS_USED></VM>"
        "</VM_QUOTA></QUOTAS>')",
        "quotas of user ada",
    ),
    "the default quotas": (
        "INSERT INTO system_attributes VALUES ('DEFAULT_GROUP_QUOTAS', '<DEFAULT_GROUP_QUOTAS><VM_QUOTA><VM>"
        "<VMS>3</VMS></VM></VM_QUOTA></DEFAULT_GROUP_QUOTAS>')",
        "quotas of group default",
    ),
    "a user that is gone": ("DELETE FROM user_pool WHERE oid = 2", "users ada (gone)"),
}
HARMLESS = (
    "DELETE FROM template_pool",
    f"UPDATE user_pool SET body = '{USER.format(token='<LOGIN_TOKEN><TOKEN>t</TOKEN></LOGIN_TOKEN>', password='p')}' "
    "WHERE oid = 2",
    "UPDATE group_pool SET body = '<GROUP><ID>1</ID><USERS><ID>9</ID></USERS></GROUP>' WHERE oid = 1",
    "INSERT INTO user_quotas VALUES (2, '<QUOTAS><ID>2</ID><VM_QUOTA><VM><VMS>-1</VMS><VMS_USED>1</VMS_USED></VM>"
    "</VM_QUOTA></QUOTAS>')",
    "INSERT INTO vm_pool VALUES (3, 'done', '<VM/>', 2, 1, 6)",
)


class Zone:
    """A stopped standalone zone, what preflight saw of it, and its open journal."""

    def __init__(self, location: Path, database: Any) -> None:
        self.frontend = Frontend.from_params({"oned_location": str(location), "oned_service": "opennebula"})
        self.database = database
        directory = location / "var/onefed/joins/1-paris"
        directory.mkdir(parents=True)
        self.journal = Journal("1-paris", str(directory), "paris", "", "", False, None, "", {}, {})

    def planned(self, action: str) -> Planned:
        seen = describe(SqliteDatabase(str(self.database.path)))
        index = seen["log"]["last_federated_index"]
        known = seen["own"] if action in ("discard", "reseed") else {}
        return Planned(action, known, seen["zones"], seen["is_slave"], index)

    def verify(self, planned: Planned, **applied: int | None) -> list[str]:
        return verify(self.frontend, self.journal, planned, applied, {})

    def refused(self, planned: Planned, **applied: int | None) -> str:
        with pytest.raises(FrontendError) as caught:
            self.verify(planned, **applied)
        return str(caught.value)


@pytest.fixture
def empty(location: Path, master_db: Any, make_db: Any) -> Zone:
    """With nothing of its own."""
    make_db("empty.db").path.rename(master_db.path)
    return Zone(location, master_db)


@pytest.fixture
def full(location: Path, master_db: Any) -> Zone:
    """With the user ada, and a template of oneadmin's."""
    body = USER.format(token="", password="p")
    master_db.script(
        f"UPDATE user_pool SET body = '{body}' WHERE oid = 2;"
        "CREATE TABLE user_quotas (user_oid INTEGER PRIMARY KEY, body MEDIUMTEXT);"
        "CREATE TABLE vm_pool (oid INTEGER PRIMARY KEY, name TEXT, body TEXT, uid INTEGER, gid INTEGER, state INTEGER);"
    )
    return Zone(location, master_db)


@pytest.mark.parametrize("what", NEW)
def test_what_came_after_the_plan_is_refused_by_name(empty: Zone, what: str) -> None:
    planned = empty.planned("refuse")
    assert empty.verify(planned) == []
    statement, told = NEW[what]
    if what == "an app":
        empty.database.execute("INSERT INTO marketplace_pool VALUES (101, 'theirs', '<M/>', 0, 0, 1, 1, 0)")
    empty.database.execute(statement)
    text = empty.refused(planned)
    assert told in text
    assert "Zone paris has changed since the run looked at it" in text
    assert "zone_import: true keeps what is the zone's own, zone_discard: true lets it go" in text


def test_what_may_go_is_told(full: Zone) -> None:
    planned = full.planned("discard")
    assert full.verify(planned) == []
    for what in ("a user", "a rule"):
        full.database.execute(NEW[what][0])
    assert full.verify(planned) == ["users lea", "ACL rules @100 VM/* USE *"]
    full.database.execute(NEW["another zone"][0])
    assert "knows zone 0 else" in full.refused(planned)


@pytest.mark.parametrize("what", [*CHANGED, *(what for what in NEW if what != "an app")])
def test_what_changed_after_the_export_is_refused_by_name(full: Zone, what: str) -> None:
    note(full.frontend, full.journal, {})
    assert full.verify(Planned("import")) == []
    statement, told = {**CHANGED, **NEW}[what]
    full.database.execute(statement)
    text = full.refused(Planned("import"))
    assert told in text
    assert "zone_discard" not in text


@pytest.mark.parametrize("statement", HARMLESS)
def test_what_an_import_does_not_take_along_may_change(full: Zone, statement: str) -> None:
    note(full.frontend, full.journal, {})
    full.database.execute(statement)
    assert full.verify(Planned("import")) == []


def test_an_import_without_a_note_is_refused(full: Zone) -> None:
    assert "cannot be read from" in full.refused(Planned("import"))


def test_a_slave_may_have_what_the_master_wrote_and_nothing_else(full: Zone) -> None:
    planned = full.planned("reseed")
    full.database.execute(NEW["a user"][0])
    assert "users lea. Joining would lose that" in full.refused(planned)
    full.database.record(6)
    assert full.verify(planned) == []


def test_tables_that_are_the_masters_already_are_left_alone(full: Zone) -> None:
    planned = full.planned("refuse")
    assert "users ada" in full.refused(planned)
    full.journal.reach("restoring")
    full.journal.reach("auth_files")
    assert full.verify(planned) == []
    full.journal.reach("reverted")
    assert "users ada" in full.refused(planned)


def test_nothing_is_compared_while_oned_runs(empty: Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oned, "is_running", lambda _frontend: True)
    assert "Stop oned first" in empty.refused(empty.planned("refuse"))


def test_a_database_that_no_oned_has_filled_has_nothing(empty: Zone) -> None:
    empty.database.script("DELETE FROM user_pool; DELETE FROM zone_pool;")
    assert empty.verify(Planned()) == []


def test_what_another_server_has_carried_out_it_must_have_too(full: Zone) -> None:
    planned = full.planned("discard")
    full.database.record(6, applied=False)
    assert full.verify(planned, second=5, third=None) == []
    text = full.refused(planned, second=5, third=6)
    assert "third has carried out records of the zone's log up to 6, and this server, which led, up to 5." in text
