# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run did and left undone, hosts that were lost on the way included."""

from __future__ import annotations

from typing import Any

from planned import topology

from ansible_collections.onefed.opennebula.plugins.plugin_utils._model.declared import Federation
from ansible_collections.onefed.opennebula.plugins.plugin_utils._model.plain import plain
from ansible_collections.onefed.opennebula.plugins.plugin_utils._plan.planned import Plan, ServersPlan
from ansible_collections.onefed.opennebula.plugins.plugin_utils._plan.planned_links import LinksPlan
from ansible_collections.onefed.opennebula.plugins.plugin_utils._report import report as reports

NO_SERVERS = plain(ServersPlan())
FEDERATION = Federation.from_dict(
    topology(
        "federation",
        {"madrid": ["madrid-1"], "paris": ["paris-1"]},
        {
            "madrid-1": {"zone_role": "master", "zone_endpoint": "http://m/RPC2"},
            "paris-1": {"zone_endpoint": "http://p/RPC2"},
        },
    )
)
NOTHING: dict[str, Any] = {
    **dict.fromkeys(("follows", "leaves", "restarts", "turns"), 0),
    **{"unmanaged": [], "errors": [], "imports": {}, "changed": True, "probe": False},
}
JOURNAL = {"journal": {"directory": "/var/lib/onefed/joins/1-paris"}}


def plan(action: str, **more: Any) -> dict[str, Any]:
    madrid = {"group": "madrid", "host": "madrid-1", "label": "OpenNebula", "endpoint": "http://m/RPC2"}
    paris = {"group": "paris", "host": "paris-1", "label": "paris", "endpoint": "http://p/RPC2"}
    return {
        **NOTHING,
        "left_out": [],
        "prepare": False,
        "access": False,
        "master": {**madrid, "action": "master"},
        "zones": {
            "madrid": {**madrid, "action": "master", "servers": NO_SERVERS},
            "paris": {**paris, "action": action, "servers": NO_SERVERS, "imports": None, **more},
        },
    }


def make_report(made: dict[str, Any], hosts: dict[str, Any], check: bool = False) -> dict[str, Any]:
    """The report of a plan as it comes back from Ansible."""
    shown: dict[str, Any] = plain(reports.make_report(FEDERATION, Plan.from_dict(made), hosts, check))
    return shown


def unhealthy(zone: str, text: str, remedy: str) -> dict[str, Any]:
    return {"zone": zone, "code": "any", "severity": "error", "text": text, "remedy": remedy}


def report(action: str, paris: dict[str, Any], health: Any = None, proof: Any = None, **more: Any) -> dict[str, Any]:
    madrid = {"health": health or {}, "proof": proof or {}}
    return make_report(plan(action, **more), {"madrid-1": madrid, "paris-1": paris})


def test_a_zone_that_joined_is_read_at_its_endpoint_and_its_backups_are_told() -> None:
    made = report("join", {**JOURNAL, "joined": {"changed": True}})
    assert made["undone"] == []
    assert made["readers"] == ["http://p/RPC2"]
    assert made["text"] == ["paris joined. Backups: /var/lib/onefed/joins/1-paris on paris-1."]


def test_a_run_in_check_mode_tells_what_would_be() -> None:
    step = {**NO_SERVERS, "bootstrap_leader": True, "ids": {}, "add_server": ["paris-2", "paris-3"]}
    step["endpoints"] = {host: f"http://{host}/RPC2" for host in step["add_server"]}
    seen = {
        **JOURNAL,
        "joined": {"changed": True, "journal": None},
        "servers": {"servers": [{"name": "OpenNebula"}]},
    }
    hosts: dict[str, dict[str, Any]] = {"madrid-1": {}, "paris-1": seen}
    made = make_report(plan("join", servers=step), hosts, check=True)
    assert (made["undone"], made["text"]) == (
        [],
        ["paris would join.", "paris would have the servers paris-1, paris-2, paris-3."],
    )
    failed = {"failure": "Back up the whole database: it cannot be read"}
    made = make_report(plan("join"), {"madrid-1": {}, "paris-1": failed}, check=True)
    assert made["undone"] == ["paris, paris-1: would not join. Back up the whole database: it cannot be read."]


def test_a_zone_that_was_rolled_back_is_left_undone_with_the_reason() -> None:
    made = report("join", {**JOURNAL, "failure": "Start oned: no", "returned": {"changed": True}})
    assert made["undone"] == [
        "paris, paris-1: did not join and was returned to what it was. Start oned: no. "
        "Backups: /var/lib/onefed/joins/1-paris on paris-1."
    ]
    assert made["readers"] == []


