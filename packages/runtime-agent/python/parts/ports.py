"""Connections to ports, many over one link that may be cut: a part of the agent (docs/agent-protocol.md). Standard library and ASCII only, Python 3.8 to 3.14."""

import collections
import errno
import json
import selectors
import socket
import struct
import threading
import time

FRAME = struct.Struct("<BII")  # kind, connection, payload length
OPEN, DATA, EOF, RESET, CREDIT = 1, 2, 3, 4, 5
OURS = 0x80000000  # set in the ids of connections that began here: at a listener
PIECE = 256 * 1024  # what is read of one connection before the next has its turn
BATCH = 1024 * 1024  # frames of about so many bytes go in one message
WINDOW = 16 * 1024 * 1024  # the largest credit that is taken from a client
CONNECT = 15.0  # seconds that a connection has to come about
ALIVE = 5.0  # a client hears from us at least this often
KEPT = 600.0  # a tunnel whose client gave no sign of life for so long is ended
GOODBYE = 2.0  # seconds that whoever closes a tunnel waits for its end
TELL = 8  # after so many batches a client is told that they came
MESSAGES, BURST = 600.0, 300.0  # a second, and at once: servers drop what is more than 1000 a second over 3 s

_tunnels = {}  # by name: they belong to the machine, not to a link
_lock = threading.Lock()


class Connection:
    """One socket. What was given for it waits in `out`, `credit` bytes at most; `room` is what may be read of it."""

    def __init__(self, number, credit):
        self.number = number
        self.credit = self.room = credit
        self.sock = None
        self.out = collections.deque()
        self.waiting = 0  # bytes in `out`
        self.done = 0  # bytes written since credit was last given back
        self.events = 0
        self.ended = False  # nothing more comes from the socket
        self.to_end = False  # after `out` it is told that nothing more comes
        self.told_end = False

    def wanted(self):
        reads = selectors.EVENT_READ if self.room > 0 and not self.ended else 0
        return reads | (selectors.EVENT_WRITE if self.out else 0)

    def write(self):
        """As much as the socket takes now; bytes that credit is to be given back for, once they are a quarter of it."""
        while self.out:
            try:
                count = self.sock.send(self.out[0])
            except (BlockingIOError, InterruptedError):
                break
            self.waiting -= count
            self.done += count
            if count < len(self.out[0]):
                self.out[0] = self.out[0][count:]
            else:
                self.out.popleft()
        if not self.out and self.to_end and not self.told_end:
            self.told_end = True
            try:
                self.sock.shutdown(socket.SHUT_WR)
            except OSError as error:
                if error.errno != errno.ENOTCONN:  # the other end has gone, having said all it had to say
                    raise
        back, enough = self.done, self.credit // 4
        if back < enough:
            return 0
        self.done = 0
        return back

    def over(self):
        return self.ended and self.told_end

    def close(self, abort=False):
        if self.sock is None:
            return
        try:
            if abort:  # the other end is to see that this is no end of data
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
        self.sock.close()


