"""
Terminals on the machine: a part of the agent (docs/agent-protocol.md). Standard library and ASCII only, Python 3.8 to 3.14.

Each terminal has a detached process of its own, the host, which holds the pty and the last of its output, and outlives the
control kernel and every client. The kernel talks to it by a socket in the terminal's folder: frames of `kind, offset, length`
and a payload. While a terminal lives, nothing of what is shown or typed there is on the disk.
"""

import json
import os
import re
import selectors
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import uuid

try:
    import fcntl
    import termios
except ImportError:  # Windows
    fcntl = termios = None

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}\Z")
ID = re.compile(r"[0-9a-f]{12}\Z")
CLIENT = re.compile(r"[0-9a-f]{16}\Z")
FRAME = struct.Struct("<cQI")  # kind, offset, payload length
OUTPUT, ANSWER, INPUT, KEYS, ASK = b"O", b"J", b"I", b"K", b"Q"  # of KEYS the answer goes to the client's reader, later

KEPT = 4 << 20  # output that a client can read again after its link was lost
SHOWN = 512 << 10  # of it, what a client that comes is shown
PIECE = 64 << 10
TYPED = 1 << 20  # input that the program has not read yet
HELD = 256 << 10  # a reader that is behind by more stops the program, as long as it goes on reading
STUCK = 2.0  # a reader that read nothing for so long stops nobody
TICK = 2.0
ENDED = 600.0  # how long an end is remembered
SILENT = 30.0  # a client that said nothing for so long does not look any more; it speaks every 10 s
MOST = 64  # terminals of one machine
GRACE = 3.0
TELL = 0.5  # a reader learns within so many seconds how much of its input was taken
TELL_BYTES = 32 << 10  # or after so many bytes
WORK = 0.05  # of a processor: a terminal that nobody watches and that takes more is in use


# ---------------------------------------------------------------- what is kept of the output

MODES = re.compile(rb"\x1b\[\?([0-9;]{1,64})([hl])")


def modes_of(data, modes=()):
    """The private modes that are on after `data`, in the order in which they were switched on."""
    found = dict.fromkeys(modes)
    for match in MODES.finditer(data):
        for number in match.group(1).split(b";"):
            if number:
                found.pop(int(number), None)
                if match.group(2) == b"h":
                    found[int(number)] = None
    return list(found)


class Ring:
    """The last of the output, by offset, and which modes were on where it begins."""

    def __init__(self, keep=KEPT):
        self.keep = keep
        self.data = bytearray()
        self.start = 0
        self.modes = []

    @property
    def end(self):
        return self.start + len(self.data)

    def add(self, data):
        self.data += data
        if len(self.data) > self.keep * 5 // 4:
            cut = self._line(len(self.data) - self.keep)
            self.modes = modes_of(self.data[:cut], self.modes)
            del self.data[:cut]
            self.start += cut

    def _line(self, at):
        """The next place where a line begins: no character and no sequence is cut there."""
        found = self.data.find(b"\n", at, at + PIECE)
        return at if found < 0 else found + 1

    def shown_from(self, most=SHOWN):
        return self.start if len(self.data) <= most else self.start + self._line(len(self.data) - most)

    def modes_at(self, offset):
        return modes_of(self.data[: offset - self.start], self.modes)

    def read(self, offset, most):
        return bytes(self.data[offset - self.start : offset - self.start + most])


# ---------------------------------------------------------------- the host: one process a terminal


class Peer:
    """A connection of a control kernel: it asks, or it reads the output."""

    def __init__(self, connection):
        self.connection = connection
        self.inbox = bytearray()
        self.outbox = bytearray()
        self.at = None  # of a reader: the next byte of output that it gets
        self.client = None
        self.size = None
        self.moved = time.monotonic()
        self.told_end = self.waits_for_end = False

    def put(self, kind, offset, payload):
        self.outbox += FRAME.pack(kind, offset, len(payload)) + payload

    def say(self, **fields):
        self.put(ANSWER, 0, json.dumps(fields).encode("ascii"))

    def frames(self):
        while len(self.inbox) >= FRAME.size:
            kind, offset, length = FRAME.unpack_from(self.inbox)
            if len(self.inbox) < FRAME.size + length:
                return
            payload = bytes(self.inbox[FRAME.size : FRAME.size + length])
            del self.inbox[: FRAME.size + length]
            yield kind, offset, payload


