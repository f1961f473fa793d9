"""What Colab's machines answer besides Jupyter's own endpoints (protocol note 4.4, 4.7, 6.1), and what their Jupyter forgives."""

import json
import os

from tornado import web

import colab_ssh
import colab_tty
import gpu
import keeper
import kernel_frames
from guarded import Guarded

XSSI = ")]}'\n"
GIB = 2 ** 30


def add(app, spec):
    kernel_frames.forgive()
    shared = {"machine": Shared(app, spec)}
    app.web_app.add_handlers(".*$", [
        ("/api/colab/resources", Resources, shared),
        ("/api/colab/drive", Drive, shared),
        ("/api/colab/build-info", BuildInfo, shared),
        ("/colab/tty", colab_tty.Tty, shared),
        ("/colab/ssh", colab_ssh.Ssh, shared),
    ])


class Shared:
    """What the handlers of one machine know of it. `about` is the emulator's MachineSpec with `gpu` and `memoryBytes`."""

    def __init__(self, app, spec):
        self.app = app
        self.spec = spec
        self.about = spec["about"]
        self.disk_at_start = disk_used(spec["content"])
        self.terminal = None
        self.ssh = None

    def processes(self):
        """Everything that runs on the machine but its server."""
        return [pid for pid in keeper.descendants(os.getppid()) if pid != os.getpid()]


class Extra(Guarded, web.RequestHandler):
    def say(self, answer):
        self.set_header("Content-Type", "application/json")
        self.finish(XSSI + json.dumps(answer))


class Resources(Extra):
    def get(self):
        machine = self.machine
        total = machine.about["memoryBytes"]
        kernels = [{"uuid": name, "usedBytes": sum(map(resident, tree))} for name, tree in kernel_trees(machine.app)]
        used = GIB + sum(map(resident, machine.processes()))
        disk = {"label": "kernel", "totalBytes": int(107.72 * GIB), "usedBytes": self.disk()}
        self.say({
            "memory": {"totalBytes": total, "freeBytes": max(0, total - used), "kernels": kernels},
            "disks": [{"filesystem": disk}],
            "gpus": [shown(one) for one in gpu.read(machine.spec["machine_json"])],
        })

    def disk(self):
        grown = disk_used(self.machine.spec["content"]) - self.machine.disk_at_start
        return int(22.3 * GIB) + max(0, grown)


class Drive(Extra):
    def get(self):
        self.say({"dfs": []})


class BuildInfo(Extra):
    def get(self):
        self.say({"release_tag": self.machine.spec["env"]["COLAB_RELEASE_TAG"]})


def shown(figures):
    used = figures["memory.used"] * 2 ** 20
    return {
        "name": figures["name"], "memoryUsedBytes": used, "memoryTotalBytes": figures["memory.total"] * 2 ** 20,
        "gpuUtilization": figures["utilization.gpu"] / 100, "memoryUtilization": figures["utilization.memory"] / 100,
        "everUsed": used > 0,
    }


def kernel_trees(app):
    """Pairs of a kernel's id and its processes."""
    for name in app.kernel_manager.list_kernel_ids():
        kernel = app.kernel_manager.get_kernel(name)
        process = getattr(getattr(kernel, "provisioner", None), "process", None)
        if process is not None:
            yield name, [process.pid] + keeper.descendants(process.pid)


def resident(pid):
    """Bytes of memory; 0 where the system does not tell."""
    try:
        with open("/proc/%d/statm" % pid) as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def disk_used(folder):
    seen = os.statvfs(folder)
    return (seen.f_blocks - seen.f_bfree) * seen.f_frsize