class Tunnel:
    """
    Frames in batches, numbered in both directions. What the client has not confirmed is kept, within the credit that it gave, and
    sent again to a client that comes back; what came before is not taken twice. One thread reads the sockets and talks.
    """

    def __init__(self, name, owner=None):
        self.name = name
        self.owner = owner  # what its client is called by others that know when it is gone
        self.lock = threading.RLock()
        self.connections = {}
        self.listeners = {}  # socket -> (name, credit)
        self.frames = []  # of the next batch
        self.unconfirmed = collections.deque()  # (number, bytes)
        self.sent = self.received = self.told = 0
        self.hole = False
        self.client = None  # (control, id of its stream)
        self.returning = None  # up to which batch a client that came back has them
        self.heard = time.monotonic()  # of the client, attached or not: one that was killed says no goodbye
        self.closed = False
        self.over = threading.Event()
        self.next = OURS
        self.changed = []  # connections that the loop has to look at
        self.selector = selectors.DefaultSelector()
        self.bell, self.ear = socket.socketpair()
        for end in (self.bell, self.ear):
            end.setblocking(False)
        self.selector.register(self.ear, selectors.EVENT_READ, None)
        threading.Thread(target=self._run, name="cgpu-ports", daemon=True).start()

    # called by any thread

    def ring(self):
        try:
            self.bell.send(b"x")
        except OSError:
            pass  # full: it rings already; closed: nobody is to be woken

    def attach(self, control, number, received):
        with self.lock:
            self.client = (control, number)
            self.heard = time.monotonic()
            self.returning = received
        self.ring()

    def detach(self, number):
        with self.lock:
            if self.client and self.client[1] == number:
                self.client = None

    def close(self):
        with self.lock:
            self.closed = True
        self.ring()

    def take(self, number, confirmed, batch):
        """A batch of the client's. One that came before is nothing new; after one that did not come, nothing is taken."""
        with self.lock:
            self.heard = time.monotonic()
            self._confirm(confirmed)
            if batch is None or number <= self.received:
                return
            if number > self.received + 1:
                self.hole = True
                return self.ring()
            self.received = number
            for kind, name, payload in frames_of(batch):
                self._frame(kind, name, payload)
            if self.frames or self.changed or self.received - self.told >= TELL:
                self.ring()

    def listen(self, name, host, port, credit):
        with self.lock:
            for sock, (known, _) in self.listeners.items():
                if known == name:
                    return sock.getsockname()[1]
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            sock = socket.socket(family, socket.SOCK_STREAM)
            try:
                if not agent.WINDOWS:  # there it means that others may listen too
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind((host, port))
                sock.listen(128)
                sock.setblocking(False)
            except OSError as error:
                sock.close()
                raise agent.Refusal("EXISTS" if error.errno == errno.EADDRINUSE else "DENIED", "cannot listen on port %d: %s" % (port, error.strerror))
            self.listeners[sock] = (name, credit)
            self.changed.append(sock)
        self.ring()
        return sock.getsockname()[1]

    # with the lock held

    def _confirm(self, number):
        while self.unconfirmed and self.unconfirmed[0][0] <= number:
            self.unconfirmed.popleft()

    def _say(self, kind, name, payload=b""):
        self.frames.append(FRAME.pack(kind, name, len(payload)))
        if payload:
            self.frames.append(payload)

    def _frame(self, kind, name, payload):
        if kind == OPEN:
            return self._open(name, json.loads(bytes(payload).decode("utf-8")))
        connection = self.connections.get(name)
        if connection is None:
            return  # it was over before this came
        if kind == DATA:
            connection.waiting += len(payload)
            if connection.waiting > connection.credit:
                return self._fail(connection, "PROTOCOL", "more than there was credit for")
            connection.out.append(payload)
            self._write(connection)
        elif kind == EOF:
            connection.to_end = True
            self._write(connection)
        elif kind == RESET:
            self._drop(connection, True)
        elif kind == CREDIT:
            connection.room += struct.unpack("<I", payload)[0]
            self.changed.append(connection)

    def _open(self, name, asked):
        connection = self.connections[name] = Connection(name, min(int(asked["credit"]), WINDOW))
        threading.Thread(target=self._connect, args=(connection, asked["host"], asked["port"]), daemon=True).start()

    def _connect(self, connection, host, port):
        try:
            sock = socket.create_connection((host, port), CONNECT)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setblocking(False)
        except Exception as error:
            with self.lock:
                self._fail(connection, *why(error))
            return self.ring()
        with self.lock:
            connection.sock = sock
            if self.connections.get(connection.number) is not connection:
                return connection.close(True)  # given up meanwhile
            self._write(connection)
            self.changed.append(connection)
        self.ring()

    def _write(self, connection):
        if connection.sock is None:
            return
        try:
            back = connection.write()
        except OSError as error:
            return self._fail(connection, *why(error))
        if back:
            self._say(CREDIT, connection.number, struct.pack("<I", back))
        if connection.out or connection.over():
            self.changed.append(connection)

    def _fail(self, connection, code, message):
        self._say(RESET, connection.number, json.dumps({"code": code, "message": message}).encode("ascii"))
        self._drop(connection, True)

    def _drop(self, connection, abort):
        if self.connections.pop(connection.number, None) is None:
            return
        if connection.events:
            self.selector.unregister(connection.sock)
            connection.events = 0
        connection.out.clear()
        connection.close(abort)

    # in the loop's thread

    def _run(self):
        try:
            tokens, filled = BURST, time.monotonic()
            heard = filled
            while not self.closed:
                ready = self.selector.select(ALIVE)
                now = time.monotonic()
                with self.lock:
                    for key, events in ready:
                        self._ready(key, events)
                    self._settle()
                    batches, client = self._batches(now, heard)
                if now - self.heard > KEPT:
                    self.closed = True
                for data, buffers in batches:
                    heard = now
                    client[0].send(dict(data, id=client[1]), buffers)
                tokens = min(BURST, tokens + (now - filled) * MESSAGES) - len(batches)
                filled = now
                if tokens < 0:
                    time.sleep(-tokens / MESSAGES)
        finally:
            self._end()

    def _ready(self, key, events):
        subject = key.data
        if subject is None:
            try:
                self.ear.recv(4096)
            except OSError:
                pass
        elif not isinstance(subject, Connection):
            self._accept(key.fileobj, *subject)
        elif self.connections.get(subject.number) is subject:
            if events & selectors.EVENT_WRITE:
                self._write(subject)
            if events & selectors.EVENT_READ:
                self._read(subject)
            self.changed.append(subject)

    def _accept(self, sock, name, credit):
        try:
            accepted, _ = sock.accept()
        except OSError:
            return
        accepted.setblocking(False)
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.next += 1
        connection = self.connections[self.next] = Connection(self.next, credit)
        connection.sock = accepted
        self._say(OPEN, self.next, json.dumps({"listener": name, "credit": credit}).encode("ascii"))
        self.changed.append(connection)

    def _read(self, connection):
        room = min(PIECE if len(self.connections) > 1 else BATCH, connection.room)
        while room > 0 and not connection.ended:
            try:
                data = connection.sock.recv(min(room, PIECE))
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                return self._fail(connection, *why(error))
            if data:
                self._say(DATA, connection.number, data)
                connection.room -= len(data)
                room -= len(data)
            else:
                connection.ended = True
                self._say(EOF, connection.number)

    def _settle(self):
        """What the selector watches follows what the connections want."""
        changed, self.changed = self.changed, []
        for subject in changed:
            if not isinstance(subject, Connection):
                self.selector.register(subject, selectors.EVENT_READ, self.listeners[subject])
                continue
            if self.connections.get(subject.number) is not subject or subject.sock is None:
                continue
            if subject.over():
                self._drop(subject, False)
                continue
            wanted = subject.wanted()
            if wanted == subject.events:
                continue
            if not subject.events:
                self.selector.register(subject.sock, wanted, subject)
            elif not wanted:
                self.selector.unregister(subject.sock)
            else:
                self.selector.modify(subject.sock, wanted, subject)
            subject.events = wanted

    def _batches(self, now, heard):
        """What is to be sent now, and to whom: [(data, buffers)]."""
        found = []
        client = self.client
        if self.returning is not None and client is not None:
            self._confirm(self.returning)
            found.append(({"attached": True, "seq": self.sent, "ack": self.received}, []))
            found.extend(({"seq": number, "ack": self.received}, [batch]) for number, batch in self.unconfirmed)
            self.returning = None
            self.hole = False
        if self.frames:
            self.sent += 1
            batch, self.frames = b"".join(self.frames), []
            self.unconfirmed.append((self.sent, batch))
            found.append(({"seq": self.sent, "ack": self.received}, [batch]))
        elif not found and (self.hole or self.received - self.told >= TELL or now - heard > ALIVE * 0.9):
            found.append(({"seq": self.sent, "ack": self.received, "hole": self.hole}, []))
            self.hole = False
        if client is None:
            return [], None
        if found:
            self.told = self.received
        return found, client

    def _end(self):
        with self.lock:
            for connection in list(self.connections.values()):
                self._drop(connection, True)
            for sock in self.listeners:
                sock.close()
            self.closed = True
            client, self.client = self.client, None
        self.selector.close()
        self.bell.close()
        self.ear.close()
        with _lock:
            if _tunnels.get(self.name) is self:
                del _tunnels[self.name]
        stream = client and client[0].streams.get(client[1])
        if stream:
            stream.stop()
        self.over.set()


