"""Keeps one local runtime: starts its Jupyter Server, watches it, and stops it when nobody is left to own it.

    cgpu_local.py supervise FOLDER      detached; says `{"port": n}` or `{"error": …}` on stdout once, then is silent
    cgpu_local.py serve ARGS…           the Jupyter Server itself

Standard library only, Python 3.8 and later. Files of FOLDER (0700): see ../src/layout.ts.
"""

import errno
import glob
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

TICK_S = 1.0
START_S = 60.0
# how long kernels and jobs may take to end on their own before they are killed
STOP_S = 3.0
HEARTBEAT_S = 10.0
# below what systems give to connections
KERNEL_PORTS = (15000, 32768)
WINDOWS = os.name == "nt"


# --- processes ---------------------------------------------------------------------------------------------------

def start_time(pid):
    """The same opaque text as @cgpu/core's processStartTime, or None when there is no such process (or no way to see)."""
    if sys.platform.startswith("linux"):
        try:
            with open("/proc/%d/stat" % pid, "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
        except OSError:
            return None
        return None if fields[0] in (b"Z", b"X") else fields[19].decode()
    if WINDOWS:
        return None
    env = dict(os.environ, LC_ALL="C", TZ="UTC")
    seen = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], env=env, stdout=subprocess.PIPE, check=False)
    state, _, began = seen.stdout.decode("utf-8", "replace").strip().partition(" ")
    return None if not began or state.startswith("Z") else " ".join(began.split())


def alive(process):
    """Whether `{"pid", "startTime"?}` lives: that very process, not a later one with its pid."""
    pid = process["pid"]
    if WINDOWS:
        return windows_alive(pid)
    try:
        os.kill(pid, 0)
    except OSError as error:
        return error.errno == errno.EPERM
    wanted = process.get("startTime")
    return wanted is None or start_time(pid) == wanted


def windows_alive(pid):
    import ctypes

    synchronize, still_running = 0x00100000, 0x00000102
    handle = ctypes.windll.kernel32.OpenProcess(synchronize, False, pid)
    if not handle:
        return False
    try:
        return ctypes.windll.kernel32.WaitForSingleObject(handle, 0) == still_running
    finally:
        ctypes.windll.kernel32.CloseHandle(handle)


def marked(mark):
    """Pids of the processes that carry `mark` in their environment: everything that this runtime ever started."""
    if WINDOWS:
        return []
    found = []
    if os.path.isdir("/proc/self"):
        needle = b"\0" + os.fsencode(mark) + b"\0"
        for name in os.listdir("/proc"):
            if not name.isdigit() or int(name) == os.getpid():
                continue
            try:
                with open("/proc/%s/environ" % name, "rb") as file:
                    if needle in b"\0" + file.read() + b"\0":
                        found.append(int(name))
            except OSError:
                continue
        return found
    listed = subprocess.run(["ps", "-axwwE", "-o", "pid=,command="], stdout=subprocess.PIPE, check=False)
    for line in listed.stdout.decode("utf-8", "replace").splitlines():
        pid, _, rest = line.strip().partition(" ")
        if pid.isdigit() and int(pid) != os.getpid() and " " + mark in rest:
            found.append(int(pid))
    return found


def send(pid, what, group=False):
    try:
        if group and not WINDOWS:
            os.killpg(pid, what)
        else:
            os.kill(pid, what)
    except OSError:
        pass


# --- files -------------------------------------------------------------------------------------------------------

def read_json(path):
    """The parsed object, or None for anything else."""
    try:
        with open(path, encoding="utf-8") as file:
            value = json.load(file)
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def write_json(path, value):
    temp = "%s.%d" % (path, os.getpid())
    descriptor = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(value, file)
    os.replace(temp, path)


