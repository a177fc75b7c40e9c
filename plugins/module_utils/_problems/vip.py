# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Rules about the floating address of a zone: who has it, and whether Raft's hooks can move it."""

from __future__ import annotations

from .problem import ERROR, Rule

TRY_HOOK = "run vip.sh as oneadmin to see why: Raft's hooks succeed even when they could not set or remove the address"

ADDRESS_DOUBLED = Rule(
    "address_doubled",
    ERROR,
    "A server that no longer leads kept the address, since its hook failed.",
    "Several hosts have the floating address {address}: {hosts}. Calls reach one or another.",
    f"Remove it (ip address del) from every host but the zone's leader. On those hosts, {TRY_HOOK}.",
)
ADDRESS_MISSING = Rule(
    "address_missing",
    ERROR,
    "A server leads the zone, and its hook did not set the address.",
    "None of its hosts has the floating address {address}: the zone cannot be reached by it.",
    f"On the zone's leader, {TRY_HOOK}. It needs ip and arping, and sudo for them.",
)
ADDRESS_UNLED = Rule(
    "address_unled",
    ERROR,
    "Nobody leads the zone, so that no hook sets the address.",
    ADDRESS_MISSING.text,
    "Start its servers: the one that leads sets it.",
)
ADDRESS_ASTRAY = Rule(
    "address_astray",
    ERROR,
    "After an election the new leader's hook did not set the address, or the old one's did not remove it.",
    "It leads the zone, but {host} has the floating address {address}: a follower passes calls on, but what watches "
    "the address takes that host for the leader.",
    f"Wait some seconds: it moves after an election. If it stays, on both hosts {TRY_HOOK}.",
)
ADDRESSES_UNKNOWN = Rule(
    "addresses_unknown",
    ERROR,
    "The addresses of a host could not be read, so it is not known whether the floating address fits there.",
    "The addresses of {host} are unknown: {detail}",
    "Correct this and run again.",
)
VIP_INTERFACE_MISSING = Rule(
    "vip_interface_missing",
    ERROR,
    "oned.conf names one interface for the floating address, and all servers of a zone have the same oned.conf.",
    "{host} has no interface {interface} with an address; it has {interfaces}.",
    "Correct zone_vip_interface: the servers of a zone share one oned.conf, so it is the same on all.",
)
VIP_OUTSIDE_NETWORK = Rule(
    "vip_outside_network",
    ERROR,
    "Nobody would find the address on that interface.",
    "The floating address {address} does not lie in the network of {interface} on {host} ({networks}).",
    "Correct zone_vip or zone_vip_interface.",
)
VIP_PREFIX_TOO_WIDE = Rule(
    "vip_prefix_too_wide",
    ERROR,
    "With a shorter prefix than its network has, the host would look for others' machines on its own link.",
    "The floating address {address} claims more than the network of {interface} on {host} ({networks}).",
    "Write zone_vip: {fitting}.",
)
VIP_IS_A_HOSTS = Rule(
    "vip_is_a_hosts",
    ERROR,
    "The floating address is set on a host or an interface where no server of the zone would hold it.",
    "{host} has {address} as an address of its own, on {interfaces}.",
    "A floating address must be free: choose another zone_vip, or take it off that host.",
)
VIP_IN_USE = Rule(
    "vip_in_use",
    ERROR,
    "A machine that is no server of the zone answers for the address.",
    "The floating address {address} is in use: {machines} answers for it.",
    "Choose a free zone_vip, or take the address off that machine.",
)
HOOKS_UNKNOWN = Rule(
    "hooks_unknown",
    ERROR,
    "What the hooks need could not be looked at.",
    "It is not known whether its hooks can move the floating address: {detail}",
    "Correct this and run again.",
)
HOOK_MISSING = Rule(
    "hook_missing",
    ERROR,
    "Raft calls OpenNebula's vip.sh to move the address, and oned's account cannot run it.",
    "There is no hook {path} that {user} may run.",
    "Restore OpenNebula's own file, executable for {user}.",
)
HOOK_TOOL_MISSING = Rule(
    "hook_tool_missing",
    ERROR,
    "vip.sh calls programs of other packages, and ends with success without them.",
    "The hook {hook} needs the program {tool}, which {user} does not find.",
    "{how_to_install_it}",
    advice="Install the package that has the program; the message names it.",
)
HOOK_OTHER_ARPING = Rule(
    "hook_other_arping",
    ERROR,
    "Two programs have that name, and only one knows the options that vip.sh gives it.",
    "The program arping is not that of iputils, whose options vip.sh uses.",
    "Install iputils-arping (Debian, Ubuntu) or iputils (RHEL); Debian's package arping is another program.",
)
HOOK_RIGHTS = Rule(
    "hook_rights",
    ERROR,
    "vip.sh changes addresses with sudo, and oned's account may not.",
    "{user} may not run with sudo and without a password: {commands}.",
    "Give it the rights of OpenNebula's package (Cmnd_Alias ONE_HA): a file below /etc/sudoers.d with '{user} "
    "ALL=(ALL) NOPASSWD: ONE_HA'.",
)
HOOK_CAPABILITY = Rule(
    "hook_capability",
    ERROR,
    "A container gets the right to change addresses only when it is started with it.",
    "This host is a container without CAP_NET_ADMIN: not even root may change its addresses.",
    "Start the container with that capability, or use a load balancer and zone_endpoint.",
)
HOOK_NO_NEW_PRIVILEGES = Rule(
    "hook_no_new_privileges",
    ERROR,
    "systemd keeps oned, and the hooks it starts, from sudo.",
    "The unit {unit} has NoNewPrivileges=yes, with which sudo does not work.",
    "Remove NoNewPrivileges from the unit of oned, or let this zone have a load balancer instead of a floating "
    "address.",
)
HOOK_BOUNDED = Rule(
    "hook_bounded",
    ERROR,
    "systemd keeps oned, and the hooks it starts, from changing addresses.",
    "The unit {unit} has a CapabilityBoundingSet without CAP_NET_ADMIN.",
    "Remove CapabilityBoundingSet from the unit of oned, or let this zone have a load balancer instead of a floating "
    "address.",
)