def frames_of(batch):
    """(kind, connection, payload) of whole frames; ValueError for anything else."""
    view, at = memoryview(batch), 0
    while at < len(view):
        if len(view) - at < FRAME.size:
            raise ValueError("a frame is cut off")
        kind, name, size = FRAME.unpack_from(view, at)
        at += FRAME.size
        if not OPEN <= kind <= CREDIT or len(view) - at < size:
            raise ValueError("not a frame")
        yield kind, name, view[at : at + size]
        at += size


REASONS = {errno.ECONNREFUSED: "REFUSED", errno.ECONNRESET: "RESET", errno.EPIPE: "RESET", errno.ETIMEDOUT: "TIMEOUT"}


def why(error):
    if isinstance(error, socket.timeout):
        return "TIMEOUT", "no answer within %d s" % CONNECT
    if isinstance(error, socket.gaierror):
        return "NO_HOST", "no such host"
    return REASONS.get(getattr(error, "errno", None), "UNREACHABLE"), str(getattr(error, "strerror", None) or error)


def _named(data):
    with _lock:
        return _tunnels.get(agent._want(data, "tunnel", str))


def tunnel(control, data, _buffers):
    """Attaches to the tunnel of this name, a new one where `received` is 0 and there is none, until the client goes."""
    name, received, number = agent._want(data, "tunnel", str), agent._count(data, "received", 0), data["id"]
    stream = control.streams[number] = agent.Stream(0)
    try:
        with _lock:
            found = _tunnels.get(name)
            if found is None and (received or agent._maybe(data, "known", bool, False)):
                raise agent.Refusal("NOT_FOUND", "the tunnel is gone")
            if found is None:
                found = _tunnels[name] = Tunnel(name, agent._maybe(data, "owner", str, None))
        found.attach(control, number, received)
        while not stream.stopped and not control._gone() and not found.closed:
            stream.wait(agent.ALIVE_EVERY)
        found.detach(number)
        return {"end": True, "stopped": True, "closed": found.closed}
    finally:
        control.streams.pop(number, None)


