# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is applied at the master of the declared access policies and administrators, in order. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ...module_utils._api.template import secret_attributes
from .._inventory.access import (
    ONEADMIN,
    SECRETS,
    ZoneAdministrators,
    absent,
    key_body,
    spelled,
)

Data = Mapping[str, Any]

_EVERYTHING = ("USE", "MANAGE", "ADMIN", "CREATE")
# What belongs to one zone alone. HOOK is not among it: a hook runs any command as oneadmin. Nor is ZONE, with which a
# server could be registered, to which the leader then sends the password of oneadmin.
_LOCAL = (
    *("VM", "HOST", "NET", "IMAGE", "TEMPLATE", "DATASTORE", "CLUSTER", "DOCUMENT", "SECGROUP", "VROUTER", "VMGROUP"),
    *("VNTEMPLATE", "BACKUPJOB"),
)
# In all zones alike, and changed by their owners; a new one belongs to the zone where it is made.
_OWNED = ("MARKETPLACE", "MARKETPLACEAPP")


def zone_rules(group: str, zone: str, master: bool) -> list[dict[str, Any]]:
    """Options of module acl that give a group full rights over one zone, and none in others.

    In a slave zone, rights over users and groups are those to give them objects and quotas of that zone: whatever
    changes users or groups themselves is decided in the master's zone, where such rules would rule the federation. USE
    of users is not among them: who may read serveradmin's record can log in as anybody.
    """
    rules: list[tuple[tuple[str, ...], tuple[str, ...]]] = [(_LOCAL, _EVERYTHING), (_OWNED, ("CREATE",))]
    if not master:
        rules += [(("USER",), ("MANAGE", "ADMIN")), (("GROUP",), ("USE", "ADMIN"))]
    return [{"group": group, "resources": list(what), "rights": list(rights), "zone": zone} for what, rights in rules]


def access_steps(federation: Data, zones: Mapping[str, ZoneAdministrators], there: Collection[str]) -> dict[str, Any]:
    """Return what to apply, as lists of the modules' options without secrets, in this order.

    C(groups), C(kept_out) (groups that leave the VDC 0), C(users), C(admins) (groups again, with their administrators),
    C(vdcs), C(acls), and C(gone) (by C(acls), C(vdcs), C(users), C(groups));
    C(creates) are names by kind. `federation` and `zones` are as in
    _inventory.access.check_access. `there` are names and ids of zones that exist;
    what concerns others is C(left_out), as texts.
    """
    left_out: list[str] = []
    groups, users = _present(federation["federation_groups"]), _users(federation["federation_users"])
    acls = [dict(item) for item in federation["federation_acls"]]
    kept_out: list[str] = []
    for zone in zones.values():
        if not zone.is_declared:
            continue
        reference = "0" if zone.is_master else str(zone.name)
        if reference not in there:
            left_out.append(f"{zone.label} is not in the federation yet; it got no administrators.")
            continue
        group = zone.admin_group
        if group != ONEADMIN:
            groups += [] if any(item.get("name") == group for item in groups) else [{"name": group}]
            kept_out += [] if group in kept_out else [group]
            acls += zone_rules(group, reference, zone.is_master)
        for item in zone.administrators:
            _add_administrator(users, item, group)
    acls = [item for item in acls if _all_there(item, there, left_out)]
    vdcs = [_vdc(item, there, left_out) for item in federation["federation_vdcs"]]
    plain = [_without_secrets(user) for user in users]
    return {
        "groups": [{key: value for key, value in item.items() if key not in ("admins", "purge")} for item in groups],
        "kept_out": kept_out,
        "users": [user for user in plain if not absent(user)],
        "admins": [
            {key: item[key] for key in ("name", "id", "admins", "purge") if key in item}
            for item in groups
            if item.get("admins") is not None
        ],
        "vdcs": _present(vdcs),
        "acls": _present(acls),
        "gone": {
            "acls": [item for item in acls if absent(item)],
            "vdcs": [item for item in vdcs if absent(item)],
            "users": [user for user in plain if absent(user)],
            "groups": [dict(item) for item in federation["federation_groups"] if absent(item)],
        },
        "creates": {
            kind: [str(item["name"]) for item in _present(items) if item.get("name") is not None]
            for kind, items in (("groups", groups), ("users", users), ("vdcs", vdcs))
        },
        "left_out": list(dict.fromkeys(left_out)),
    }


def credentials(federation: Data, zones: Mapping[str, ZoneAdministrators], user: Data) -> dict[str, Any]:
    """The secrets of one of the users that `access_steps` returned, as options of module user."""
    users = _users(federation["federation_users"])
    for zone in zones.values():
        for item in zone.administrators:
            _add_administrator(users, item, zone.admin_group)
    same = [known for known in users if all(known.get(key) == user.get(key) for key in ("name", "id"))]
    found = {key: known[key] for known in same for key in SECRETS if known.get(key) is not None}
    for known in same:
        attributes = secret_attributes(known.get("template") or {})
        if attributes:
            found["template_secrets"] = {**attributes, **(known.get("template_secrets") or {})}
    return found


def _without_secrets(user: Data) -> dict[str, Any]:
    """A user's options but for those that are secrets, and for attributes of the template that hold one."""
    plain = {key: value for key, value in user.items() if key not in SECRETS}
    if plain.get("template"):
        hidden = secret_attributes(plain["template"])
        plain["template"] = {name: value for name, value in plain["template"].items() if name not in hidden}
    return plain


def _present(items: Any) -> list[dict[str, Any]]:
    return [dict(item) for item in items if not absent(item)]


def _users(items: Any) -> list[dict[str, Any]]:
    return [dict(item) for item in items]


def _add_administrator(users: list[dict[str, Any]], item: Any, group: str) -> None:
    """Declare an account, or let a user who is declared or exists enter the group.

    A name without an account means a user whose account another declaration gives, or none here.
    """
    if isinstance(item, Mapping):
        name, more = str(item["name"]), {"group": group}
        if item.get("key") is not None:
            more.update(auth_driver="ssh", password=key_body(str(item["key"])))
        elif item.get("password") is None:
            more["generate_password"] = True  # type: ignore[assignment]
        options = {key: value for key, value in item.items() if key not in ("key", "name")}
    else:
        name, more, options = str(item), {}, {"groups": [group]}
    known = next((user for user in users if str(user.get("name")) == name), None)
    if known is None:
        users.append({"name": name, **options, **more})
        return
    known["groups"] = [*known.get("groups", []), *options.pop("groups", [])]
    known.update({**options, **more})


def _all_there(rule: Data, there: Collection[str], left_out: list[str]) -> bool:
    zones: list[str] = []
    spelled(rule, zones)
    missing = [zone for zone in zones if zone not in there]
    left_out += [f"Zone {zone} is not in the federation yet; no access rule for it was changed." for zone in missing]
    return not missing


def _vdc(item: Data, there: Collection[str], left_out: list[str]) -> dict[str, Any]:
    if absent(item) or not item.get("resources"):
        return dict(item)
    missing = [str(each["zone"]) for each in item["resources"] if str(each["zone"]) not in there]
    left_out += [f"Zone {zone} is not in the federation yet; no VDC got resources of it." for zone in missing]
    return {**item, "resources": [each for each in item["resources"] if str(each["zone"]) not in missing]}
