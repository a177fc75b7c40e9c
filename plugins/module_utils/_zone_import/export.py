# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""A zone's identities, and the owners of its objects, as one readable document.

The document knows users, groups, VDCs, zones, marketplaces and apps by name, because their ids change when the zone
joins a federation; clusters, hosts, machines and the like by id, because theirs do not. All of it but `source` is the
same for two zones that have the same identities::

    format: 1
    source: {zone: {id, name}, mode, version, ids: {users, groups, vdcs, marketplaces},
             encrypted: [name], notes: [text]}                           # attributes of users, see encrypted
    default_quotas: {users, groups}                                  # quotas as _quotas.shown gives them
    groups: [{name, builtin?, admins, template, quotas, vlans}]
    users: [{name, builtin?, driver, password, enabled, group, groups, template, quotas}]
    vdcs: [{name, builtin?, groups, template, clusters, hosts, datastores, vnets}]  # resources: [{zone, id}]
    acls: [...]                                                      # rules
    withdrawn: [...]           # rules that VDCs and administrators bring with them, and that the zone has not
    marketplaces: [...]                                              # markets
    objects: {kind: [...]}                                           # objects

`builtin` is the id of what every OpenNebula has; its template, driver and password are nobody's to import.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from .._api.client import Client
from .._api.documents import attributes_of, config_from_xml, number, parse_xml, vector, version_of, zones_from_xml
from .._api.raft import identity_of
from .._errors import OnefedError
from .._resources.acl import Rule
from .._resources.documents import (
    RESOURCES,
    groups_from_xml,
    rules_from_xml,
    user_from_xml,
    users_from_xml,
    vdcs_from_xml,
)
from .._resources.quotas import UNLIMITED, Limits, limits_of, shown
from .._resources.user import ONEADMIN
from .._resources.vdc import ALL
from .encrypted import encrypted_names
from .markets import (
    app_name,
    apps_from_xml,
    markets_from_xml,
    own_markets,
)
from .objects import (
    EVERYTHING,
    KINDS,
    POOL_TIMEOUT,
    described,
    read_objects,
)
from .rules import (
    OWN,
    by_name,
    derived_rules,
    withdrawn_rules,
)

FORMAT = 1
# oneadmin and serveradmin; the groups oneadmin and users; the VDC default.
BUILTIN = {"users": (0, 1), "groups": (0, 1), "vdcs": (0,)}


def read_shared(client: Client) -> dict[str, Any]:
    """What all zones share, as the oned asked has it, and the limits of its own zone.

    {config, version, mode, zone_id, zones, users, groups, vdcs, rules, markets, apps}: lists in the shapes of
    _identities, _api.zones_from_xml and _export_markets; groups have `vlans` besides. Raises ApiError, ApiUnreachable.
    """
    patient = client.at(client.url, max(client.timeout, POOL_TIMEOUT))
    config = patient.read(config_from_xml, "one.system.config")
    federation = vector(config, "FEDERATION")
    return {
        "config": config,
        "version": patient.read(version_of, "one.system.version"),
        "mode": federation.get("MODE", "STANDALONE").strip().upper(),
        "zone_id": identity_of(federation).zone_id,
        "zones": patient.read(zones_from_xml, "one.zonepool.info"),
        "users": patient.read(users_from_xml, "one.userpool.info"),
        "groups": patient.read(_groups, "one.grouppool.info"),
        "vdcs": patient.read(vdcs_from_xml, "one.vdcpool.info"),
        "rules": patient.read(rules_from_xml, "one.acl.info"),
        "markets": patient.read(markets_from_xml, "one.marketpool.info"),
        "apps": patient.read(apps_from_xml, "one.marketapppool.info", *EVERYTHING),
    }


def _groups(xml: str) -> list[dict[str, Any]]:
    vlans = _vlans(xml)
    return [{**group, "vlans": vlans.get(group["id"], [])} for group in groups_from_xml(xml)]


def _vlans(xml: str) -> dict[int, list[Any]]:
    """What OpenNebula 7.4 and newer let a group do with VLANs, by the group's id; local to a zone as quotas are."""
    found = {}
    for element in parse_xml(xml, "the groups").iterfind("VLAN_RULES"):
        rules = attributes_of(element).get("VLAN", [])
        found[number(element, "ID")] = rules if isinstance(rules, list) else [rules]
    return found


def _default_limits(xml: str) -> Limits:
    return limits_of(parse_xml(xml, "the default quotas"), UNLIMITED)


def read_default_quotas(client: Client) -> dict[str, Limits]:
    """The zone's default quotas of users and of groups."""
    return {f"{kind}s": client.read(_default_limits, f"one.{kind}quota.info") for kind in ("user", "group")}