def frames(_control, data, buffers):
    """A batch, or none and only how much was received. Nobody is told when there is no such tunnel: its stream has ended."""
    found = _named(data)
    if found is None:
        return
    batch = bytes(buffers[0]) if buffers else None
    try:
        found.take(agent._count(data, "seq", 0), agent._count(data, "ack", 0), batch)
    except (ValueError, KeyError, TypeError, struct.error):
        found.close()  # not a client of ours


def close(_control, data, _buffers):
    """The tunnel of this name, or those of owners that somebody knows to be gone, with all that they listened on."""
    if "owners" in data:
        owners = agent._want(data, "owners", list)
        with _lock:
            found = [one for one in _tunnels.values() if one.owner is not None and one.owner in owners]
    else:
        found = [one for one in (_named(data),) if one is not None]
    for one in found:
        one.close()
    for one in found:
        one.over.wait(GOODBYE)
    return {"closed": len(found)}


def listen(_control, data, _buffers):
    """A port of the machine, 0 for any, whose connections are the client's to answer. The same listener again: its port."""
    found = _named(data)
    if found is None:
        raise agent.Refusal("NOT_FOUND", "the tunnel is gone")
    port, credit = agent._count(data, "port"), min(agent._count(data, "credit"), WINDOW)
    if port > 65535:
        raise agent.Refusal("BAD_REQUEST", "not a port: %d" % port)
    return {"port": found.listen(agent._want(data, "listener", str), agent._maybe(data, "host", str, "127.0.0.1"), port, credit)}


QUICK = {"close": close, "listen": listen}
LONG = {"tunnel": tunnel}
TOLD = {"frames": frames}
