"""Starts the emulator's machines: one process that has imported the Jupyter Server and forks for each of them, since the
import takes longer than all the rest.

    zygote.py SOCKETS [--namespaces=no]

Requests are JSON lines on stdin, answers JSON lines on stdout. It ends with its stdin, and then removes the folder SOCKETS and those
of machines that still run.

Requests: {"op": "start", "id", …spec of server.py} and {"op": "stop", "id"}; a machine that was stopped has no folder any more when its exit is told.
Answers: {"event": "hello", "namespaces", "why", "keep"}, {"event": "ready", "id"}, {"event": "failed", "id", "error"},
{"event": "exit", "id"}. Needs fork; Python 3.8 or later.
"""

import gc
import glob
import json
import os
import select
import shutil
import signal
import sys
import tempfile

sys.path[0] = os.path.dirname(os.path.abspath(__file__))

import cage
import keeper
import server


class Zygote:
    def __init__(self):
        self.stdin, self.out = 0, os.dup(1)
        # what this process and its children print is none of the protocol
        os.dup2(2, 1)
        # its writing end closes with this process, however that ends
        self.life, self.alive = os.pipe()
        # ids by pid: of keepers, and of processes that remove what a machine left
        self.running = {}
        self.removing = {}
        self.folders = {}
        self.woken, wake = os.pipe()
        for descriptor in (self.woken, wake):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def say(self, event, **more):
        os.write(self.out, (json.dumps(dict(more, event=event)) + "\n").encode())

    def run(self):
        if "--namespaces=no" in sys.argv:
            why = "switched off"
        else:
            why = forbidden(self)
        self.say("hello", namespaces=why == "", why=why, keep=server.needed_paths())
        # what is here now never changes: the children share its memory
        gc.collect()
        gc.freeze()
        text = b""
        while True:
            ready, _, _ = select.select([self.stdin, self.woken], [], [])
            if self.woken in ready:
                os.read(self.woken, 4096)
                self.reap()
            if self.stdin in ready:
                more = os.read(self.stdin, 65536)
                if not more:
                    break
                *lines, text = (text + more).split(b"\n")
                for line in lines:
                    self.obey(json.loads(line))
        # nobody is left: the keepers end their machines
        os.close(self.alive)
        for pid in [*self.running, *self.removing]:
            try:
                os.waitpid(pid, 0)
            except ChildProcessError:
                pass
        for folder in self.folders.values():
            remove(folder)
        remove(sys.argv[1])

    def obey(self, request):
        if request["op"] == "stop":
            for pid, name in self.running.items():
                if name == request["id"]:
                    os.kill(pid, signal.SIGTERM)
            return
        try:
            pid = os.fork()
        except OSError as error:
            self.say("failed", id=request["id"], error=str(error))
            self.say("exit", id=request["id"])
            return
        if pid == 0:
            os.close(self.alive)
            null = os.open(os.devnull, os.O_RDWR)
            os.dup2(null, 0)
            keeper.keep(request, self.life, lambda event, **more: self.say(event, id=request["id"], **more), server.serve)
        self.running[pid] = request["id"]
        self.folders[request["id"]] = request["folder"]

    def reap(self):
        for pid in keeper.reap():
            if pid in self.running:
                self.tidy(self.running.pop(pid))
            elif pid in self.removing:
                self.say("exit", id=self.removing.pop(pid))

    def tidy(self, name):
        """Removes the machine's folder, in a process of its own: it may be big, and others want to start."""
        folder = self.folders.pop(name)
        try:
            pid = os.fork()
        except OSError:
            remove(folder)
            self.say("exit", id=name)
            return
        if pid == 0:
            try:
                os.close(self.alive)
                remove(folder)
            finally:
                os._exit(0)
        self.removing[pid] = name


def remove(folder):
    """Removes a machine's folder; an overlay leaves one that not even its owner may read."""
    for path in glob.glob(os.path.join(glob.escape(folder), "layers", "*", "work", "work")):
        os.chmod(path, 0o700)
    shutil.rmtree(folder, ignore_errors=True)


def forbidden(zygote):
    """Why machines get no namespaces here; empty when they do. Tried out, by a child."""
    if not sys.platform.startswith("linux"):
        return "not Linux"
    folder = tempfile.mkdtemp(prefix="cgpu-cage-")
    readable, writable = os.pipe()
    try:
        pid = os.fork()
        if pid == 0:
            try_cage(folder, writable)
        os.close(writable)
        os.waitpid(pid, 0)
        return os.read(readable, 1000).decode("utf-8", "replace")
    finally:
        os.close(readable)
        remove(folder)


def try_cage(folder, writable):
    try:
        cage.enter()
        child = os.fork()
        if child:
            os.waitpid(child, 0)
            os._exit(0)
        for name in ("content", "root"):
            os.mkdir(os.path.join(folder, name))
        cage.furnish(folder, "probe", os.defpath, [], [])
        open("/content/probe", "w").close()
        open("/etc/probe", "w").close()
    except BaseException:
        os.write(writable, keeper.last_line().encode())
    os._exit(0)


if __name__ == "__main__":
    Zygote().run()