class Host:
    def __init__(self, folder, order):
        self.folder, self.order = folder, order
        self.home = os.path.dirname(os.path.dirname(folder))
        self.ring = Ring()
        self.peers = {}
        self.typed = bytearray()
        self.taken = {}  # by client: how many bytes of its input were taken
        self.told, self.to_tell = {}, set()  # what of it the client was told
        self.size = (order["rows"], order["cols"])
        self.later = []  # (time, work)
        self.used_at = self.touched = time.monotonic()  # when it was last looked after; when somebody came, went or typed
        self.spent = None
        self.killed = False
        self.end = None
        self.watched = 0  # of the pty, by the selector
        self.selector = selectors.DefaultSelector()
        self.listener = listen(folder)
        self.child, self.master = self._spawn()
        self.status = {
            "id": order["id"], "name": order["name"], "state": "running", "pid": self.child, "startedAt": time.time(),
            "argv": order["argv"], "cwd": order["cwd"], "token": order["token"], "owner": agent.owner_of(os.getpid()),
        }

    def _spawn(self):
        order = self.order
        master, slave = os.openpty()
        set_size(master, *self.size)  # before anybody can ask for it, or change it
        attributes = termios.tcgetattr(slave)
        attributes[0] |= getattr(termios, "IUTF8", 0x4000 if sys.platform.startswith("linux") else 0)
        termios.tcsetattr(slave, termios.TCSANOW, attributes)
        child = os.fork()
        if child == 0:
            try:
                os.setsid()
                fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
                for fd in (0, 1, 2):
                    os.dup2(slave, fd)
                for number in range(1, signal.NSIG):
                    try:
                        signal.signal(number, signal.SIG_DFL)
                    except (OSError, ValueError):
                        pass  # SIGKILL, SIGSTOP
                signal.pthread_sigmask(signal.SIG_SETMASK, [])
                os.closerange(3, 256)
                os.chdir(order["cwd"])
                os.execvpe(order["argv"][0], order["argv"], order["env"])
            except OSError as error:
                missing = isinstance(error, FileNotFoundError)
                os.write(2, ("cgpu: %s: %s\r\n" % (order["argv"][0], "command not found" if missing else error.strerror)).encode("utf-8", "replace"))
                os._exit(127 if missing else 126)
            except BaseException:
                os._exit(126)
        os.close(slave)
        os.set_blocking(master, False)
        return child, master

    def run(self, ready):
        for name in ("SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2"):
            signal.signal(getattr(signal, name), lambda _number, _frame: None)
        signal.signal(signal.SIGTERM, lambda _number, _frame: self.kill())
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        woken, wake = os.pipe()
        for fd in (woken, wake):
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(wake)
        self.selector.register(woken, selectors.EVENT_READ, "wake")
        self.selector.register(self.listener, selectors.EVENT_READ, "listener")
        agent.save_status(self.folder, self.status)
        agent.touch(os.path.join(self.folder, "heartbeat"))
        ready()
        while self.end is None:
            self._watch_master()
            for key, mask in self.selector.select(self._pause()):
                if key.data == "wake":
                    os.read(woken, 4096)
                else:
                    self._serve(key, mask)
            self._tend()
            self._look_for_end()
        self._tell_end()

    def _pause(self):
        now = time.monotonic()
        first = min([when for when, _ in self.later], default=now + TICK)
        return max(0.0, min(first - now, 0.1 if self._held() else TICK))

    def _watch_master(self):
        """What of the pty is waited for now."""
        if self.master is None:
            return
        wanted = (0 if self._held() else selectors.EVENT_READ) | (selectors.EVENT_WRITE if self.typed else 0)
        if wanted == self.watched:
            return
        if not self.watched:
            self.selector.register(self.master, wanted, "master")
        elif not wanted:
            self.selector.unregister(self.master)
        else:
            self.selector.modify(self.master, wanted, "master")
        self.watched = wanted

    def _held(self):
        """A reader that is slow slows the program; one whose link is dead does not."""
        now = time.monotonic()
        return any(
            peer.at is not None and self.ring.end - peer.at > HELD and now - peer.moved < STUCK for peer in self.peers.values()
        )

    def _serve(self, key, mask):
        if key.data == "listener":
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.setblocking(False)
            self.peers[connection.fileno()] = Peer(connection)
            self.selector.register(connection, selectors.EVENT_READ, "peer")
        elif key.data == "master":
            if mask & selectors.EVENT_READ:
                self._read()
            if mask & selectors.EVENT_WRITE:
                self._write()
        elif key.fd in self.peers:
            peer = self.peers[key.fd]
            if mask & selectors.EVENT_READ:
                self._hear(peer)
            if key.fd in self.peers:
                self._flush(peer)

    def _read(self):
        """True while there may be more."""
        if self.master is None:
            return False
        try:
            data = os.read(self.master, PIECE)
        except BlockingIOError:
            return False
        except OSError:  # nobody holds the other end any more
            data = b""
        if not data:
            self._close_master()
            return False
        self.ring.add(data)
        for peer in list(self.peers.values()):
            self._flush(peer)
        return True

    def _close_master(self):
        if self.watched:
            self.selector.unregister(self.master)
        os.close(self.master)
        self.master, self.watched = None, 0

    def _write(self):
        while self.typed and self.master is not None:
            try:
                done = os.write(self.master, self.typed[:4096])
            except OSError:
                return
            del self.typed[:done]

    def _hear(self, peer):
        try:
            data = peer.connection.recv(PIECE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            return self._drop(peer)
        peer.inbox += data
        for kind, offset, payload in peer.frames():
            if kind == INPUT:
                peer.say(**self._take(offset, payload[:16].decode("ascii"), payload[16:]))
            elif kind == KEYS:
                client = payload[:16].decode("ascii")
                self._tell_taken(client, self._take(offset, client, payload[16:]))
            else:
                getattr(self, "_on_" + kind_of(payload))(peer, json.loads(payload))

    def _take(self, offset, client, data):
        taken = self.taken.pop(client, 0)
        self.taken[client] = taken  # the newest last
        if data:
            self.touched = time.monotonic()
        while len(self.taken) > 256:
            oldest = next(iter(self.taken))
            del self.taken[oldest]
            self.told.pop(oldest, None)
        if offset > taken:
            return {"gap": taken}
        fresh = data[taken - offset :][: max(0, TYPED - len(self.typed))]
        if fresh:
            self.typed += fresh
            self.taken[client] = taken + len(fresh)
            self._use(client)  # first, so that what is typed finds the size of who typed it
            self._write()
        size = self.taken[client]
        return {"size": size} if size >= offset + len(data) else {"size": size, "full": True}

    def _tell_taken(self, client, answer):
        """At once what needs to be sent again; the rest now and then, so that no key is held up by it."""
        again = "gap" in answer or "full" in answer
        if again or self.taken[client] - self.told.get(client, 0) >= TELL_BYTES:
            self._tell_now(client, again)
        elif client not in self.to_tell:
            self.to_tell.add(client)
            self.later.append((time.monotonic() + TELL, lambda: self._tell_now(client, False)))

    def _tell_now(self, client, again):
        self.to_tell.discard(client)
        taken = self.taken.get(client, 0)
        if taken == self.told.get(client) and not again:
            return
        for reader in [one for one in self.peers.values() if one.client == client]:
            self.told[client] = taken
            reader.say(taken=taken, again=again)
            self._flush(reader)

    def _use(self, client):
        """The terminal is as big as that of whoever used it last."""
        for reader in self.peers.values():
            if reader.client == client and reader.size:
                self._resize(reader.size)

    def _resize(self, size):
        if size != self.size and self.master is not None:
            self.size = size
            set_size(self.master, *size)

    def _on_attach(self, peer, asked):
        for other in [one for one in self.peers.values() if one.client == asked["client"]]:
            self._drop(other)  # its link was lost without a word
        ring, offset = self.ring, asked.get("offset")
        self.touched = time.monotonic()
        comes = offset is None
        peer.client, peer.size = asked["client"], (asked["rows"], asked["cols"])
        peer.at = ring.shown_from() if comes else max(ring.start, min(offset, ring.end))
        lost = comes or peer.at != offset
        peer.say(
            begin=peer.at, size=ring.end, taken=self.taken.get(peer.client, 0), modes=ring.modes_at(peer.at) if lost else [],
            missed=0 if comes else max(0, peer.at - offset),
        )
        same = peer.size == self.size
        self._resize(peer.size)
        if lost and same and ring.end > 0 and any(mode in (47, 1047, 1049) for mode in ring.modes_at(ring.end)):
            self._redraw()

    def _redraw(self):
        """Programs that fill the screen draw it anew when its size changes."""
        rows, cols = size = self.size
        self._resize((rows - 1 or 2, cols))
        self.later.append((time.monotonic() + 0.1, lambda: self._resize(size) if self.size == (rows - 1 or 2, cols) else None))

    def _on_resize(self, peer, asked):
        size = (asked["rows"], asked["cols"])
        for reader in self.peers.values():
            if reader.client == asked["client"]:
                reader.size = size
        self._resize(size)
        if asked.get("redraw"):
            self._redraw()
        peer.say()

    def _on_detach(self, peer, asked):
        for reader in [one for one in self.peers.values() if one.client == asked["client"]]:
            self._drop(reader)
            self.touched = time.monotonic()
        peer.say()

    def _on_show(self, peer, _asked):
        peer.say(
            clients=sum(one.at is not None for one in self.peers.values()), rows=self.size[0], cols=self.size[1],
            foreground=self._foreground(), bytes=self.ring.end, idle=time.monotonic() - self.touched,
        )

    def _on_kill(self, peer, _asked):
        peer.waits_for_end = True
        self.kill()

    def _on_unknown(self, peer, _asked):
        peer.say(unknown=True)

    def _foreground(self):
        try:
            with open("/proc/%d/comm" % os.tcgetpgrp(self.master), encoding="utf-8", errors="replace") as file:
                return file.read().strip()
        except (OSError, TypeError):
            return None

    def _flush(self, peer):
        ring = self.ring
        try:
            while True:
                if not peer.outbox and peer.at is not None:
                    if peer.at < ring.start:
                        missed, peer.at = ring.start - peer.at, ring.start
                        peer.say(begin=peer.at, size=ring.end, modes=ring.modes, missed=missed)
                    elif peer.at < ring.end:
                        data = ring.read(peer.at, PIECE)
                        peer.put(OUTPUT, peer.at, data)
                        peer.at += len(data)
                if not peer.outbox:
                    break
                done = peer.connection.send(peer.outbox)
                peer.moved = time.monotonic()
                del peer.outbox[:done]
        except BlockingIOError:
            pass
        except OSError:
            return self._drop(peer)
        self.selector.modify(peer.connection, selectors.EVENT_READ | (selectors.EVENT_WRITE if peer.outbox else 0), "peer")

    def _drop(self, peer):
        self.peers.pop(peer.connection.fileno(), None)
        self.selector.unregister(peer.connection)
        peer.connection.close()

    def kill(self):
        if self.killed or self.end is not None:
            return
        self.killed = True
        self._signal(signal.SIGHUP)
        self._signal(signal.SIGCONT)
        self.later.append((time.monotonic() + GRACE, lambda: self._signal(signal.SIGKILL)))

    def _signal(self, number):
        agent.kill_groups(self.child, agent.job_processes(self.child), number)

    def _tend(self):
        now = time.monotonic()
        due = [work for when, work in self.later if when <= now]
        self.later = [(when, work) for when, work in self.later if when > now]
        for work in due:
            work()
        if now - self.used_at >= TICK:
            elapsed, self.used_at = now - self.used_at, now
            # work that goes on without anybody who looks at it is use too; a prompt that waits is not
            if any(peer.at is not None for peer in self.peers.values()) or self._works(elapsed):
                agent.used(self.home)
            if self.status["owner"]["start"] is None:  # no /proc: it is by this that others see us live
                agent.touch(os.path.join(self.folder, "heartbeat"))
            if not os.path.isdir(self.folder):
                self.kill()  # the agent's home was removed: nobody can come any more

    def _works(self, elapsed):
        if agent.load_lease(self.home) is None:
            return False
        spent, before = processor_time(self.child), self.spent
        self.spent = spent
        return before is not None and spent - before > WORK * elapsed

    def _look_for_end(self):
        try:
            pid, status = os.waitpid(self.child, os.WNOHANG)
        except ChildProcessError:
            pid, status = self.child, 0
        if pid == 0:
            return
        until = time.monotonic() + 1  # what it left in the background may go on writing
        while self._read() and time.monotonic() < until:
            pass
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
        self.end = {
            "exitCode": os.WEXITSTATUS(status) if number is None else 128 + number,
            "signal": agent._signal_name(number), "killed": self.killed,
        }

    def _tell_end(self):
        """What is left of the output, and how it ended, to whoever reads; on the disk for whoever comes later."""
        ring = self.ring
        if self.master is not None:
            self._close_master()
        self.status.update(self.end, state="exited", endedAt=time.time(), start=ring.start, size=ring.end, modes=ring.modes)
        try:
            agent.write_private(os.path.join(self.folder, "output"), bytes(ring.data))
        except OSError:
            self.status["start"] = ring.end  # a full disk
        try:
            agent.save_status(self.folder, self.status)
            saved = True
        except OSError:
            saved = False
        until = time.monotonic() + 5
        while self.peers and time.monotonic() < until:
            for peer in list(self.peers.values()):
                there = peer.at is None or peer.at == ring.end
                if there and not peer.told_end and (peer.at is not None or peer.waits_for_end):
                    peer.told_end = True
                    peer.say(end=self.end, size=ring.end)
                self._flush(peer)
            if all(not peer.outbox and (peer.told_end or peer.at is None) for peer in self.peers.values()):
                break
            for key, mask in self.selector.select(0.1):
                if key.data in ("listener", "peer"):
                    self._serve(key, mask)
        self.listener.close()
        if not saved and os.path.isdir(self.folder):
            agent.save_status(self.folder, self.status, patient=True)


def kind_of(payload):
    op = json.loads(payload).get("op")
    return op if op in ("attach", "resize", "detach", "show", "kill") else "unknown"


def set_size(fd, rows, cols):
    try:
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
    except OSError:
        pass  # it is about to end


def processor_time(leader):
    """Seconds of processor time that a terminal's processes have taken; 0 where there is no /proc."""
    ticks = 0
    for name in os.listdir("/proc") if os.path.isdir("/proc/self") else []:
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name, "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == leader:
                ticks += sum(int(field) for field in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def host(agent_file, folder):
    if os.fork():
        os._exit(0)  # the second process has no parent that could wait for it or end it
    order = json.loads(sys.stdin.buffer.read())

    def ready():
        os.write(1, b"ok\n")
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 0)
        os.dup2(null, 1)
        os.close(null)

    Host(folder, order).run(ready)


# ---------------------------------------------------------------- the socket


def _short(folder):
    """
    (a path of the folder that fits into a socket's address, what removes it afterwards). A socket's path has at most 107 bytes
    on Linux, 103 elsewhere.
    """
    if len(os.fsencode(folder)) < 90:
        return folder, lambda: None
    around = tempfile.mkdtemp(prefix="cgpu-")
    link = os.path.join(around, "t")
    os.symlink(folder, link)
    return link, lambda: shutil.rmtree(around, ignore_errors=True)


def listen(folder):
    place, tidy = _short(folder)
    try:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(os.path.join(place, "socket"))
    finally:
        tidy()
    os.chmod(os.path.join(folder, "socket"), 0o600)
    listener.listen(16)
    listener.setblocking(False)
    return listener


class Line:
    """A connection to a terminal's host."""

    def __init__(self, folder):
        place, tidy = _short(folder)
        try:
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.socket.settimeout(5)
            self.socket.connect(os.path.join(place, "socket"))
        except OSError:
            self.socket.close()
            raise
        finally:
            tidy()
        self.inbox = bytearray()

    def send(self, kind, offset, payload):
        self.socket.settimeout(5)
        self.socket.sendall(FRAME.pack(kind, offset, len(payload)) + payload)

    def next(self, seconds):
        """(kind, offset, payload); None when nothing came in time. EOFError when the host has closed it."""
        while True:
            if len(self.inbox) >= FRAME.size:
                kind, offset, length = FRAME.unpack_from(self.inbox)
                if len(self.inbox) >= FRAME.size + length:
                    payload = bytes(self.inbox[FRAME.size : FRAME.size + length])
                    del self.inbox[: FRAME.size + length]
                    return kind, offset, payload
            self.socket.settimeout(seconds)
            try:
                data = self.socket.recv(4 * PIECE)
            except socket.timeout:
                return None
            except OSError:
                raise EOFError
            if not data:
                raise EOFError
            self.inbox += data

    def ask(self, seconds, op, **fields):
        self.send(ASK, 0, json.dumps(dict(fields, op=op)).encode("ascii"))
        return self.answer(seconds)

    def answer(self, seconds):
        found = self.next(seconds)
        if found is None:
            raise EOFError
        return json.loads(found[2])

    def close(self):
        self.socket.close()


# ---------------------------------------------------------------- in the control kernel


def _root(home):
    return os.path.join(home, "terminals")


def _folder(control, data):
    name = data.get("terminal")
    if not isinstance(name, str) or not ID.match(name):
        raise agent.Refusal("BAD_REQUEST", "terminal must be an id")
    folder = os.path.join(_root(control.home), name)
    if not os.path.isdir(folder):
        raise agent.Refusal("NOT_FOUND", "no such terminal: %s" % name)
    return folder


def _client(data):
    client = data.get("client")
    if not isinstance(client, str) or not CLIENT.match(client):
        raise agent.Refusal("BAD_REQUEST", "client must be 16 hex digits")
    return client


def _size(data):
    rows, cols = (agent._count(data, name) for name in ("rows", "cols"))
    if not (0 < rows < 10000 and 0 < cols < 10000):
        raise agent.Refusal("BAD_REQUEST", "rows or cols is out of range")
    return rows, cols


def _status(folder):
    """As it is now; None when nothing is known, or it is gone."""
    status = agent._load(os.path.join(folder, "status.json"))
    if status is None:
        return None
    if status.get("state") != "exited" and not agent._owner_alive(status.get("owner"), os.path.join(folder, "heartbeat")):
        status = agent._load(os.path.join(folder, "status.json")) or status  # it may have ended while we looked
        if status.get("state") != "exited":
            status["state"] = "lost"
    return status


def _terminals(home):
    """(folder, status) of all that are known; what ended long ago is removed."""
    found = []
    try:
        names = os.listdir(_root(home))
    except OSError:
        names = []
    for name in names:
        folder = os.path.join(_root(home), name)
        if not ID.match(name):
            continue
        status = _status(folder)
        try:
            age = time.time() - ((status or {}).get("endedAt") or os.stat(folder).st_mtime)
        except OSError:
            continue
        if age > ENDED and (status is None or status["state"] != "running"):
            shutil.rmtree(folder, ignore_errors=True)
        elif status is not None:
            found.append((folder, status))
    return found


def _public(status, **more):
    names = ("id", "name", "state", "pid", "startedAt", "argv", "cwd")
    return dict({name: status.get(name) for name in names}, **more)


def _login_shell():
    try:
        import pwd

        known = pwd.getpwuid(os.getuid()).pw_shell
    except (ImportError, KeyError):
        known = None
    for path in (os.environ.get("SHELL"), known, "/bin/bash", "/bin/sh"):
        if path and os.path.isabs(path) and os.access(path, os.X_OK) and os.path.basename(path) not in ("nologin", "false"):
            return path
    return "/bin/sh"


def _known_term(term, env):
    """The client's terminal where this machine knows it, else the one that nearly all are like."""
    folders = [env.get("TERMINFO"), os.path.expanduser("~/.terminfo"), "/etc/terminfo", "/lib/terminfo", "/usr/share/terminfo", "/usr/lib/terminfo"]
    if not re.match(r"[A-Za-z0-9][A-Za-z0-9+._-]{0,63}\Z", term):
        return "xterm-256color"
    places = [os.path.join(folder, part, term) for folder in folders if folder for part in (term[0], "%x" % ord(term[0]))]
    return term if any(os.path.exists(place) for place in places) else "xterm-256color"


def _order(control, data):
    shell = _login_shell()
    argv, line = data.get("argv"), agent._maybe(data, "shell", str)
    if argv is not None:
        argv = agent._argv(argv, "argv")
    elif line is not None:
        argv = [shell, "-c", agent._text(line, "shell")]
    else:
        argv = [shell, "-l"]
    given = agent._maybe(data, "env", dict, {})
    for name, value in given.items():
        if not name or "=" in name or "\0" in name:
            raise agent.Refusal("BAD_REQUEST", "env has a name that is not one")
        agent._text(value, "env %s" % name)
    env = agent.job_environment(given)
    if "PYTHONUNBUFFERED" not in given and "PYTHONUNBUFFERED" not in os.environ:
        env.pop("PYTHONUNBUFFERED", None)  # for logs; not here
    env["TERM"] = _known_term(agent._maybe(data, "term", str, ""), env)
    env.setdefault("SHELL", shell)
    if not any(env.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG")):
        env["LANG"] = "C.UTF-8"
    cwd = agent._path(data, control.workdir, "cwd") if data.get("cwd") is not None else control.workdir
    if not os.path.isdir(cwd):
        raise agent.Refusal("NOT_FOUND", "no such folder: %s" % agent._shown(cwd))
    rows, cols = _size(data)
    return {"argv": argv, "cwd": cwd, "env": env, "rows": rows, "cols": cols, "token": agent._maybe(data, "token", str)}


def open_terminal(control, data, _buffers):
    """A terminal of that name that is there, or a new one; without a name always a new one, numbered."""
    if termios is None:
        raise agent.Refusal("UNSUPPORTED", "this machine's system has no terminals that programs can use")
    name = agent._maybe(data, "name", str)
    if name is not None and not NAME.match(name):
        raise agent.Refusal("BAD_REQUEST", "a terminal's name has letters, digits, dots, dashes and underscores, 32 at most")
    home_file = agent.ensure_home(control.home)
    root = agent._private_folder(_root(control.home))
    lock = os.open(os.path.join(root, "lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)  # not lockf: two threads of one kernel may come at once
        live = [status for _, status in _terminals(control.home) if status["state"] == "running"]
        order = None
        for status in live:
            ours = data.get("token") is not None and status.get("token") == data["token"]
            if ours or (name is not None and status["name"] == name):
                return {"attached": not ours, "terminal": _public(status)}
        if agent._maybe(data, "there", bool, False):
            raise agent.Refusal("NOT_FOUND", "no terminal %s" % name)
        if len(live) >= MOST:
            raise agent.Refusal("BAD_REQUEST", "this machine has %d terminals; end some of them first" % len(live))
        order = _order(control, data)
        names = {status["name"] for status in live}
        order["name"] = name or next(str(number) for number in range(1, MOST + 2) if str(number) not in names)
        return {"attached": False, "terminal": _public(_launch(home_file, root, order))}
    finally:
        os.close(lock)


def _launch(agent_file, root, order):
    order["id"] = uuid.uuid4().hex[:12]
    folder = os.path.join(root, order["id"])
    os.mkdir(folder, 0o700)
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON") or name == "PYTHONHOME"}
    errors = os.path.join(folder, "host.err")
    try:
        with open(os.open(errors, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-S", "-s", __file__, "host", agent_file, folder],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=file, cwd=folder, env=env, start_new_session=True
            )
        try:
            process.stdin.write(json.dumps(order).encode("ascii"))
            process.stdin.close()
        except OSError:
            pass  # it died: the missing answer below says so
        answer = process.stdout.readline()
        process.stdout.close()
        process.wait()  # the first of the double fork
        if answer.strip() != b"ok":
            with open(errors, "rb") as file:
                tail = file.read()[-500:].decode("utf-8", "replace").strip()
            raise agent.Refusal("START_FAILED", "the terminal did not start: %s" % (tail.splitlines()[-1] if tail else "it ended without a word"))
        return agent._load(os.path.join(folder, "status.json"))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def list_terminals(control, _data, _buffers):
    found = []
    for folder, status in _terminals(control.home):
        if status["state"] != "running":
            continue
        try:
            line = Line(folder)
            try:
                found.append(_public(status, **line.ask(2, "show")))
            finally:
                line.close()
        except (OSError, EOFError):
            continue  # it ended just now
    return {"terminals": sorted(found, key=lambda one: one["startedAt"], reverse=True)}


def kill_terminal(control, data, _buffers):
    """Ends its programs: SIGHUP, and SIGKILL after 3 s. Answers when it is over."""
    try:
        line = Line(_folder(control, data))
        try:
            line.ask(GRACE + 7, "kill")
        finally:
            line.close()
    except (OSError, EOFError):
        pass  # it ended by itself
    return {}


def _asked(control, data, work):
    """Something that the host answers at once, by a line that is kept; by another one when that has broken."""
    lines, folder = control.__dict__.setdefault("terminal_lines", {}), _folder(control, data)
    for last in (False, True):
        line = lines.pop(folder, None)
        try:
            line = line or Line(folder)
            answer = work(line)
            lines[folder] = line
            return answer
        except (OSError, EOFError):
            if line is not None:
                line.close()
            if last:
                raise agent.Refusal("NOT_RUNNING", "the terminal has ended")


def type_input(control, data, buffers):
    """Input by a client's own offset: what was taken before is not taken again. Answers how much was taken so far."""
    client, offset, typed = _client(data), agent._count(data, "offset"), agent._one(buffers)

    def work(line):
        line.send(INPUT, offset, client.encode("ascii") + typed)
        return line.answer(5)

    answer = _asked(control, data, work)
    if "gap" in answer:
        raise agent.Refusal("GAP", "input is missing before %d" % offset)
    return {"size": answer["size"]}


def keys(control, data, buffers):
    """
    Keys go from the kernel's main thread to the host, past the queue and without an answer: each thread and each message on the
    way would be felt. What is lost is noticed by its offset, and sent again.
    """
    lines, line = control.__dict__.setdefault("key_lines", {}), None
    try:
        folder, client, offset = _folder(control, data), _client(data), agent._count(data, "offset")
        line = lines.pop(folder, None) or Line(folder)
        line.send(KEYS, offset, client.encode("ascii") + agent._one(buffers))
        lines[folder] = line
    except (OSError, agent.Refusal):
        if line is not None:
            line.close()


def resize(control, data, _buffers):
    client, (rows, cols) = _client(data), _size(data)
    redraw = agent._maybe(data, "redraw", bool, False)
    _asked(control, data, lambda line: line.ask(5, "resize", client=client, rows=rows, cols=cols, redraw=redraw))
    return {}


def detach(control, data, _buffers):
    client = _client(data)
    _asked(control, data, lambda line: line.ask(5, "detach", client=client))
    return {}


def attach(control, data, _buffers):
    """Pushes the output: what is kept of it when a client comes, what it lacks when it comes back with an offset."""
    folder, client, (rows, cols) = _folder(control, data), _client(data), _size(data)
    offset = None if data.get("offset") is None else agent._count(data, "offset")
    # a thread that reads the echo would else wait up to 5 ms for the one that passes keys on; this kernel is ours alone
    sys.setswitchinterval(min(sys.getswitchinterval(), 0.0002))
    number, stream = data["id"], agent.Stream(agent._count(data, "credit"))
    stop = stream.stop
    control.streams[number] = stream
    line = None
    try:
        try:
            line = Line(folder)
            shut = line.socket.shutdown

            def stop_both():
                stop()
                try:
                    shut(socket.SHUT_RDWR)
                except OSError:
                    pass

            stream.stop = stop_both
            line.send(ASK, 0, json.dumps({"op": "attach", "client": client, "offset": offset, "rows": rows, "cols": cols}).encode("ascii"))
            answer, offset = _pass_on(control, number, line, stream, offset)
            if answer:
                return answer
        except (OSError, EOFError):
            pass
        if stream.stopped or time.monotonic() - control.seen >= SILENT:
            return {"end": True, "offset": offset or 0, "stopped": True}
        return _afterwards(control, number, folder, stream, offset)
    finally:
        stream.stop = stop
        control.streams.pop(number, None)
        if line:
            line.close()


def _pass_on(control, number, line, stream, offset):
    """(the answer when the terminal is over, else None; where the output was read to)."""
    begun = False
    while not stream.stopped and time.monotonic() - control.seen < SILENT:
        found = None
        try:
            if stream.wait_for_room(agent.ALIVE_EVERY) > 0:
                found = line.next(agent.ALIVE_EVERY)
        except EOFError:
            return None, offset
        if found is None:
            if begun:  # a client that hears anything else first has missed the beginning
                control.send({"id": number, "offset": offset, "n": 0})
            continue
        kind, at, payload = found
        if kind == OUTPUT:
            stream.grant(-len(payload))
            control.send({"id": number, "offset": at, "n": len(payload)}, [payload])
            offset = at + len(payload)
            continue
        answer = json.loads(payload)
        if "end" in answer:
            return dict(answer["end"], end=True, offset=answer["size"]), offset
        if "begin" not in answer:
            control.send(dict(answer, id=number, offset=offset, n=0))
            continue
        begun, offset = True, answer["begin"]
        control.send(dict(answer, id=number, offset=offset, n=0))
    return None, offset


def _afterwards(control, number, folder, stream, offset):
    """Of a terminal without a host: what it left."""
    deadline = time.monotonic() + 3
    status = _status(folder)
    while status is not None and status["state"] == "running" and time.monotonic() < deadline:
        if not os.path.exists(os.path.join(folder, "socket")):
            break
        try:
            line = Line(folder)
            try:
                line.ask(5, "show")
            finally:
                line.close()
            return {"end": True, "offset": offset or 0, "detached": True}
        except (OSError, EOFError):
            time.sleep(0.05)  # it is about to write how it ended
            status = _status(folder)
    if status is None or status["state"] != "exited":
        return {"end": True, "offset": offset or 0, "lost": True}
    ring = Ring()
    try:
        with open(os.path.join(folder, "output"), "rb") as file:
            ring.data = bytearray(file.read())
    except OSError:
        pass
    ring.start, ring.modes = status["size"] - len(ring.data), status.get("modes", [])
    at = ring.shown_from() if offset is None else max(ring.start, min(offset, ring.end))
    missed = 0 if offset is None else at - min(offset, ring.end)
    control.send({"id": number, "begin": at, "size": ring.end, "modes": ring.modes_at(at), "missed": missed, "offset": at, "n": 0})
    while at < ring.end and not stream.stopped and not control._gone():
        room = stream.wait_for_room(agent.ALIVE_EVERY)
        data = ring.read(at, min(PIECE, room)) if room > 0 else b""
        stream.grant(-len(data))
        control.send({"id": number, "offset": at, "n": len(data)}, [data] if data else None)
        at += len(data)
    if at < ring.end:
        return {"end": True, "offset": at, "stopped": True}
    return {"end": True, "offset": at, "exitCode": status.get("exitCode"), "signal": status.get("signal"), "killed": status.get("killed", False)}


QUICK = {"input": type_input, "resize": resize, "detach": detach}
TOLD = {"input": keys}
LONG = {"open": open_terminal, "terminals": list_terminals, "kill": kill_terminal, "attach": attach}


if __name__ == "__main__":
    import importlib.util

    sys.dont_write_bytecode = True
    spec = importlib.util.spec_from_file_location("cgpu_agent", sys.argv[2])
    agent = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(agent)
    host(sys.argv[2], sys.argv[3])
