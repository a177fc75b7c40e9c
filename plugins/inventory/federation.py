# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: federation
short_description: Zones and servers of a running OpenNebula federation
version_added: 1.0.0
description:
  - Asks one endpoint which zones there are, and then all servers of all zones, side by side.
  - Every zone becomes a group below O(group), with the variables C(zone_name), C(zone_role) and C(zone_endpoint);
    every server a host of it. A server that does not answer is a host too, and says so in its variables.
  - Reads a YAML file that ends with C(federation.yml) or C(federation.yaml).
  - The host variables are C(id) (in the zone's list of servers, -1 without one), C(name), C(endpoint), C(zone),
    C(zone_id), C(role), C(reachable), C(error), C(version), C(mode), C(raft_state), C(term), C(log_index), C(log_lag),
    C(index), C(federated_log), C(lag) and C(problems) (their codes), with the O(vars_prefix), as
    M(onefed.opennebula.federation_info) describes them.
  - C(ansible_host) is the host in the server's endpoint. Where that is no address or name, or leads back to the
    controller, it is C(no-address.invalid), so that nothing is done anywhere; correct it with O(compose).
  - The names of zones and servers are given by the federation's administrators. Characters that names in an
    inventory must not have become an underscore. Servers of one name in two zones, or with a group's name, get their
    zone's name appended. A zone without a list of servers has a host with its name and C(-1). Nothing that
    a zone says is taken for a template.
author:
  - onefed contributors (@onefed)
extends_documentation_fragment:
  - constructed
  - inventory_cache
options:
  plugin:
    description: Marks the file as one for this plugin.
    type: str
    required: true
    choices: [onefed.opennebula.federation]
  api_url:
    description:
      - XML-RPC endpoint of any zone, best the master's, for example V(http://192.0.2.11:2633/RPC2).
      - This, O(api_username), O(api_password), O(ca_path) and O(endpoints) may be templates of extra variables.
    type: str
    required: true
    env:
      - name: ONE_URL
  api_username:
    description: Name of the OpenNebula user. It has to see all zones, as C(oneadmin) does.
    type: str
    required: true
    env:
      - name: ONE_USERNAME
  api_password:
    description:
      - Password of the OpenNebula user.
      - It may be a template, such as one that looks it up, or a value that Ansible Vault has encrypted.
    type: str
    required: true
    env:
      - name: ONE_PASSWORD
  api_timeout:
    description: Time limit of one call, in seconds.
    type: float
    default: 10.0
  validate_certs:
    description: Whether the certificate of an C(https) endpoint is verified.
    type: bool
    default: true
  ca_path:
    description: File with the certificates of the authorities to trust instead of the system's.
    type: path
  endpoints:
    description: Endpoints that are asked for the list of zones when the one of O(api_url) does not tell it.
    type: list
    elements: str
    default: []
  allow_loopback:
    description: Whether servers may have loopback addresses, as in a federation on a single machine.
    type: bool
    default: false
  group:
    description: The group that has all zones.
    type: str
    default: federation
  vars_prefix:
    description: What the names of host variables begin with, but for C(ansible_host).
    type: str
    default: opennebula_
  hostname:
    description: Template for the name of a server's host. It may use the host variables.
    type: str
seealso:
  - module: onefed.opennebula.federation_info
"""

EXAMPLES = r"""
# Named, for example, inventories/federation.yml; ONE_USERNAME and ONE_PASSWORD are in the environment.
plugin: onefed.opennebula.federation
api_url: http://192.0.2.11:2633/RPC2

---
# With other servers to ask for the zones, a password from a vault, and a cache of ten minutes.
plugin: onefed.opennebula.federation
api_url: https://one.example.com/RPC2
api_username: oneadmin
api_password: "{{ vault_oneadmin_password }}" # --extra-vars @vault.yml
endpoints:
  - http://192.0.2.12:2633/RPC2
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/ansible-inventory
cache_timeout: 600

---
# Groups of leaders, of servers behind the master, and by version; servers are called by their host name.
plugin: onefed.opennebula.federation
api_url: http://192.0.2.11:2633/RPC2
hostname: "{{ opennebula_name }}.example.com"
groups:
  leaders: opennebula_raft_state in ("leader", "solo")
  lagging: opennebula_lag is number and opennebula_lag > 0
keyed_groups:
  - key: opennebula_version
    prefix: opennebula
compose:
  ansible_user: "'root'"
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable

from ..module_utils._api.client import Client
from ..module_utils._api.transport import split_url
from ..module_utils._errors import OnefedError, printable_lines
from ..plugin_utils._discovery.live import LiveServer, arrange, key_of, read_zones


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    NAME = "onefed.opennebula.federation"

    def verify_file(self, path: str) -> bool:
        return bool(super().verify_file(path)) and path.endswith(("federation.yml", "federation.yaml"))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        zones = self._zones(path, cache)
        parent, allow_loopback = self.get_option("group"), self.get_option("allow_loopback")
        self.inventory.add_group(parent)
        for zone in arrange(zones, parent, self._named(zones), allow_loopback):
            self.inventory.add_group(zone.group)
            self.inventory.add_child(parent, zone.group)
            for name, value in zone.variables.items():
                self.inventory.set_variable(zone.group, name, value)
            for server in zone.servers:
                self._add(zone.group, server)

    def _zones(self, path: str, cache: bool) -> Sequence[Mapping[str, Any]]:
        """What the cache has, else what the federation answers."""
        key, cached = self.get_cache_key(path), self.get_option("cache")
        if cache and cached and key in self._cache:
            return list(self._cache[key])
        try:
            zones = read_zones(self._client(), self._text("endpoints"), self.get_option("allow_loopback"))
        except OnefedError as error:
            raise AnsibleParserError(printable_lines(f"The federation cannot be read. {error}")) from None
        if cached:
            self._cache[key] = zones
        return zones

    def _client(self) -> Client:
        url = self._text("api_url")
        split_url(url)
        username, password = self._text("api_username"), self._text("api_password")
        options = [self.get_option("api_timeout"), self.get_option("validate_certs"), self._text("ca_path")]
        return Client(url, username, password, *options)

    def _text(self, option: str) -> Any:
        """The value of an option that may be a template, of extra variables; what the environment has is none."""
        value, origin = self.get_option_and_origin(option)
        if str(origin).startswith("env:"):
            return value
        self.templar.available_variables = self._vars
        return self.templar.template(value)

    def _named(self, zones: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        """Names for the servers by option hostname."""
        template = self.get_option("hostname")
        if not template:
            return {}
        named = {}
        for server in (server for zone in zones for server in zone["servers"]):
            self.templar.available_variables = {**self._variables(server), **self._vars}
            try:
                named[key_of(server)] = str(self.templar.template(template))
            except AnsibleError as error:
                where = f"server {server['name']!r} of zone {server['zone']!r}"
                raise AnsibleParserError(f"Option hostname makes no name for {where}: {error}") from error
        return named

    def _variables(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        return {f"{self.get_option('vars_prefix')}{name}": value for name, value in facts.items()}

    def _add(self, group: str, server: LiveServer) -> None:
        host = self.inventory.add_host(server.host, group=group)
        for name, value in {"ansible_host": server.address, **self._variables(server.facts)}.items():
            self.inventory.set_variable(host, name, value)
        strict = self.get_option("strict")
        variables = self.inventory.get_host(host).get_vars()
        self._set_composite_vars(self.get_option("compose"), variables, host, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), {}, host, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), {}, host, strict=strict)
