# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Limits of users and groups in one zone: OpenNebula's documents and templates, and a readable form of both.

Limits are plain data by kind, key and metric, only what differs from "as the defaults say"::

    {"vm": {"": {"VMS": "3"}}, "clusters": {"0,100": {"CPU": "4"}}, "datastores": {"1": {"SIZE": "1000"}}}

In `vm` the key is empty; in `clusters` (not in OpenNebula 6.10) it holds ids of clusters, rising and with commas; in
`datastores`, `networks` and `images` it is an id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable
from xml.etree import ElementTree

from .._api.documents import DocumentError
from .._api.template import render
from .._errors import OnefedError, quoted

Limits = dict[str, dict[str, dict[str, str]]]

# A limit of -1 is the zone's default; -2 is none at all.
DEFAULT, UNLIMITED = "-1", "-2"
_ATTRIBUTE = {"vm": "VM", "clusters": "VM", "datastores": "DATASTORE", "networks": "NETWORK", "images": "IMAGE"}
KINDS = tuple(_ATTRIBUTE)
# Options of the modules user and group; their documentation is the fragment quotas.
OPTIONS: dict[str, Any] = {
    "quotas": {"type": "dict", "options": {kind: {"type": "dict"} for kind in KINDS}},
    "quotas_mode": {"type": "str", "choices": ["merge", "replace"], "default": "merge"},
}
_KEYS = ("ID", "CLUSTER_IDS")
_USED = "_USED"


def limits_of(element: ElementTree.Element, implicit: str = DEFAULT) -> Limits:
    """The limits in a USER, GROUP, QUOTAS, DEFAULT_USER_QUOTAS or DEFAULT_GROUP_QUOTAS element.

    `implicit` is what an unset limit reads as: DEFAULT, and UNLIMITED in the two elements of defaults.
    """
    limits: Limits = {}
    for attribute in ("VM", "DATASTORE", "NETWORK", "IMAGE"):
        for entry in element.iterfind(f"{attribute}_QUOTA/{attribute}"):
            values = {child.tag: (child.text or "").strip() for child in entry}
            clusters = values.get("CLUSTER_IDS", "")
            kind = "clusters" if clusters else next(kind for kind in KINDS if _ATTRIBUTE[kind] == attribute)
            # Quotas of clusters have no defaults to fall back to.
            unset = (DEFAULT, UNLIMITED) if clusters else (implicit,)
            found = {
                name: _read(name, value)
                for name, value in sorted(values.items())
                if name not in _KEYS and not name.endswith(_USED) and _read(name, value) not in unset
            }
            if found:
                limits.setdefault(kind, {})[clusters or values.get("ID", "")] = found
    return limits


def _read(name: str, value: str) -> str:
    try:
        return _canonical(value)
    except (ValueError, OverflowError):
        raise DocumentError(f"the limit {name} is {quoted(value)!r} rather than a number") from None


def wanted_limits(quotas: Mapping[str, Any], resolve: Callable[[str, str], int]) -> Limits:
    """The limits that a module's option `quotas` declares, entries without any limit included.

    `resolve` gives the id of a "cluster", "datastore", "network" or "image" by name or id.
    Raises OnefedError for what is no limit.
    """
    limits: Limits = {}
    for kind, entries in quotas.items():
        if kind not in KINDS:
            raise OnefedError(f'There are no quotas of "{kind}"; there are {", ".join(KINDS)}.')
        if entries is None:
            continue
        for given, metrics in ({"": entries} if kind == "vm" else entries).items():
            key = _key(kind, str(given), resolve)
            if key in limits.setdefault(kind, {}):
                raise OnefedError(f'The quota of {kind} "{given}" is given twice, once under another name.')
            limits[kind][key] = _metrics(f"{kind} {given}".strip(), metrics)
    return limits


def merged_limits(current: Limits, wanted: Limits, replace: bool) -> Limits:
    """The limits `current` after `wanted_limits` were set.

    Single limits that are not wanted stay, or with `replace` go back to the default.
    """
    merged: Limits = {}
    for kind in KINDS:
        entries: dict[str, dict[str, str]] = {} if replace else dict(current.get(kind, {}))
        for key, metrics in wanted.get(kind, {}).items():
            entries[key] = {**entries.get(key, {}), **metrics}
        unset = (DEFAULT, UNLIMITED) if kind == "clusters" else (DEFAULT,)
        cleaned = {
            key: {name: value for name, value in sorted(metrics.items()) if value not in unset}
            for key, metrics in entries.items()
        }
        kept = {key: metrics for key, metrics in sorted(cleaned.items()) if metrics}
        if kept:
            merged[kind] = kept
    return merged


def quota_text(before: Limits, after: Limits, implicit: str = DEFAULT) -> str:
    """The template for user.quota, group.quota or (with UNLIMITED) the default quotas that turns one into the other.

    Empty when they are equal. An entry is sent whole, since OpenNebula resets every limit of it that is not named.
    """
    attributes: dict[str, list[dict[str, str]]] = {}
    for kind in KINDS:
        old, new = before.get(kind, {}), after.get(kind, {})
        for key in sorted({*old, *new}):
            if old.get(key) == new.get(key):
                continue
            metrics = {**{name: implicit for name in old.get(key, {})}, **new.get(key, {})}
            attributes.setdefault(_ATTRIBUTE[kind], []).append(
                {**_identity(kind, key), **dict(sorted(metrics.items()))}
            )
    return render(attributes)


def shown(limits: Limits) -> dict[str, Any]:
    """Limits in the shape of a module's option `quotas`: metrics in lower case, numbers, `vm` without a key."""
    result: dict[str, Any] = {}
    for kind, entries in limits.items():
        readable = {
            key: {name.lower(): _number(value) for name, value in metrics.items()} for key, metrics in entries.items()
        }
        result[kind] = readable.get("", {}) if kind == "vm" else readable
    return result


def _identity(kind: str, key: str) -> dict[str, str]:
    if kind == "vm":
        return {}
    return {"CLUSTER_IDS" if kind == "clusters" else "ID": key}


def _key(kind: str, given: str, resolve: Callable[[str, str], int]) -> str:
    if kind == "vm":
        return ""
    if kind == "clusters":
        return ",".join(map(str, sorted({resolve("cluster", item.strip()) for item in given.split(",")})))
    return str(resolve(kind[:-1], given))


def _metrics(what: str, metrics: Any) -> dict[str, str]:
    if not isinstance(metrics, Mapping):
        raise OnefedError(f"The quota of {what} is not a dictionary of limits, such as {{vms: 10, cpu: 4}}.")
    limits = {}
    for name, value in metrics.items():
        try:
            if isinstance(value, bool):
                raise ValueError
            limits[str(name).upper()] = _canonical(str(value))
            if float(value) < 0 and limits[str(name).upper()] not in (DEFAULT, UNLIMITED):
                raise ValueError
        except (ValueError, OverflowError):
            raise OnefedError(
                f"The limit {name} of the quota of {what} is {value!r}. Give a number that is not negative, -1 for the "
                "zone's default, or -2 for no limit."
            ) from None
    return limits


def _canonical(text: str) -> str:
    """A number as text, the same for the same number: OpenNebula writes 4 where 4.00 was given."""
    return str(_number(text))


def _number(text: str) -> float:
    value = float(text)
    return int(value) if value == int(value) else value
