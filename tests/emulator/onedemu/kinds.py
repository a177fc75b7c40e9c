# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Kinds of objects of one zone that users own: what they are called, and what their documents hold."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from .template import Template, cdata

VMS = "<UPDATED_VMS></UPDATED_VMS><OUTDATED_VMS></OUTDATED_VMS><UPDATING_VMS></UPDATING_VMS><ERROR_VMS></ERROR_VMS>"
# A machine that is to be placed, one that is held, and one that is no more.
PENDING, HOLD, DONE = 1, 2, 6


@dataclass(frozen=True)
class Kind:
    """``name`` is the type in access rules, ``taken`` what a refused name is told to belong to; ``arguments`` are those
    of allocate. ``unique`` is whether allocate and chown refuse a name that the owner has already, ``rename`` whether
    rename does."""

    method: str
    name: str
    table: str
    root: str
    taken: str = ""
    # What stands after the permissions, of the object's template and the second argument of allocate.
    after: Callable[[Template, int], str] = lambda template, second: ""
    arguments: str = "s"
    unique: bool = True
    rename: bool = True
    # Whether it can be locked, and behind which element its LOCK stands.
    lock: str = "NAME"

    @property
    def pool_root(self) -> str:
        return f"{self.root}_POOL"


def _network(template: Template, _cluster: int) -> str:
    driver, bridge, device = (template.take(name) for name in ("VN_MAD", "BRIDGE", "PHYDEV"))
    return (f"<CLUSTERS><ID>0</ID></CLUSTERS><BRIDGE>{cdata(bridge)}</BRIDGE>"
            f"<BRIDGE_TYPE>{cdata('linux')}</BRIDGE_TYPE><STATE>{cdata('1')}</STATE>"
            f"<PREV_STATE>{cdata('1')}</PREV_STATE><PARENT_NETWORK_ID/><TEMPLATE_ID/>"
            f"<VN_MAD>{cdata(driver)}</VN_MAD>" + (f"<PHYDEV>{cdata(device)}</PHYDEV>" if device else "<PHYDEV/>")
            + "<VLAN_ID/><OUTER_VLAN_ID/><VLAN_ID_AUTOMATIC>0</VLAN_ID_AUTOMATIC>"
              "<OUTER_VLAN_ID_AUTOMATIC>0</OUTER_VLAN_ID_AUTOMATIC><USED_LEASES>0</USED_LEASES><VROUTERS></VROUTERS>"
            + VMS)


def _regtime(_template: Template, _second: int) -> str:
    return f"<REGTIME>{int(time.time())}</REGTIME>"


def _machine(_template: Template, hold: int) -> str:
    """A machine that waits to be placed, and always will."""
    state = HOLD if hold else PENDING
    return (f"<LAST_POLL>0</LAST_POLL><STATE>{state}</STATE><LCM_STATE>0</LCM_STATE><PREV_STATE>{state}</PREV_STATE>"
            f"<PREV_LCM_STATE>0</PREV_LCM_STATE><RESCHED>0</RESCHED><STIME>{int(time.time())}</STIME><ETIME>0</ETIME>"
            "<DEPLOY_ID></DEPLOY_ID><MONITORING></MONITORING><SCHED_ACTIONS></SCHED_ACTIONS>")


_IMAGE_TYPES = {"OS": 0, "CDROM": 1, "DATABLOCK": 2, "KERNEL": 3, "RAMDISK": 4, "CONTEXT": 5}