def test_access_policies_that_were_not_applied_are_left_undone() -> None:
    def undone(**seen: Any) -> Any:
        hosts: dict[str, Any] = {"madrid-1": {}, "paris-1": seen}
        return make_report({**plan("outside"), "access": True}, hosts)["undone"]

    assert undone(access={"failure": "", "left_out": []}) == []
    assert undone(access={"failure": "", "left_out": ["lyon is not there."]}) == ["lyon is not there."]
    assert undone(access={"failure": "Make users: no.", "left_out": []}) == [
        "Administrators and access: Make users: no. Run again."
    ]
    assert undone() == ["Administrators and access: not applied; the run did not get there. Run again."]


def test_a_lost_host_is_named_though_it_registered_nothing() -> None:
    made = report("join", {"joined": {"unreachable": True, "msg": "lost"}})
    assert "paris, paris-1: did not join; the next run repairs it." in made["undone"][0]


def test_rules_that_were_not_made_are_left_undone() -> None:
    def undone(**seen: Any) -> Any:
        made = {**plan("outside"), "firewall": {"altered": ["paris-1"]}}
        return make_report(made, {"madrid-1": {}, "paris-1": seen})["undone"]

    assert undone(firewall="done") == []
    assert undone(firewall="done", firewall_failure="Load the rules: no.") == [
        "paris-1: its firewall is not as declared. Load the rules: no. Run again."
    ]
    assert undone() == [
        "paris-1: its firewall is not as declared. The host was lost, or the run could not finish. Run again."
    ]


def test_a_declaration_that_was_not_applied_is_left_undone() -> None:
    failed = report("converge", {"failure": "Repair the database: the disk is full."})["undone"]
    assert failed == ["paris, paris-1: was not made as declared. Repair the database: the disk is full. Run again."]
    assert report("converge", {"converged": {"changed": True}})["undone"] == []


def test_a_marker_that_did_not_arrive_and_an_unhealthy_zone_are_left_undone() -> None:
    problems = [
        unhealthy("paris", "Its log is empty.", "Resync it."),
        {**unhealthy("paris", "x", "y"), "severity": "warning"},
        {**unhealthy("rome", "No such zone.", "Let it join."), "code": "zone_missing"},
    ]
    health = {"federation": {"problems": problems}, "text": ["table"]}
    made = report("join", {"joined": {"changed": True}}, health, {"msg": "not at paris"})
    assert made["undone"] == ["Replication was not proved: not at paris", "paris: Its log is empty. Resync it. [any]"]
    assert made["text"][0] == "table"
    assert report("member", {}, {}, {"msg": "x", "skipped": True}, reachable=True)["undone"] == []


def test_a_federation_that_could_not_be_checked_is_left_undone_with_the_reason() -> None:
    made = report("join", {"joined": {"changed": True}}, health={"msg": "the connection was refused"})
    assert made["undone"] == ["The health of the federation could not be checked: the connection was refused"]
    assert report("join", {"joined": {"changed": True}}, health={"skipped": True, "msg": "x"})["undone"] == []


def test_services_that_do_not_run_again_are_told_once_and_keep_nothing_undone() -> None:
    flow, runs = (
        {"unit": "opennebula-flow", "error": "The service opennebula-flow ended."},
        {"unit": "x", "error": None},
    )
    hem = {"unit": "opennebula-hem", "error": "The service opennebula-hem ended."}
    hosts: dict[str, dict[str, Any]] = {
        "madrid-1": {"restarted": {"services": [hem], "drivers_ended": ["one_tm.rb"]}},
        "paris-1": {"joined": {"services": [runs, flow]}},
    }
    made = make_report(plan("join"), hosts)
    assert made["text"] == [
        "paris joined.",
        "Warnings:",
        "madrid-1: oned hung at its end; its drivers were ended: one_tm.rb.",
        "madrid-1: The service opennebula-hem ended.",
        "paris-1: The service opennebula-flow ended.",
    ]
    assert made["undone"] == []


def test_databases_are_found_by_zone_name_and_the_newest_description_counts() -> None:
    records = [{"name": "OpenNebula", "endpoint": "http://m/RPC2"}]
    old, new = {"zones": records, "n": 1}, {"zones": records, "n": 2}
    hosts: dict[str, dict[str, Any]] = {
        "madrid-1": {"facts": {"frontend": {"database": old}}, "database": {"database": new}},
        "paris-1": {"facts": {"frontend": {"database": {"error": "gone"}}}},
    }
    assert reports.newest_descriptions(FEDERATION, hosts) == {"OpenNebula": {"madrid-1": new}}