def tail(path, size=4000):
    try:
        with open(path, "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - size))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


# --- the supervisor ----------------------------------------------------------------------------------------------

class Failed(Exception):
    """The server did not come up; the text says why."""


class Supervisor:
    def __init__(self, folder):
        self.folder = folder
        self.launch = read_json(self.path("launch.json")) or {}
        self.agent = self.launch["serverEnv"]["CGPU_AGENT_HOME"]
        self.grace = float(self.launch.get("graceSeconds", 60))
        self.wake = threading.Event()
        self.server = None
        self.server_ended = threading.Event()

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def run(self):
        for name in ("SIGHUP", "SIGINT"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), signal.SIG_IGN)
        self.stop_asked = False
        signal.signal(signal.SIGTERM, self.ask_stop)
        self.write_processes("starting", None)
        try:
            port = self.start()
        except Failed as failure:
            self.stop_processes()
            say({"error": str(failure), "log": tail(self.path("server.log"))})
            return
        self.write_processes("ready", port)
        say({"port": port})
        if self.watch(port):
            self.stop_processes()
            remove(self.folder)

    def ask_stop(self, *_):
        self.stop_asked = True
        self.wake.set()

    def should_stop(self):
        return self.stop_asked or os.path.exists(self.path("stop")) or not os.path.isdir(self.folder)

    def write_processes(self, state, port):
        """How later commands find the server: its pid with start time, so that a reused pid is never taken for it."""
        if not os.path.isdir(self.folder):
            return
        server = self.server and {"pid": self.server.pid, "startTime": start_time(self.server.pid)}
        try:
            write_json(self.path("processes.json"), {
                "supervisor": {"pid": os.getpid(), "startTime": start_time(os.getpid())},
                "server": server or None, "port": port, "state": state,
            })
        except OSError:
            # a full disk: what was written before still holds
            pass

    def start(self):
        """The port, once the server answers there."""
        for _ in range(5):
            port = free_port()
            self.spawn(port)
            self.write_processes("starting", port)
            if self.wait_ready(port):
                return port
            # somebody took the port between the choice and the server's own bind
            if "already in use" not in tail(self.path("server.log")):
                break
        raise Failed("jupyter_server ended with status %s" % self.server.poll())

    def spawn(self, port):
        log = os.open(self.path("server.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        argv = [self.launch["python"], os.path.abspath(__file__), "serve",
                "--config=" + self.path("server", "config.json"), "--ServerApp.port=%d" % port]
        try:
            self.server = subprocess.Popen(
                argv, cwd=self.path("work"), env=dict(os.environ, **self.launch["serverEnv"]),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )
        except OSError as error:
            raise Failed("%s cannot be started: %s" % (self.launch["python"], error.strerror or error))
        finally:
            os.close(log)
        self.server_ended = threading.Event()
        threading.Thread(target=self.wait_server, args=(self.server, self.server_ended), daemon=True).start()

    def wait_server(self, server, ended):
        server.wait()
        ended.set()
        self.wake.set()

    def wait_ready(self, port):
        deadline = time.monotonic() + START_S
        next_owner_check = time.monotonic() + TICK_S
        while not self.server_ended.is_set():
            if self.listening() and answers(port):
                return True
            if self.should_stop():
                raise Failed("stopped while starting")
            now = time.monotonic()
            if now > deadline:
                raise Failed("jupyter_server did not answer within %d s" % START_S)
            if now > next_owner_check:
                next_owner_check = now + TICK_S
                if self.orphaned():
                    self.stop_processes()
                    remove(self.folder)
                    os._exit(0)
            self.server_ended.wait(0.02)
        return False

    def listening(self):
        """
        Whether our server has its port: it says so in a file of its own. Not found out by connecting: until then the port may
        be another process's, or be given to that very connection, which then takes it away from the server.
        """
        return bool(glob.glob(os.path.join(glob.escape(self.launch["serverEnv"]["JUPYTER_RUNTIME_DIR"]), "jpserver-*.json")))

    def watch(self, port):
        """Returns True when the runtime is to be stopped and removed, False when only the watching ends."""
        ended = False
        idle_since = None
        while True:
            self.wake.wait(TICK_S)
            self.wake.clear()
            if self.should_stop():
                return True
            if self.server_ended.is_set() and not ended:
                ended = True
                self.write_processes("ended", port)
            if not self.orphaned():
                idle_since = None
                # a kept runtime without a server stays as it is, with its files, until it is released
                if ended and self.owner() is None:
                    return False
                continue
            # a creator that died before its runtime was finished leaves nothing worth a wait
            unfinished = not os.path.exists(self.path("runtime.json"))
            if not unfinished and self.jobs_running():
                idle_since = None
                continue
            now = time.monotonic()
            idle_since = now if idle_since is None else idle_since
            if (unfinished or now - idle_since >= self.grace) and self.close_lease():
                return True

    def owner(self):
        """The process that the runtime belongs to; None when it was kept."""
        lease = read_json(self.path("lease.json")) or {}
        owner = lease.get("owner")
        return owner if isinstance(owner, dict) and isinstance(owner.get("pid"), int) else None

    def orphaned(self):
        owner = self.owner()
        return owner is not None and not alive(owner)

    def close_lease(self):
        """
        From now on `keep` is too late. The mark comes before the last look, as `keep` writes before it looks for the
        mark: one of the two sees the other.
        """
        mark = self.path("closing")
        try:
            with open(mark, "w"):
                pass
        except OSError:
            return True
        if self.orphaned():
            return True
        os.unlink(mark)
        return False

    def jobs(self):
        """status.json of the runs that may be alive (docs/agent-protocol.md)."""
        for path in glob.glob(os.path.join(glob.escape(self.agent), "runs", "*", "status.json")):
            status = read_json(path)
            if status and status.get("state") in ("starting", "running"):
                yield os.path.dirname(path), status

    def jobs_running(self):
        for run, _ in self.jobs():
            try:
                if time.time() - os.stat(os.path.join(run, "heartbeat")).st_mtime < HEARTBEAT_S:
                    return True
            except OSError:
                continue
        return False

    def stop_processes(self):
        """Asks everything of this runtime to end, then kills what is left. Kernels and jobs live in sessions of their own."""
        mark = "CGPU_AGENT_HOME=" + self.agent
        mine = set(marked(mark))
        for _, status in self.jobs():
            pgid = status.get("pgid")
            # only groups that are seen to be ours: the file may be old and the number someone else's by now
            if isinstance(pgid, int) and pgid in mine:
                send(pgid, signal.SIGTERM, group=True)
        if self.server and self.server.poll() is None:
            if WINDOWS:
                subprocess.run(["taskkill", "/T", "/F", "/PID", str(self.server.pid)], check=False)
            else:
                self.server.terminate()
        deadline = time.monotonic() + STOP_S
        while time.monotonic() < deadline and (marked(mark) or (self.server and self.server.poll() is None)):
            time.sleep(0.02)
        for _ in range(50):
            left = marked(mark)
            for pid in left:
                send(pid, signal.SIGKILL if not WINDOWS else signal.SIGTERM)
            if self.server and self.server.poll() is None:
                self.server.kill()
            elif not left:
                return
            time.sleep(0.02)


def say(message):
    """One line for the command that waits, if it still does."""
    try:
        os.write(1, (json.dumps(message) + "\n").encode())
    except OSError:
        pass
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.close(silent)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port):
    """Whether a Jupyter server speaks there. No token is shown to it: it may be somebody else's."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as link:
            link.sendall(b"GET /api HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
            return link.recv(64).startswith(b"HTTP/1.")
    except OSError:
        return False


def remove(folder):
    """Renamed first, so that no command ever meets half a runtime."""
    parent, name = os.path.split(folder)
    trash = os.path.join(parent, ".gone-%s-%d" % (name, os.getpid()))
    try:
        os.rename(folder, trash)
    except OSError:
        return
    shutil.rmtree(trash, ignore_errors=True)


# --- the server --------------------------------------------------------------------------------------------------

def ports_of_their_own():
    """
    Kernels get ports from below those that the system gives to connections. jupyter_client looks for free ones and a kernel takes them a
    second later: where another process has taken one meanwhile, the kernel is started with the same ones again, in vain, until it counts as dead.
    """
    try:
        from jupyter_client.connect import LocalPortCache
        usual = LocalPortCache.find_available_port
    except (ImportError, AttributeError):
        return  # older ones look again by themselves

    def find_available_port(cache, ip):
        for _ in range(100):
            port = random.randrange(KERNEL_PORTS[0], KERNEL_PORTS[1])
            if port in cache.currently_used_ports:
                continue
            with socket.socket() as probe:
                try:
                    probe.bind((ip, port))
                except OSError:
                    continue
            cache.currently_used_ports.add(port)
            return port
        return usual(cache, ip)

    LocalPortCache.find_available_port = find_available_port


def serve(argv):
    # the folder of this file is not one to import from
    sys.path.pop(0)
    # jsonschema compiles a grammar that takes 2 s for formats that no event schema of the server uses
    sys.modules["rfc3987_syntax"] = None
    from jupyter_server.serverapp import ServerApp

    ports_of_their_own()

    class CgpuServer(ServerApp):
        # that file is readable by others and holds the token
        no_browser_open_file = True

    CgpuServer.launch_instance(argv)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2:])
    else:
        Supervisor(sys.argv[2]).run()
