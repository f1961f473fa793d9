"""The processes of one machine: a keeper, which ends them all when it is told to or when its owner is gone, and the server.

With namespaces, killing process 1 of the machine ends every process in it. Without, the keeper adopts orphans and kills its
whole tree. Standard library only.
"""

import os
import select
import signal
import sys
import traceback

import cage


def keep(spec, life, say, serve):
    """Never returns. `life` is readable once the owner is gone, `say(event, **more)` tells it something."""
    os.setpgid(0, 0)
    log = os.open(spec["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for descriptor in (1, 2):
        os.dup2(log, descriptor)
    os.close(log)
    cage.die_with_parent(signal.SIGTERM if not spec["namespaces"] else signal.SIGKILL)
    watch = Watch(life)
    try:
        if spec["namespaces"]:
            cage.enter()
            child = os.fork()
            if child == 0:
                first(spec, life, say, serve)
        else:
            cage.adopt_orphans()
            child = start(spec, say, serve)
        watch.until_over(child)
        end(child, spec["namespaces"])
    except BaseException:
        say("failed", error=last_line())
    os._exit(0)


def first(spec, life, say, serve):
    """Process 1 of the machine."""
    try:
        cage.die_with_parent()
        watch = Watch(life)
        cage.furnish(spec["folder"], spec["hostname"], spec["env"]["PATH"], spec["keep"], spec["shared"])
        watch.until_over(start(spec, say, serve))
    except BaseException:
        say("failed", error=last_line())
    os._exit(0)


def start(spec, say, serve):
    child = os.fork()
    if child == 0:
        code = 1
        try:
            for number in (signal.SIGTERM, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            signal.set_wakeup_fd(-1)
            os.setsid()
            serve(spec, say)
            code = 0
        except BaseException:
            traceback.print_exc()
            say("failed", error=last_line())
        finally:
            os._exit(code)
    return child


class Watch:
    """Waits for the end: of the server, of the owner, or by SIGTERM. Reaps what the machine's processes leave."""

    def __init__(self, life):
        self.life = life
        self.told = False
        self.readable, writable = os.pipe()
        os.set_blocking(writable, False)
        os.set_blocking(self.readable, False)
        signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self.tell)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def tell(self, *_):
        self.told = True

    def until_over(self, child):
        while not self.told:
            if child in reap():
                return
            ready, _, _ = select.select([self.life, self.readable], [], [], 30)
            if self.life in ready:
                return
            if self.readable in ready:
                os.read(self.readable, 4096)


def reap():
    gone = []
    try:
        while True:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            gone.append(pid)
    except ChildProcessError:
        pass
    return gone


def end(child, namespaces):
    """Kills everything below this process. In namespaces the system does so when process 1 goes."""
    if namespaces:
        kill(child)
        try:
            os.waitpid(child, 0)
        except ChildProcessError:
            pass
        return
    for _ in range(200):
        below = descendants(os.getpid())
        if not below:
            return
        for pid in below:
            kill(pid)
        reap()
        select.select([], [], [], 0.01)


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def descendants(root):
    """Living processes below `root`, which adopts those whose parents are gone."""
    parents = {}
    for pid, parent in processes():
        parents.setdefault(parent, []).append(pid)
    found, todo = [], [root]
    while todo:
        children = parents.get(todo.pop(), [])
        found += children
        todo += children
    return found


def processes():
    if os.path.isdir("/proc/self"):
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    with open("/proc/%s/stat" % name, "rb") as file:
                        fields = file.read().rpartition(b")")[2].split()
                except OSError:
                    continue
                if fields[0] not in (b"Z", b"X"):
                    yield int(name), int(fields[1])
        return
    import subprocess

    listed = subprocess.run(["ps", "-ax", "-o", "pid=,ppid="], stdout=subprocess.PIPE, check=False)
    for line in listed.stdout.split(b"\n"):
        fields = line.split()
        if len(fields) == 2:
            yield int(fields[0]), int(fields[1])


def last_line():
    return traceback.format_exception_only(*sys.exc_info()[:2])[-1].strip()
