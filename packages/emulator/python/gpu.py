"""Figures of the machine's pretended GPU: they follow what its Python processes compute, so that `nvidia-smi` and
`/api/colab/resources` show work where there is work. Standard library only.

Keys are `nvidia-smi --query-gpu`'s; memory in MiB, power in W, utilisation in per cent.
"""

import json
import math
import os
import time

import keeper

# a reading sooner than this after the last repeats it
SETTLE_S = 0.4
# CPU time that a kernel needs for its start, which is no work for a GPU
STARTED_S = 2
# files next to the machine's description: the last reading, and the process that all of the machine's come from
STATE, ROOT_PID = "gpu.json", "root.pid"
CONTEXT_MIB = 103


def read(path):
    """The figures of the GPUs of the machine that the file at `path` describes: none, or one."""
    with open(path) as file:
        about = json.load(file)
    model = about.get("gpu")
    if not model:
        return []
    now = time.time()
    state = beside(path, STATE)
    working = processes(beside(path, ROOT_PID))
    if state is None or now - state["time"] > SETTLE_S:
        state = advance(state, now, working)
        put(path, STATE, state)
    return [figures(model, state, [one for one in working if one["pid"] in state["users"]], about)]


def advance(state, now, working):
    """A process that computes takes the GPU, and keeps its memory there until it ends."""
    spent = {str(one["pid"]): one["seconds"] for one in working}
    before = state["spent"] if state else {}
    users = set(state["users"] if state else [])
    since = now - state["time"] if state else SETTLE_S
    load = 0.0
    for one in working:
        # what was not seen before has computed an unknown time
        cores = (one["seconds"] - before.get(str(one["pid"]), one["seconds"])) / since
        load += cores
        if cores > 0.3 and one["seconds"] > STARTED_S:
            users.add(one["pid"])
    users &= {one["pid"] for one in working}
    return {"time": now, "spent": spent, "users": sorted(users), "load": min(1.0, load) if users else 0.0}


def figures(model, state, users, about):
    now, load = state["time"], state["load"]
    wave = math.sin(now / 7) + math.sin(now / 2.3)
    limit = model["powerLimitW"]
    used = min(model["memoryMiB"] * 95 // 100, sum(CONTEXT_MIB + one["rss"] // 2 ** 20 for one in users))
    utilization = max(1, min(100, round(load * 96 + wave))) if load > 0.02 else 0
    return {
        "index": 0, "count": 1, "name": model["name"], "uuid": uuid(about), "driver_version": "550.54.15", "cuda_version": "12.4",
        "pci.bus_id": "00000000:00:04.0", "compute_cap": model["computeCapability"], "pstate": "P0" if load > 0.02 else "P8",
        "memory.total": model["memoryMiB"], "memory.used": used, "memory.free": model["memoryMiB"] - used, "memory.reserved": 0,
        "utilization.gpu": utilization, "utilization.memory": round(utilization * 0.6),
        "temperature.gpu": round(38 + 30 * load + wave), "power.draw": round(limit * (0.13 + 0.75 * load) + wave / 2, 2),
        "power.limit": float(limit), "clocks.sm": 300 + round(1200 * load), "clocks.mem": 405 if load <= 0.02 else 5000,
        "processes": [{"pid": one["pid"], "process_name": one["name"], "used_memory": CONTEXT_MIB + one["rss"] // 2 ** 20} for one in users],
    }


def uuid(about):
    import hashlib

    text = hashlib.sha256(about["endpoint"].encode()).hexdigest()
    return "GPU-%s-%s-%s-%s-%s" % (text[:8], text[8:12], text[12:16], text[16:20], text[20:32])


def processes(root):
    """The machine's Python processes but its server and this one: pid, name, CPU seconds, resident bytes. Linux only."""
    found = []
    if root is None or not os.path.isdir("/proc/self"):
        return found
    tick, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    for pid in keeper.descendants(int(root)):
        try:
            with open("/proc/%d/cmdline" % pid, "rb") as file:
                words = file.read().split(b"\0")
            with open("/proc/%d/stat" % pid, "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
        except OSError:
            continue
        name = os.path.basename(os.fsdecode(words[0]))
        if pid == os.getpid() or "python" not in name or any(word.endswith((b"zygote.py", b"nvidia_smi.py")) for word in words):
            continue
        found.append({"pid": pid, "name": os.fsdecode(words[0]), "seconds": (int(fields[11]) + int(fields[12])) / tick, "rss": int(fields[21]) * page})
    return found


def beside(path, name):
    """What the JSON file of that name next to the machine's description says; None without one."""
    try:
        with open(os.path.join(os.path.dirname(path), name)) as file:
            return json.load(file)
    except (OSError, ValueError):
        return None


def put(path, name, state):
    path = os.path.join(os.path.dirname(path), name)
    own = "%s.%d" % (path, os.getpid())
    try:
        with open(own, "w") as file:
            json.dump(state, file)
        os.replace(own, path)
    except OSError:
        pass
