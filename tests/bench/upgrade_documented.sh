#!/bin/sh
# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# The steps of OpenNebula's documentation for a federation whose shared tables change: what upgrade.yml is measured
# against. It looks at nothing before, keeps no backup but onedb's own, proves nothing afterwards; zones work side by
# side. SSH_CONFIG lets ssh keep its connections; INSTALL brings the release onto a host.
#
#   upgrade_documented.sh SSH_CONFIG INSTALL MASTER SLAVE...
set -eu

ssh_config=$1 install=$2 master=$3
shift 3

as_root() { # HOST COMMANDS
    ssh -F "$ssh_config" "$1" "sudo sh -ec '$2'"
}

as_oneadmin() { # HOST COMMANDS
    as_root "$1" "cd /var/lib/one; runuser -u oneadmin -- sh -ec \"$2\""
}

side_by_side() { # FUNCTION HOST...
    function=$1 jobs=
    shift
    for host; do
        "$function" "$host" </dev/null &
        jobs="$jobs $!"
    done
    for one in $jobs; do wait "$one"; done
}

stop() { as_root "$1" 'systemctl stop opennebula'; }
bring() { as_root "$1" "$install; systemctl daemon-reload"; }
start() { as_root "$1" 'systemctl start opennebula'; }

migrate_slave() {
    as_root "$master" 'cat /var/lib/one/federation.sql' | as_root "$1" 'cat >/var/lib/one/federation.sql'
    as_oneadmin "$1" 'onedb restore --federated --force /var/lib/one/federation.sql; onedb upgrade -v' >/dev/null
}

side_by_side stop "$master" "$@"
side_by_side bring "$master" "$@"
as_oneadmin "$master" 'onedb upgrade -v; onedb backup --federated --force /var/lib/one/federation.sql' >/dev/null
side_by_side migrate_slave "$@"
side_by_side start "$master" "$@"