def _image(template: Template, datastore: int) -> str:
    """An image that a driver is to make (state 4), and never does."""
    kind = _IMAGE_TYPES.get(template.take("TYPE").upper(), 0)
    size, now = template.take("SIZE") or "0", int(time.time())
    empty = "".join(f"<{name}></{name}>" for name in ("VMS", "CLONES", "APP_CLONES"))
    template.add("DEV_PREFIX", "sd")
    return (f"<TYPE>{kind}</TYPE><DISK_TYPE>0</DISK_TYPE><PERSISTENT>0</PERSISTENT><REGTIME>{now}</REGTIME>"
            f"<MODTIME>{now}</MODTIME><SOURCE>{cdata('')}</SOURCE><PATH>{cdata(template.take('PATH'))}</PATH>"
            f"<FORMAT>{cdata('raw')}</FORMAT><FS>{cdata('')}</FS><SIZE>{size}</SIZE><STATE>4</STATE>"
            "<PREV_STATE>0</PREV_STATE><RUNNING_VMS>0</RUNNING_VMS><CLONING_OPS>0</CLONING_OPS>"
            "<CLONING_ID>-1</CLONING_ID><TARGET_SNAPSHOT>-1</TARGET_SNAPSHOT>"
            f"<DATASTORE_ID>{datastore}</DATASTORE_ID><DATASTORE>default</DATASTORE>{empty}")


def _datastore(template: Template, _cluster: int) -> str:
    driver, transfer = template.single("DS_MAD"), template.single("TM_MAD")
    return (f"<DS_MAD>{cdata(driver)}</DS_MAD><TM_MAD>{cdata(transfer)}</TM_MAD><BASE_PATH>{cdata('')}</BASE_PATH>"
            "<TYPE>0</TYPE><DISK_TYPE>0</DISK_TYPE><STATE>0</STATE><CLUSTERS><ID>0</ID></CLUSTERS><TOTAL_MB>0</TOTAL_MB>"
            "<FREE_MB>0</FREE_MB><USED_MB>0</USED_MB><IMAGES></IMAGES>")


def _backup_job(_template: Template, _second: int) -> str:
    return ("<PRIORITY>50</PRIORITY><LAST_BACKUP_TIME>0</LAST_BACKUP_TIME>"
            "<LAST_BACKUP_DURATION>0</LAST_BACKUP_DURATION><SCHED_ACTIONS></SCHED_ACTIONS><UPDATED_VMS></UPDATED_VMS>"
            "<OUTDATED_VMS></OUTDATED_VMS><BACKING_UP_VMS></BACKING_UP_VMS><ERROR_VMS></ERROR_VMS>")


MACHINE = Kind("vm", "VM", "vm_pool", "VM", after=_machine, arguments="s?b", unique=False, rename=False,
               lock="DEPLOY_ID")
VROUTER = Kind("vrouter", "VROUTER", "vrouter_pool", "VROUTER", after=lambda template, second: "<VMS></VMS>",
               unique=True, rename=False, lock="PERMISSIONS")
IMAGE = Kind("image", "IMAGE", "image_pool", "IMAGE", "IMAGE", _image, "si?b")
DOCUMENT = Kind("document", "DOCUMENT", "document_pool", "DOCUMENT", arguments="si", unique=False, rename=False,
                lock="PERMISSIONS")
KINDS = (
    Kind("template", "TEMPLATE", "template_pool", "VMTEMPLATE", "TEMPLATE", _regtime),
    Kind("vntemplate", "VNTEMPLATE", "vn_template_pool", "VNTEMPLATE", "VN TEMPLATE", _regtime),
    Kind("secgroup", "SECGROUP", "secgroup_pool", "SECURITY_GROUP", "SecurityGroup", lambda template, second: VMS,
         lock=""),
    Kind("vmgroup", "VMGROUP", "vmgroup_pool", "VM_GROUP", "VMGroup", lambda template, second: "<ROLES></ROLES>",
         lock="PERMISSIONS"),
    Kind("vn", "NET", "network_pool", "VNET", "NET", _network, "s?i"),
    Kind("backupjob", "BACKUPJOB", "backupjob_pool", "BACKUPJOB", "BACKUP JOB", _backup_job, lock="PERMISSIONS"),
    Kind("datastore", "DATASTORE", "datastore_pool", "DATASTORE", "DATASTORE", _datastore, "s?i", unique=False,
         lock=""),
    IMAGE, VROUTER, DOCUMENT, MACHINE,
)
