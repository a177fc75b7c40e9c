# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Rules about endpoints, and who reaches whom at them."""

from __future__ import annotations

from .problem import ERROR, WARNING, Rule

PATH_REFUSED = Rule(
    "path_refused",
    ERROR,
    "oned runs, yet nothing listens at the zone's endpoint: another port, another address, or a firewall that rejects.",
    "{source} is refused at {endpoint} ({zone}) although oned of {zone} runs.",
    "Let oned of {zone} listen there (oned_listen_address, oned_port), or correct zone_endpoint.{firewall}",
)
PATH_TIMEOUT = Rule(
    "path_timeout",
    ERROR,
    "A firewall on the way drops the packets, or the machine is down.",
    "{source} gets no answer from {endpoint} ({zone}): {detail}.",
    "{how_to_open_the_port}",
    advice="Open the port. The message has the command for the firewall that is active on the host that is called.",
)
PATH_NO_ROUTE = Rule(
    "path_no_route",
    ERROR,
    "The network knows no route, or a firewall says so.",
    "{source} does not get through to {endpoint} ({zone}): {detail}.",
    "{how_to_open_the_port}",
    advice="Correct the route, or open the port. The message has the command for the firewall that is active there.",
)
PATH_UNUSABLE = Rule(
    "path_unusable",
    ERROR,
    "The endpoint leads to something that is not OpenNebula's API, has a certificate that is not trusted, or a name "
    "that does not resolve.",
    "{source} cannot use {endpoint} ({zone}): {detail}.",
    "Correct zone_endpoint, the certificate there, or name resolution on {source}.",
)
SERVER_PATH_REFUSED = Rule(
    "server_path_refused",
    ERROR,
    "Servers of a zone elect their leader by calling each other. oned runs there, but does not listen at that "
    "endpoint.",
    "{source} does not get through to {server} of its zone at {endpoint} ({detail}): servers of a zone elect their "
    "leader by calling each other.",
    "Let oned listen there (oned_listen_address, oned_port, oned_address), or open the path. {how_to_open_the_port}",
)
SERVER_PATH_CLOSED = Rule(
    "server_path_closed",
    ERROR,
    "Servers of a zone elect their leader by calling each other, and something between these two does not let them.",
    SERVER_PATH_REFUSED.text,
    "{how_to_open_the_port}",
    advice="Open the port. The message has the command for the firewall that is active on the server that is called.",
)
LOOPBACK_LISTENER = Rule(
    "loopback_listener",
    ERROR,
    "LISTEN_ADDRESS lets oned take connections of its own machine only; other zones would never reach it.",
    "The API listens on {address} only, the zone's endpoint is {endpoint}.",
    "Set oned_listen_address, for example to 0.0.0.0.",
)
SERVER_LOOPBACK_LISTENER = Rule(
    "server_loopback_listener",
    ERROR,
    "A server keeps its own LISTEN_ADDRESS, and this one takes connections of its own machine only.",
    "By its oned.conf its API listens on {address} only, where no other server finds it.",
    'Write LISTEN_ADDRESS = "0.0.0.0" into it.',
)
SERVER_PORT_DIFFERS = Rule(
    "server_port_differs",
    ERROR,
    "A server keeps its own PORT, and the endpoint at which the others call it has another.",
    "By its oned.conf its API has port {port}, its endpoint in the zone is {endpoint}.",
    "Set oned_port of this host to the port in its oned.conf, or correct that.",
)
PUBLIC_WITHOUT_TLS = Rule(
    "public_without_tls",
    WARNING,
    "Every call of the API carries a name and a password. Without TLS they cross the Internet in clear text.",
    "Its endpoint {endpoint} is a public address without TLS: every call carries a password in clear.",
    "Set federation_tls: true and run playbook federate; or put a TLS proxy of your own before oned and set "
    "zone_endpoint: https://…/RPC2.",
)
CERTIFICATE_ENDS = Rule(
    "certificate_ends",
    WARNING,
    "Nobody renewed the certificate of the server's TLS proxy. Other zones refuse it from its end on: replication to "
    "the zone and its writes stop.",
    "Its certificate at {endpoint} ends on {not_after}, in {days} days.",
    "Renew it: module certificate for one of the private authority, else whoever issued it; then reload the TLS proxy.",
)
PLAIN_ENDPOINT_LEFT = Rule(
    "plain_endpoint_left",
    WARNING,
    "Other zones have endpoints with TLS, and this one was left out. Calls to it carry oneadmin's name and password.",
    "Its endpoint {endpoint} is plain, while other zones of the federation have TLS: calls to it carry a password in "
    "clear.",
    "Set federation_tls: true and run playbook federate; or put a TLS proxy of your own before oned and set "
    "zone_endpoint: https://…/RPC2.",
)
PLAIN_PORT_STAYS = Rule(
    "plain_port_stays",
    WARNING,
    "Zones that a run could not change call the master without TLS. Its plain port stays open for them, so what they "
    "send crosses the network in clear.",
    "Its plain port stays open: {zones} may still call it without TLS.",
    "Make these zones reachable, or set MASTER_ONED in their oned.conf by hand and restart oned there. Then run "
    "playbook federate again.",
)
PROXY_STAYS = Rule(
    "proxy_stays",
    WARNING,
    "Zones that a run could not change call the master with TLS. Its proxy stays for them.",
    "Its TLS proxy stays: {zones} may still call it with TLS.",
    "Make these zones reachable, or set MASTER_ONED in their oned.conf by hand and restart oned there. Then run "
    "playbook federate again.",
)
PORT_OPEN = Rule(
    "port_open",
    WARNING,
    "oned listens for other hosts, so that it can be called past its TLS proxy: whoever does so sends a password in "
    "clear, and nobody's certificate is checked.",
    "Its endpoint {endpoint} has TLS, and on the same host oned answers other hosts without it, at port {ports}. "
    "Reached from {askers}.",
    "Set LISTEN_ADDRESS, and from 7.2 on GRPC_LISTEN_ADDRESS, in oned.conf to 127.0.0.1 and restart oned; or close the "
    "port with role firewall.",
)
FIREWALL_DIFFERS = Rule(
    "firewall_differs",
    WARNING,
    "The inventory changed since the last run, or a run was limited to other zones or interrupted; or somebody changed "
    "the rules of nftables on the host.",
    "Its firewall is not as federation_firewall says: {fault}.",
    "Run playbook federate, without a limit.",
)
FIREWALL_STRANGER = Rule(
    "firewall_stranger",
    WARNING,
    "Rules need addresses. Of a zone that the inventory does not know only its endpoint tells one; this one is a name, "
    "or an IPv6 address of one link only.",
    "Its firewall shuts out {zones}: the inventory does not know it, and its endpoint has no address for rules.",
    "Declare the zone, or put the addresses of its servers into federation_networks, and run playbook federate again.",
)
PUBLIC_GRPC = Rule(
    "public_grpc",
    WARNING,
    "OpenNebula prefers gRPC between zones where a zone has such an endpoint, and does not encrypt it.",
    "Its gRPC endpoint {endpoint} is a public address, and gRPC between zones is plain text.",
    "Leave zone_endpoint_grpc out; zones then use zone_endpoint.",
)
LOOPBACK_ENDPOINT = Rule(
    "loopback_endpoint",
    ERROR,
    "The record has the endpoint that a new install gives its zone, or one that was tried out on one machine.",
    "Its endpoint {endpoint} is a loopback address: a caller on another host reaches its own host.",
    "Set it to an address that every zone reaches, with module zone, then restart the master.",
)
LOOPBACK_GRPC_ENDPOINT = Rule(
    "loopback_grpc_endpoint",
    ERROR,
    "OpenNebula 7.2 and newer write such an endpoint into new zone records. The master prefers it and calls itself.",
    "Its gRPC endpoint {endpoint} is a loopback address: the master replicates to itself for ever, at full load.",
    'Remove it: module zone with endpoint_grpc: "" and id: {zone_id}. Then restart the master and run module '
    "replication_probe.",
)
STOCK_GRPC_ENDPOINT = Rule(
    "stock_grpc_endpoint",
    WARNING,
    "OpenNebula 7.2 and newer give their own zone such an endpoint. At the master it does no harm while nobody calls "
    "it.",
    "Its gRPC endpoint {endpoint} is a loopback address, as installed.",
    'Remove it: module zone with endpoint_grpc: "" and id: {zone_id}.',
)
ENDPOINT_NOT_XMLRPC = Rule(
    "endpoint_not_xmlrpc",
    ERROR,
    "OpenNebula 7.2 and newer take an endpoint without RPC2 for one of gRPC.",
    "Its endpoint is {endpoint}; OpenNebula 7.2 and newer take it for gRPC.",
    "Set it to http://<address>:2633/RPC2 with module zone, then restart the master.",
)
DUPLICATE_ENDPOINT = Rule(
    "duplicate_endpoint",
    ERROR,
    "Two zone records lead to one oned: a record that was left behind, or one endpoint written twice.",
    'Its endpoint {endpoint} is also that of zone "{zone}" (id {zone_id}).',
    "Correct zone_endpoint, or zone_name if it is that zone; or delete the record that no oned belongs to.",
)
ENDPOINT_UNREACHABLE = Rule(
    "endpoint_unreachable",
    ERROR,
    "The floating address of the zone is with no server, or its load balancer finds none.",
    "Nothing answers at the zone's endpoint {endpoint}: {detail}.",
    "Check the floating address on the leader (RAFT_LEADER_HOOK succeeds even when it could not set it), or the load "
    "balancer.",
)
