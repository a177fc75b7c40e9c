import sqlite3
from tests.tools.task_hooks import TaskHooks
from tests.zones.lab import wait_for
from tests.zones.conftest import *

def test_snapshot_fails(pair):
    pair.add("lyon")
    before = {n: (pair[n].conf.read_bytes(), pair[n].tables(), pair[n].session) for n in ("paris","lyon")}
    holder = []
    def hold():
        c = sqlite3.connect(pair.master.database, timeout=20, isolation_level=None, check_same_thread=False)
        c.execute("BEGIN EXCLUSIVE"); holder.append(c)
    def release():
        holder[0].rollback(); holder[0].close()
    path = pair.folder / "hooks"
    with TaskHooks(path, {"Take one snapshot of the master for all joining zones": hold, "Delete the zone record that this join made": release}) as h:
        run = pair.run("federate", ONEFED_HOOKS=str(path))
    print(run.output)
    assert not h.unused
    assert run.code != 0
    text = " ".join(run.output.split())
    for n in ("paris", "lyon"):
        assert f"{n}, {n}-1: did not join and was returned to what it was" in text
        wait_for(pair[n].answers, n)
        assert before[n] == (pair[n].conf.read_bytes(), pair[n].tables(), pair[n].session)
    pair.federate()
    pair.assert_federated("paris", "lyon")