def test_servers_that_were_added_are_told_and_read() -> None:
    step = {**NO_SERVERS, "add_server": ["paris-2"], "endpoints": {"paris-2": "http://p2/RPC2"}}
    grown = {"servers": [{"name": "paris-1"}, {"name": "paris-2"}]}
    made = report("join", {"joined": {"changed": True}, "servers": grown}, servers=step)
    assert made["readers"] == ["http://p/RPC2", "http://p2/RPC2"]
    assert made["text"] == ["paris joined.", "paris has the servers paris-1, paris-2."]


def test_servers_that_could_not_be_added_are_left_undone_with_the_reason() -> None:
    step = {**NO_SERVERS, "add_server": ["paris-2"], "endpoints": {"paris-2": "http://p2/RPC2"}}
    made = report("member", {"failure": "paris-2: Restore: no."}, servers=step, reachable=True)
    assert made["undone"] == [
        "paris, paris-1: its servers are not as declared; the next run goes on. paris-2: Restore: no."
    ]
    assert made["readers"] == ["http://p/RPC2"]


def test_a_run_on_a_federation_that_is_not_healthy_has_left_something_undone() -> None:
    health = {"federation": {"problems": [unhealthy("paris", "Nobody has 192.0.2.30.", "See the hook.")]}}
    grown = {"servers": {"servers": [{"name": "paris-1"}]}}
    step = {**NO_SERVERS, "start": ["paris-2"]}
    made = report("member", grown, health, servers=step, reachable=True)
    told = ["paris: Nobody has 192.0.2.30. See the hook. [any]"]
    assert made["undone"] == told
    assert report("member", {}, health, reachable=True)["undone"] == told


def test_files_of_its_leader_that_a_server_was_not_given_are_told() -> None:
    step = {**NO_SERVERS, "add_server": ["paris-2"], "endpoints": {"paris-2": "http://p2/RPC2"}}
    lacking = [
        {"path": "remotes/out", "reason": "it is a link out of its folder, to /x"},
        {"path": "etc/ssl", "reason": "no such file or folder of a service is here"},
        {"path": "etc/tls.pem", "reason": "no such file or folder of a service is here"},
    ]
    seen = {"servers": {"servers": [{"name": "paris-2"}]}, "lacking": {"paris-2": lacking}}
    made = report("member", seen, servers=step, reachable=True)
    assert made["text"] == [
        "paris has the servers paris-2.",
        "Warnings:",
        "paris-2 is not given all files of its leader: remotes/out (it is a link out of its folder, to /x). "
        "Copy to it what it needs.",
        "paris-2 is not given all files of its leader: etc/ssl, etc/tls.pem (no such file or folder of a service is "
        "here). Copy to it what it needs.",
    ]
    assert made["undone"] == []


def linked(paris: dict[str, Any], madrid: dict[str, Any], **links: Any) -> list[str]:
    """What is left undone of a plan with these `links`."""
    made = {**plan("converge"), "links": {**plain(LinksPlan()), **links}}
    undone: list[str] = make_report(made, {"madrid-1": madrid, "paris-1": paris})["undone"]
    return undone


def test_a_plain_port_that_stays_open_is_left_undone() -> None:
    closing = [{"host": "madrid-1", "server_id": -1, "attributes": {"LISTEN_ADDRESS": "127.0.0.1"}}]
    converged = {"converged": {"changed": True}}
    assert linked(converged, {"closed": {"changed": True}}, closing=closing) == []
    assert linked(converged, {"not_closed": "paris may still call it without TLS."}, closing=closing) == [
        "madrid-1: its plain port stays open. paris may still call it without TLS. Run again."
    ]


def test_a_proxy_that_could_not_be_renewed_is_left_undone_and_keeps_nobody_out() -> None:
    assert linked({"converged": {"changed": True}, "links_failure": "No certificate."}, {}) == [
        "paris-1: its TLS proxy is not as declared. No certificate. Run again."
    ]


def test_a_zone_that_is_left_out_for_its_links_is_told_once() -> None:
    failure = "paris-1 has no TLS proxy: Port 2643 is taken."
    seen = {"links_failure": "Port 2643 is taken.", "failure": failure}
    assert linked(seen, {}, new=["paris-1"]) == [f"paris, paris-1: was not made as declared. {failure} Run again."]


def test_a_master_without_links_is_not_ready_even_if_nothing_else_was_to_be_done_there() -> None:
    [told] = linked({"converged": {"changed": True}}, {"not_ready": "madrid-1 has no TLS proxy: It was lost."})
    assert told == "madrid-1: the master could not be made ready. madrid-1 has no TLS proxy: It was lost."
