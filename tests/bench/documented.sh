#!/bin/sh
# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# The steps of OpenNebula's documentation, one after the other: what federate.yml is measured against. It looks at
# nothing before, keeps no backup, proves nothing afterwards. All hosts are running front-ends of packages on MariaDB;
# SSH_CONFIG lets ssh keep its connections.
#
#   documented.sh sequential|parallel SSH_CONFIG MASTER=ADDRESS SLAVE=ADDRESS...
#
# sequential: a dump and a join for one slave after the other. parallel: one dump for all, then all join side by side.
set -eu

mode=$1 ssh_config=$2 master=${3%%=*} master_address=${3#*=}
shift 3

as_root() { # HOST COMMANDS
    ssh -F "$ssh_config" "$1" "sudo sh -ec '$2'"
}

as_oneadmin() { # HOST COMMANDS
    as_root "$1" "cd /var/lib/one; runuser -u oneadmin -- sh -ec \"$2\""
}

prepare_master() {
    as_oneadmin "$master" "echo ENDPOINT=http://$master_address:2633/RPC2 >/tmp/zone; onezone update 0 -a /tmp/zone"
    as_root "$master" 'sed -i "/^FEDERATION/,/\]/ s/STANDALONE/MASTER/" /etc/one/oned.conf
                       systemctl restart opennebula'
}

create_zone() { # SLAVE=ADDRESS; prints its id
    as_oneadmin "$master" "{ echo NAME=${1%%=*}; echo ENDPOINT=http://${1#*=}:2633/RPC2; } >/tmp/${1%%=*}
                           onezone create /tmp/${1%%=*}" | sed 's/.*: //'
}

dump() {
    as_oneadmin "$master" 'onedb backup --federated --force /var/lib/one/federation.sql' >/dev/null
}

join() { # SLAVE ZONE_ID
    as_root "$1" 'systemctl stop opennebula'
    as_root "$master" 'cd /var/lib/one; tar c federation.sql .one/*_auth' | as_root "$1" 'tar x -C /var/lib/one'
    as_oneadmin "$1" 'onedb restore --federated --force /var/lib/one/federation.sql' >/dev/null
    as_root "$1" "sed -i \"/^FEDERATION/,/\]/ {
                      s/STANDALONE/SLAVE/
                      s/\(ZONE_ID *= *\)0/\1$2/
                      s|\(MASTER_ONED *= *\)\\\"\\\"|\1\\\"http://$master_address:2633/RPC2\\\"|
                  }\" /etc/one/oned.conf
                  systemctl start opennebula"
}

prepare_master
case $mode in
sequential)
    for slave; do
        zone=$(create_zone "$slave")
        dump
        join "${slave%%=*}" "$zone"
    done
    ;;
parallel)
    # "SLAVE ZONE_ID" lines
    zones=$(for slave; do echo "${slave%%=*} $(create_zone "$slave")"; done)
    dump
    echo "$zones" | {
        while read -r slave zone; do
            join "$slave" "$zone" </dev/null &
            joins="${joins-} $!"
        done
        for one in $joins; do wait "$one"; done
    }
    ;;
esac