def export(client: Client) -> dict[str, Any]:
    """The document of the zone that `client` talks to, as oneadmin. It holds secrets.

    Raises OnefedError when the caller is not oneadmin: no other user sees everything.
    """
    shared = read_shared(client)
    if client.read(user_from_xml, "one.user.info", -1, False)["id"] != ONEADMIN:
        raise OnefedError(
            f"The user who exports the zone at {client.url} is not oneadmin (user 0); no other user sees everything. "
            "Run the module on a front-end without api_username, or give oneadmin's name and password."
        )
    names = _names(shared)
    notes: list[str] = []
    derived = derived_rules(shared["vdcs"], shared["groups"], shared["config"])
    withdrawn = withdrawn_rules(derived, {Rule.of(row) for row in shared["rules"]})
    acls, gone = by_name((row for row in shared["rules"] if Rule.of(row) not in derived), names, shared["zone_id"])
    if gone:
        notes.append(f"{gone} access rules name what no longer exists; they are left out.")
    users = _readable(client, shared)
    return {
        "format": FORMAT,
        "source": {
            "zone": {"id": shared["zone_id"], "name": names["zones"].get(shared["zone_id"], "")},
            "mode": shared["mode"].lower(),
            "version": client.call("one.system.version"),
            "ids": {
                kind: {name: oid for oid, name in names[kind].items()}
                for kind in ("users", "groups", "vdcs", "marketplaces")
            },
            "encrypted": encrypted_names(shared["config"]),
            "notes": notes,
        },
        "default_quotas": {kind: shown(limits) for kind, limits in read_default_quotas(client).items()},
        "groups": [_group(group, names) for group in _sorted(shared["groups"])],
        "users": [_user(user, names) for user in _sorted(users)],
        "vdcs": [_vdc(vdc, names, shared["zone_id"]) for vdc in _sorted(shared["vdcs"])],
        "acls": acls,
        "withdrawn": by_name(map(asdict, withdrawn), names, shared["zone_id"])[0],
        "marketplaces": own_markets(
            shared["markets"], shared["apps"], shared["zone_id"], names["users"], names["groups"]
        ),
        "objects": {
            kind.name: described(read_objects(client, kind), names["users"], names["groups"]) for kind in KINDS
        },
    }


def counts(document: Mapping[str, Any]) -> dict[str, int]:
    """How much of everything a document has."""
    kinds = ("users", "groups", "vdcs", "acls", "marketplaces")
    objects = {kind: len(items) for kind, items in document["objects"].items()}
    return {**{kind: len(document[kind]) for kind in kinds}, **objects}


def _names(shared: Mapping[str, Any]) -> dict[str, dict[int, str]]:
    pools = {"marketplaces": "markets"}
    names = {
        kind: {item["id"]: item["name"] for item in shared[pools.get(kind, kind)]}
        for kind in ("users", "groups", "vdcs", "zones", "marketplaces")
    }
    names["apps"] = {
        app["id"]: app_name(
            names["marketplaces"].get(app["market_id"], ""), names["users"].get(app["uid"], ""), app["name"]
        )
        for app in shared["apps"]
    }
    return names


def _sorted(items: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(items, key=lambda item: item["name"])


def _readable(client: Client, shared: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The users; those with encrypted attributes are asked for one by one, because pools show them encrypted."""
    names = {name.partition("/")[0] for name in encrypted_names(shared["config"])}
    return [
        {**user, "template": client.read(user_from_xml, "one.user.info", user["id"], True)["template"]}
        if names & set(user["template"])
        else user
        for user in shared["users"]
    ]


def _group(group: Mapping[str, Any], names: Mapping[str, Mapping[int, str]]) -> dict[str, Any]:
    more = {"builtin": group["id"]} if group["id"] in BUILTIN["groups"] else {"template": group["template"]}
    return {
        "name": group["name"],
        **more,
        "admins": sorted(names["users"][uid] for uid in group["admin_ids"] if uid in names["users"]),
        "quotas": shown(group["limits"]),
        "vlans": group["vlans"],
    }


def _user(user: Mapping[str, Any], names: Mapping[str, Mapping[int, str]]) -> dict[str, Any]:
    if user["id"] in BUILTIN["users"]:
        login: dict[str, Any] = {"builtin": user["id"]}
    else:
        login = {key: user[key] for key in ("driver", "password", "enabled", "template")}
    secondary = [gid for gid in user["group_ids"] if gid != user["group_id"]]
    return {
        "name": user["name"],
        **login,
        "group": names["groups"].get(user["group_id"], user["group"]),
        "groups": sorted(names["groups"][gid] for gid in secondary if gid in names["groups"]),
        "quotas": shown(user["limits"]),
    }


def _vdc(vdc: Mapping[str, Any], names: Mapping[str, Mapping[int, str]], own_zone: int) -> dict[str, Any]:
    more = {"builtin": vdc["id"]} if vdc["id"] in BUILTIN["vdcs"] else {"template": vdc["template"]}
    resources = {
        kind: [
            {"zone": OWN if zone == own_zone else f"#{names['zones'][zone]}", "id": "all" if oid == ALL else oid}
            for zone, oid in vdc["resources"][kind]
            if zone in names["zones"]
        ]
        for kind in RESOURCES
    }
    groups = sorted(names["groups"][gid] for gid in vdc["group_ids"] if gid in names["groups"])
    return {"name": vdc["name"], **more, "groups": groups, **resources}
