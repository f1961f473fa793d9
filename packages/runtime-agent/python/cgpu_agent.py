"""The cgpu runtime agent: durable jobs, logs by offset and files, on the machine where the work runs.

One file, standard library only, Python 3.8 to 3.14, ASCII. It plays four parts (docs/agent-protocol.md):

control     a comm target inside cgpu's control kernel; its handlers only queue, threads do the work
supervisor  `python agent-<version>.py supervise <folder>`: a detached process that owns one job
cell        an observer of what the user's kernel publishes, so that a cell's output is kept on the machine too
watcher     `python agent-<version>.py watch <home>`: a detached process that releases a machine which nobody uses

What is on disk below $CGPU_AGENT_HOME (default ~/.cgpu) is the truth; sockets are only the fast path.
"""

import atexit
import binascii
import bisect
import codecs
import collections
import contextvars
import errno
import fnmatch
import functools
import hashlib
import io
import json
import os
import queue
import re
import shutil
import signal
import stat
import struct
import subprocess
import sys
import threading
import time
import types
import uuid

try:
    import fcntl
    import select
    import termios
except ImportError:  # Windows
    fcntl = select = termios = None

TARGET = "cgpu.agent"
MODULE = "_cgpu_agent"
WINDOWS = os.name == "nt"
KILL = signal.SIGTERM if WINDOWS else signal.SIGKILL

HEADER = struct.Struct("<BId")  # stream, payload length, unix time
STDOUT, STDERR, DISPLAY, NOTICE = 1, 2, 3, 4
POINT = struct.Struct("<QdQQI")  # of the index: offset, latest time and stdout, stderr bytes before it, crc32 of these
POINT_EVERY = 1 << 20
LOOK_BACK = 64 << 20  # so much of a log's end is searched for lines

PIECE = 256 * 1024  # the longest stdout or stderr record
CHUNK = 4 * 1024 * 1024  # the longest buffer in one message; a frame over 10 MiB closes the socket
DEFAULT_LOG_LIMIT = 2 * 1024 * 1024 * 1024
HEARTBEAT = 2.0
STALE = 15.0  # a heartbeat older than this is no sign of life
BREATH = 0.004  # between two looks at a pipe that is written to all the time
GRACE = 2.0  # how long a grandchild may hold the pipes after the job ended
STOP_GRACE = 10.0  # between SIGTERM and SIGKILL, unless it is said
TICK = 0.15  # a supervisor looks this often whether it is to stop its job
MEMORY_LOOKS = (0.05, 0.2, 0.5)  # after a job's start, then at every heartbeat: short jobs have a peak too
GPU_FIRST, GPU_EVERY = 2.0, 10.0
TELL_PEAKS = 10.0  # a status is written for a new peak at most this often
RESTART_PAUSE, RESTART_PAUSE_MOST = 1.0, 30.0
ALIVE_EVERY = 5.0  # a follower hears from us at least this often, with our offset
CLIENT_GONE = 150.0  # streams of a client that was silent for so long are ended
LEASE_LOOK = 15.0  # the watcher looks at least this often whether the machine is used
LEASE_TELL = 5.0  # uses of the machine within so many seconds are noted as one
KERNEL_WORK = 0.05  # a kernel that takes more of a processor than this does something; an idle one takes a tenth of it

RUN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
PART_NAME = re.compile(r"[a-z]{1,32}-[0-9a-f]{16}\Z")
PART = re.compile(r"\..*\.cgpu-[0-9a-f]{12}\.part\Z", re.S)


def _own_source():
    given = globals().get("__source__")  # put there by the client's bootstrap expression
    if isinstance(given, str):
        return given
    with open(os.path.abspath(__file__), encoding="ascii") as file:
        return file.read()


SOURCE = _own_source()
VERSION = hashlib.sha256(SOURCE.encode("ascii")).hexdigest()[:16]


class Refusal(Exception):
    """An answer of `ok: false`: a stable code and a sentence."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def _refusal_of(error):
    if isinstance(error, Refusal):
        return error
    if isinstance(error, OSError):
        codes = {
            errno.ENOENT: "NOT_FOUND",
            errno.EACCES: "DENIED",
            errno.EPERM: "DENIED",
            errno.EROFS: "DENIED",
            errno.ENOSPC: "NO_SPACE",
            errno.EFBIG: "NO_SPACE",
            getattr(errno, "EDQUOT", -1): "NO_SPACE",
            errno.ENOTDIR: "NOT_DIRECTORY",
            errno.EISDIR: "IS_DIRECTORY",
            errno.EEXIST: "EXISTS",
            errno.ENOTEMPTY: "NOT_EMPTY",
        }
        text = error.strerror or str(error)
        where = ": %s" % _shown(error.filename) if error.filename else ""
        return Refusal(codes.get(error.errno, "IO"), (text + where).lower() if not where else text.lower() + where)
    return Refusal("INTERNAL", "%s: %s" % (type(error).__name__, error))


def _shown(path):
    """A path that JSON can carry: undecodable bytes become question marks."""
    return os.fsencode(path).decode("utf-8", "replace")


# ---------------------------------------------------------------- requests are data from outside


def _want(request, name, kinds, default=None):
    value = request.get(name, default)
    wrong_bool = isinstance(value, bool) and bool not in (kinds if isinstance(kinds, tuple) else (kinds,))
    if value is None and default is None and name not in request:
        raise Refusal("BAD_REQUEST", "%s is missing" % name)
    if wrong_bool or not isinstance(value, kinds):
        raise Refusal("BAD_REQUEST", "%s has the wrong type" % name)
    return value


def _maybe(request, name, kinds, default=None):
    if request.get(name) is None:
        return default
    return _want(request, name, kinds)


def _count(request, name, default=None):
    value = _want(request, name, int) if default is None else _maybe(request, name, int, default)
    if not 0 <= value < 1 << 62:
        raise Refusal("BAD_REQUEST", "%s is out of range" % name)
    return value


def _text(value, name):
    if not isinstance(value, str) or "\0" in value:
        raise Refusal("BAD_REQUEST", "%s must be text without NUL" % name)
    return value


def _run_id(request):
    value = request.get("run")
    if not isinstance(value, str) or not RUN_ID.match(value):
        raise Refusal("BAD_REQUEST", "run must match [A-Za-z0-9_-]{1,64}")
    return value


def _path(request, workdir, name="path"):
    """Where its name is no UTF-8, `raw` stands for `path`: its bytes in base64, as listings tell them."""
    raw = _maybe(request, "raw", str) if name == "path" else None
    try:
        value = _text(_want(request, name, str) if raw is None else os.fsdecode(binascii.a2b_base64(raw)), name)
    except binascii.Error:
        raise Refusal("BAD_REQUEST", "raw is not base64")
    if not value:
        raise Refusal("BAD_REQUEST", "%s is empty" % name)
    return os.path.normpath(os.path.join(workdir, value if raw else os.path.expanduser(value)))


# ---------------------------------------------------------------- the log


APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class Log:
    """Append-only records. A write that fails leaves no torn record: the loss is counted, and marked when it can be."""

    def __init__(self, path, limit=DEFAULT_LOG_LIMIT, index=None):
        self.fd = os.open(path, APPEND, 0o600)
        self.size = os.fstat(self.fd).st_size  # what we wrote; forked kernels may append too
        self.limit = limit
        self.index = Index(index) if index else None
        self.lock = threading.Lock()
        self.write = os.write
        self.produced = {STDOUT: 0, STDERR: 0}  # also what was dropped
        self.dropped = 0
        self.over_limit = 0
        self.disk_full = 0
        self.was_full = False
        self.capped = False
        self.closed = False

    def append(self, stream, payload):
        with self.lock:
            if self.closed:
                return
            if stream == DISPLAY:
                self._append(stream, payload)
                return
            self.produced[stream] += len(payload)
            for start in range(0, len(payload), PIECE):
                self._append(stream, payload[start : start + PIECE])

    def _append(self, stream, payload):
        size = len(payload)
        if self.capped or self.size + HEADER.size + size > self.limit:
            if not self.capped:  # from here on nothing more is kept, so that what is kept has no hole
                self.capped = True
                self._notice("limit", self.limit)
            self.over_limit += size
            self.dropped += size
            return
        if self.disk_full and not self._notice("disk-full", self.disk_full):
            self.disk_full += size
            self.dropped += size
            return
        self.disk_full = 0
        if not self._record(stream, payload):
            self.was_full = True
            self.disk_full += size
            self.dropped += size

    def notice(self, kind, **fields):
        """Says what happened to the program, in its place in the output. Kept above the limit too: it is no output."""
        with self.lock:
            if self.closed:
                return
            if self.disk_full and self._notice("disk-full", self.disk_full):
                self.disk_full = 0
            self._notice(kind, 0, **fields)

    def _notice(self, kind, count, **fields):
        return self._record(NOTICE, json.dumps(dict(fields, kind=kind, bytes=count)).encode("ascii"))

    def _record(self, stream, payload):
        now = time.time()
        view = memoryview(HEADER.pack(stream, len(payload), now) + bytes(payload))
        total, done = len(view), 0
        try:
            while done < total:
                done += self.write(self.fd, view[done:])
        except OSError:
            if done:
                try:
                    os.ftruncate(self.fd, os.fstat(self.fd).st_size - done)
                except OSError:
                    pass  # readers stop at a torn record: only whole ones are handed out
            return False
        self.size += total
        if self.index:
            self.index.passed(self.size, now, stream, len(payload))
        return True

    def close(self):
        """Marks what was dropped and closes. Further appends are ignored."""
        with self.lock:
            if self.closed:
                return
            if self.over_limit:
                self._notice("gap", self.over_limit)
            if self.disk_full:
                self._notice("disk-full", self.disk_full)
            self.closed = True
            os.close(self.fd)
            if self.index:
                self.index.close()

    def totals(self):
        return {
            "stdoutBytes": self.produced[STDOUT],
            "stderrBytes": self.produced[STDERR],
            "droppedBytes": self.dropped,
        }


class Index:
    """Where records end in a log, every MiB or more, so that its end and a time are found fast. Only an accelerator."""

    def __init__(self, path):
        self.path = path
        self.fd = None
        self.at = 0
        self.latest = 0.0  # not merely the last: a clock that is set back must not hide records
        self.bytes = {STDOUT: 0, STDERR: 0, DISPLAY: 0, NOTICE: 0}

    def passed(self, offset, when, stream, size):
        self.latest = max(self.latest, when)
        self.bytes[stream] += size
        if offset - self.at < POINT_EVERY:
            return
        self.at = offset
        point = POINT.pack(offset, self.latest, self.bytes[STDOUT], self.bytes[STDERR], 0)[:-4]
        try:
            if self.fd is None:
                self.fd = os.open(self.path, APPEND, 0o600)
            done = os.write(self.fd, point + struct.pack("<I", binascii.crc32(point)))
            if done < POINT.size:  # what follows must lie in its place
                os.ftruncate(self.fd, os.fstat(self.fd).st_size - done)
        except OSError:
            pass  # a full disk: without this point a search takes longer

    def close(self):
        if self.fd is not None:
            os.close(self.fd)


def load_index(path, size):
    """Points up to `size`, from the log's beginning to the first one that cannot be right; their first four fields."""
    points = [(0, float("-inf"), 0, 0)]
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        return points
    for at in range(0, len(data) - POINT.size + 1, POINT.size):
        point = POINT.unpack_from(data, at)
        if point[4] != binascii.crc32(data[at : at + POINT.size - 4]) or not points[-1][0] < point[0] <= size:
            break
        points.append(point[:4])
    return points


def walk(file, start, end, block=1 << 16):
    """(offset, stream, payload length, time) of the whole records from an offset that ends one."""
    data, base, at = b"", start, start
    while at + HEADER.size <= end:
        if at + HEADER.size > base + len(data):
            file.seek(at)
            data, base = file.read(min(block, end - at)), at
            if len(data) < HEADER.size:
                return
        stream, length, when = HEADER.unpack_from(data, at - base)
        if not STDOUT <= stream <= NOTICE or at + HEADER.size + length > end:
            return
        yield at, stream, length, when
        at += HEADER.size + length


def locate(folder, lines=None, since=None, stream=None):
    """(offset, size): from where the last lines, or all records since a time, are read; where whole records end now."""
    try:
        file = open(os.path.join(folder, "log"), "rb", buffering=0)
    except FileNotFoundError:
        return 0, 0
    with file:
        size = os.fstat(file.fileno()).st_size
        points = load_index(os.path.join(folder, "index"), size)
        # for what is searched for lines: points that are known, then such points up to the end
        last = collections.deque(points, maxlen=LOOK_BACK // POINT_EVERY + 2)
        end, _, *sums = points[-1]
        for at, kind, length, _ in walk(file, end, size):
            end = at + HEADER.size + length
            if kind <= STDERR:
                sums[kind - 1] += length
            if end - last[-1][0] >= POINT_EVERY:
                last.append((end, 0, *sums))
        offset = 0
        if since is not None:
            offset = _since(file, points, end, since)
        if lines is not None:
            streams = (stream,) if stream else (STDOUT, STDERR)
            offset = max(offset, _last_lines(file, list(last) + [(end, 0, *sums)], lines, streams))
        return offset, end


def _since(file, points, end, since):
    before = bisect.bisect_left([point[1] for point in points], since)
    for at, _, _, when in walk(file, points[before - 1][0] if before else 0, end):
        if when >= since:
            return at
    return end


def _last_lines(file, points, lines, streams):
    # the first line of each stream may be cut at its beginning, so that one more newline is needed
    wanted, end = lines + len(streams) if lines else 0, points[-1][0]
    for first, last in zip(points[-2::-1], points[:0:-1]):
        start, stop = first[0], last[0]
        if wanted <= 0 or end - stop >= LOOK_BACK:
            return stop
        if all(first[1 + stream] == last[1 + stream] for stream in streams):
            continue  # nothing of these streams
        file.seek(start)
        data = file.read(min(stop - start, 2 * POINT_EVERY))  # all of it, but of the one record that may be longer
        found = []
        for at, kind, length, _ in walk(io.BytesIO(data), 0, len(data), len(data)):
            count = data.count(b"\n", at + HEADER.size, at + HEADER.size + length) if kind in streams else 0
            if count:
                found.append((at, count))
        for at, count in reversed(found):
            wanted -= count
            if wanted <= 0:
                return start + at
    return points[0][0]


class Records:
    """Reads a log from an offset that ends a record, and never hands out a byte of an unfinished record."""

    def __init__(self, path, offset):
        self.file = open(path, "rb", buffering=0)
        self.offset = offset  # of the next byte to hand out
        self.boundary = offset  # where the next header is that was not looked at

    def size(self):
        return os.fstat(self.file.fileno()).st_size

    def next(self, most):
        size = self.size()
        if size <= self.offset:
            return b""
        self.file.seek(self.offset)
        data = self.file.read(min(most, size - self.offset))
        end = self.offset + len(data)
        at = self.boundary
        while at + HEADER.size <= end:
            stream, length = struct.unpack_from("<BI", data, at - self.offset)
            if not STDOUT <= stream <= NOTICE:
                raise Refusal("BAD_OFFSET", "offset %d is not the end of a record" % self.offset)
            if at + HEADER.size + length > size:
                break
            at += HEADER.size + length
        self.boundary = at
        data = data[: max(0, at - self.offset)]
        self.offset += len(data)
        return data

    def close(self):
        self.file.close()


def scan(path):
    """(stdout bytes, stderr bytes) of a log, by its headers."""
    counts = {STDOUT: 0, STDERR: 0, DISPLAY: 0, NOTICE: 0}
    offset = 0
    with open(path, "rb", buffering=1 << 16) as file:
        size = os.fstat(file.fileno()).st_size
        while offset + HEADER.size <= size:
            stream, length, _ = HEADER.unpack(file.read(HEADER.size))
            if stream not in counts:
                break
            counts[stream] += length
            offset += HEADER.size + length
            file.seek(offset)
    return counts[STDOUT], counts[STDERR]


# ---------------------------------------------------------------- runs on disk


def default_home():
    return os.environ.get("CGPU_AGENT_HOME") or os.path.join(os.path.expanduser("~"), ".cgpu")


def _private_folder(path):
    os.makedirs(path, mode=0o700, exist_ok=True)
    return path


def ensure_home(home):
    """The folders and this file, for supervisors to run. Returns the file's path."""
    if not os.path.isdir(home):
        _private_folder(home)
    _private_folder(os.path.join(home, "runs"))
    path = os.path.join(home, "agent-%s.py" % VERSION)
    if not os.path.exists(path):
        write_private(path, SOURCE.encode("ascii"))
    return path


def write_private(path, data):
    """0600, and whole or not at all."""
    temporary = "%s.%s.tmp" % (path, uuid.uuid4().hex[:12])
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        try:
            os.unlink(temporary)
        except OSError:
            pass
        raise


def run_folder(home, run):
    return os.path.join(home, "runs", run)


def claim(home, run, token, status=None):
    """(folder, ours): whoever makes the file `claim` owns the run id. `status` stands until there is a status.json."""
    folder = run_folder(home, run)
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        pass
    except FileNotFoundError:
        _private_folder(os.path.join(home, "runs"))
        return claim(home, run, token, status)
    path = os.path.join(folder, "claim")
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return folder, False
    data = json.dumps({"token": token, "status": status}).encode("ascii")
    try:
        with os.fdopen(fd, "wb", buffering=0) as file:
            if file.write(data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError:  # a full disk: half a claim would pass for a run that is about to start
        os.unlink(path)
        raise
    return folder, True


def touch(path):
    try:
        os.utime(path)
    except FileNotFoundError:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))


@functools.lru_cache(maxsize=None)
def _domain():
    """Where a process id means something: this boot of this pid namespace. None where that cannot be told."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return "%s %s" % (file.read().strip(), os.readlink("/proc/self/ns/pid"))
    except OSError:
        return None


def _process_start(pid):
    """Start time of a live process in clock ticks, so that a reused pid is not taken for it. None: no such process."""
    try:
        with open("/proc/%d/stat" % pid, "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def owner_of(pid):
    return {"pid": pid, "start": _process_start(pid), "domain": _domain()}


def _owner_alive(owner, heartbeat):
    """True, False. By pid where that is certain, else by heartbeat."""
    if isinstance(owner, dict) and owner.get("start") is not None and owner.get("domain") == _domain():
        return _process_start(owner["pid"]) == owner["start"]
    try:
        return time.time() - os.stat(heartbeat).st_mtime < STALE
    except OSError:
        return False


def save_status(folder, status, patient=False):
    """By rename. `patient`: on a full disk tries again for ten minutes; until then the run counts as running."""
    data = json.dumps(status, sort_keys=True).encode("ascii")
    deadline = time.monotonic() + 600
    while True:
        try:
            write_private(os.path.join(folder, "status.json"), data)
            return
        except OSError:
            if not patient or time.monotonic() > deadline or not os.path.isdir(folder):
                raise
            time.sleep(1)


def _load(path):
    try:
        with open(path, "rb") as file:
            value = json.loads(file.read())
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def load_status(home, run):
    """status.json with `state` as it is now: `lost` when the owner died without saying how the run ended."""
    folder = run_folder(home, run)
    if not os.path.exists(os.path.join(folder, "claim")):
        return {"id": run, "state": "unknown"}
    path, heartbeat = os.path.join(folder, "status.json"), os.path.join(folder, "heartbeat")
    status = _load(path)
    if status is None:
        claimed = _load(os.path.join(folder, "claim")) or {}
        status = claimed["status"] if isinstance(claimed.get("status"), dict) else None
    if status is None or status.get("state") != "exited":
        owner = status.get("owner") if status else None
        if not os.path.exists(heartbeat):  # a claim that is new is a sign of life too
            heartbeat = os.path.join(folder, "claim")
        if not _owner_alive(owner, heartbeat):
            status = _load(path) or status or {"id": run}  # it may have ended while we looked
            if status.get("state") != "exited":
                status["state"] = "lost"
    status = status or {"id": run, "state": "starting"}
    try:
        status["logBytes"] = os.stat(os.path.join(folder, "log")).st_size
    except OSError:
        status["logBytes"] = 0
    return status


ASKED = (
    "kind", "argv", "shell", "cwd", "createdAt", "envNames", "maxRestarts", "resume", "checkpoint", "fingerprint", "stdin",
)


def described(home, run, status=None):
    """A run's status as clients see it: with what was asked for, without what only we need."""
    status, folder = status or load_status(home, run), run_folder(home, run)
    spec = _load(os.path.join(folder, "spec.json")) or {}
    if status["state"] in ("starting", "running"):
        try:
            status["heartbeatAt"] = os.stat(os.path.join(folder, "heartbeat")).st_mtime
        except OSError:
            pass  # not yet
    status = {key: value for key, value in status.items() if key not in ("owner", "pidStart")}
    return dict({key: spec[key] for key in ASKED if spec.get(key) is not None}, **status)


def run_names(home):
    try:
        return [name for name in os.listdir(os.path.join(home, "runs")) if RUN_ID.match(name)]
    except OSError:
        return []


def list_runs(home, names=None):
    """Newest first; `names`: of these only."""
    found = [described(home, name) for name in (run_names(home) if names is None else names)]
    return sorted(found, key=lambda status: status.get("createdAt") or status.get("startedAt") or 0, reverse=True)


# ---------------------------------------------------------------- starting a job


# ipykernel puts these into its environment for cells; a program without a kernel must not see them
KERNEL_ONLY = (
    "CLICOLOR CLICOLOR_FORCE FORCE_COLOR GIT_PAGER IPY_INTERRUPT_EVENT JPY_INTERRUPT_EVENT JPY_PARENT_PID "
    "JPY_SESSION_NAME MPLBACKEND PAGER PYDEVD_USE_FRAME_EVAL PYDEVD_DISABLE_FILE_VALIDATION TERM"
).split()


def job_environment(given):
    env = dict(os.environ)
    try:
        with open("/proc/self/environ", "rb") as file:
            pairs = (os.fsdecode(pair).partition("=") for pair in file.read().split(b"\0"))
            first = {name: value for name, _, value in pairs}
    except OSError:
        first = {}
    for name in KERNEL_ONLY:
        if name in env and not name.startswith("JPY_") and name in first:
            env[name] = first[name]
        else:
            env.pop(name, None)
    env.update(given)
    env.setdefault("PYTHONUNBUFFERED", "1")
    return env


def _argv(value, name):
    if not isinstance(value, list) or not value or not value[0]:
        raise Refusal("BAD_REQUEST", "%s must be a list that is not empty" % name)
    return [_text(part, name) for part in value]


LATEST = "{latest}"  # in `resume`: the newest checkpoint


def _restarting(request):
    """The part of a `start` that says whether and how the program is started again."""
    restarts = _count(request, "maxRestarts", 0)
    if restarts > 1000:
        raise Refusal("BAD_REQUEST", "maxRestarts is out of range")
    resume, checkpoint = request.get("resume"), _maybe(request, "checkpoint", str)
    if checkpoint is not None and not _pattern_parts(_text(checkpoint, "checkpoint")):
        raise Refusal("BAD_REQUEST", "checkpoint is no pattern")
    if resume is not None:
        resume = _argv(resume, "resume")
        if checkpoint is None and any(LATEST in part for part in resume):
            raise Refusal("BAD_REQUEST", "resume with %s needs checkpoint" % LATEST)
    return {"maxRestarts": restarts, "resume": resume, "checkpoint": checkpoint}


def job_order(request, workdir):
    """What a `start` asks for, checked: (spec for the disk, env values for the supervisor's stdin)."""
    argv, shell = request.get("argv"), request.get("shell")
    if (argv is None) == (shell is None):
        raise Refusal("BAD_REQUEST", "start takes argv or shell")
    if shell is not None:
        _text(shell, "shell")
    else:
        argv = _argv(argv, "argv")
    env = _maybe(request, "env", dict, {})
    for name, value in env.items():
        if not name or "=" in name or "\0" in name:
            raise Refusal("BAD_REQUEST", "env has a name that is not one")
        _text(value, "env %s" % name)
    cwd = _path(request, workdir, "cwd") if request.get("cwd") is not None else workdir
    if not os.path.isdir(cwd):
        raise Refusal("NOT_FOUND", "no such folder: %s" % _shown(cwd))
    spec = {
        "kind": "job",
        "cwd": cwd,
        "envNames": sorted(env),
        "stdin": _maybe(request, "stdin", bool, False),
        "maxLogBytes": _count(request, "maxLogBytes", DEFAULT_LOG_LIMIT),
        "createdAt": time.time(),
        "fingerprint": _maybe(request, "fingerprint", str),
    }
    spec.update(_restarting(request))
    spec["argv" if shell is None else "shell"] = argv if shell is None else shell
    return spec, env


def start_job(home, request, workdir):
    """Claims the id and starts its supervisor; returns once the job runs, or is known to have failed to."""
    run = _run_id(request)
    token = _maybe(request, "token", str)
    spec, env = job_order(request, workdir)
    agent = ensure_home(home)
    status = {"id": run, "kind": "job", "state": "starting", "startedAt": time.time(), "owner": owner_of(os.getpid())}
    folder, ours = claim(home, run, token, status)
    if not ours:
        again = token is not None and token == (_load(os.path.join(folder, "claim")) or {}).get("token")
        _wait_for_spec(home, run)
        return {"attached": not again, "status": described(home, run)}
    write_private(os.path.join(folder, "spec.json"), json.dumps(spec).encode("ascii"))
    try:
        _launch(agent, folder, dict(spec, run=run, env=job_environment(env)))
    except (OSError, Refusal) as error:
        text = str(_refusal_of(error))
        status.update(state="exited", exitCode=126, endedAt=time.time(), error={"code": "START_FAILED", "message": text})
        save_status(folder, status)
        raise Refusal("START_FAILED", "the supervisor did not start: %s" % text)
    return {"attached": False, "status": described(home, run)}


def _wait_for_spec(home, run):
    """Whoever claimed the id a moment ago is about to write what it asked for."""
    path, until = os.path.join(run_folder(home, run), "spec.json"), time.monotonic() + 2
    while not os.path.exists(path) and time.monotonic() < until and load_status(home, run)["state"] == "starting":
        time.sleep(0.01)


def _launch(agent, folder, order):
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON") or name == "PYTHONHOME"}
    detached = {"start_new_session": True}
    if WINDOWS:
        detached = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | 0x00000008}  # DETACHED_PROCESS
    errors = os.open(os.path.join(folder, "supervisor.err"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        # -S: the standard library is enough, and site packages cost start time
        process = subprocess.Popen(
            [sys.executable, "-S", "-s", agent, "supervise", folder],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, cwd=folder, env=env, **detached
        )
    finally:
        os.close(errors)
    try:
        process.stdin.write(json.dumps(order).encode("ascii"))
        process.stdin.close()
    except OSError:
        pass  # it died: the missing answer below says so
    answer = process.stdout.readline()
    process.stdout.close()
    if not WINDOWS:
        process.wait()  # the first of the double fork; on Windows it is the supervisor itself
    if answer.strip() != b"ok":
        with open(os.path.join(folder, "supervisor.err"), "rb") as file:
            tail = file.read()[-500:].decode("utf-8", "replace").strip()
        raise Refusal("START_FAILED", tail.splitlines()[-1] if tail else "it ended without a word")


# ---------------------------------------------------------------- the supervisor


class Supervisor:
    """Owns one job: starts it, and again, keeps its output and how it ended, ends it. Nobody needs to watch."""

    def __init__(self, folder, order):
        self.folder = folder
        self.order = order
        self.log = Log(os.path.join(folder, "log"), order["maxLogBytes"], os.path.join(folder, "index"))
        self.child = None
        self.told_to_end = False
        self.fed = 0  # how much of stdin the attempts before read; None: nobody knows
        self.feeder, self.given = None, (0, None)  # of this attempt: how much it was given, and what it has not read of that
        self.done = threading.Event()
        self.lock = threading.Lock()  # of what follows, and of starting a process
        self.over = False  # the program has ended by itself for the last time: too late to stop it
        self.stop = None  # what the stop file said last
        self.kill_at = None  # time.monotonic()
        self.unsaved, self.saved_at = False, 0.0
        self.status = {
            "id": order["run"], "kind": "job", "state": "running", "startedAt": time.time(),
            "owner": owner_of(os.getpid()), "attempt": 1, "restarts": 0,
        }

    def run(self, ready):
        self._take_signals()
        self._reserve()
        adopt_orphans()
        ended = None
        while True:
            kills, argv = oom_kills(), self._argv()
            try:
                with self.lock:
                    if ended and self._is_to_end():
                        break
                    self.child = self._spawn(argv)
            except (OSError, ValueError) as error:
                ended = self._spawn_failure(argv, error)
                break
            again, code, number = self._watch(ready)
            ended = code, number, self._reason(code, number, oom_kills() > kills), None
            if not again or self._is_to_end():
                break
            self._pause(code, number)
        self._finish(*ended)
        ready()

    def _is_to_end(self):
        return self.told_to_end or self.stop is not None

    def _watch(self, ready):
        """(whether to run it again, exit code, signal) of the process just started, when its output is in the log."""
        child, leave, first = self.child, threading.Event(), self.status["attempt"] == 1
        with self.lock:
            self.status.update(pid=child.pid, pgid=child.pid, pidStart=_process_start(child.pid))
            self._save(patient=first)
        pipes = [(child.stdout.fileno(), STDOUT), (child.stderr.fileno(), STDERR)]
        if select is not None:
            readers = [self._thread(self._drain, pipes, leave)]
        else:
            readers = [self._thread(self._drain_one, fd, stream) for fd, stream in pipes]
        if first:
            self._thread(self._tend)
            self._thread(self._watch_gpus)
            ready()
        if child.stdin is not None:
            self.feeder = self._thread(self._feed, child)
        if self.told_to_end:
            self._pass_on(signal.SIGTERM)
        code = self._wait()
        with self.lock:
            child.returncode = code
            left = self.order.get("maxRestarts", 0) - self.status["restarts"]
            again = code != 0 and left > 0 and not self._is_to_end()
            self.over = not again and self.stop is None
        while self.stop is not None and self._alive() and time.monotonic() < self.kill_at + GRACE:
            time.sleep(0.05)  # `_tend` kills what is left when the time is up
        deadline = time.monotonic() + GRACE
        for reader in readers:
            reader.join(max(0.0, deadline - time.monotonic()))
        if again:
            with self.lock:
                self._kill(KILL)  # what is left of it would be in the next attempt's way
                self.child = None
            if child.stdin is not None:
                self.fed = self._stdin_read()
            leave.set()
            if select is not None:
                readers[0].join()
                child.stdout.close()
                child.stderr.close()
        return (again, 128 - code, -code) if code < 0 else (again, code, None)

    def _wait(self):
        if not hasattr(os, "wait4"):
            return self.child.wait()
        _, status, usage = os.wait4(self.child.pid, 0)
        self._peak("peakMemoryBytes", usage.ru_maxrss << (0 if sys.platform == "darwin" else 10))
        return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)

    def _reason(self, code, number, oom):
        if self.stop is not None:
            return "cancelled"
        if oom and code == 128 + 9:  # also a shell that passes on how its command ended
            return "oom"
        return "signal" if number is not None else None

    def _pause(self, code, number):
        restarts = self.status["restarts"]
        self.log.notice("restart", attempt=restarts + 2, exitCode=code, signal=_signal_name(number))
        pause = min(RESTART_PAUSE * 2 ** min(restarts, 16), RESTART_PAUSE_MOST)
        until = time.monotonic() + pause
        while time.monotonic() < until and not self._is_to_end():
            time.sleep(0.05)  # not an event: setting one in a signal handler can wait for ever
        with self.lock:
            if not self._is_to_end():
                self.status.update(attempt=restarts + 2, restarts=restarts + 1)

    def _argv(self):
        """What runs now: from the second attempt on `resume`, with the newest checkpoint, unless there is none yet."""
        order, resume, pattern = self.order, self.order.get("resume"), self.order.get("checkpoint")
        if resume is not None and self.status["attempt"] > 1:
            found = list(glob_files(order["cwd"], [pattern], None)) if pattern else []
            if found:
                newest = max(found, key=lambda file: (file["mtime"], file["path"]))
                latest = os.path.join(os.path.realpath(order["cwd"]), *newest["path"].split("/"))
                return [part.replace(LATEST, latest) for part in resume]
            if not pattern:
                return resume
        return order.get("argv")

    def _spawn(self, argv):
        order = self.order
        options = {"start_new_session": True}
        if WINDOWS:
            options = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        if argv is None:
            bash = "/bin/bash" if os.path.exists("/bin/bash") else "/bin/sh"
            argv = order["shell"] if WINDOWS else [bash, "-c", order["shell"]]
            if WINDOWS:
                options["shell"] = True
        fed = order["stdin"] and self.fed is not None
        return subprocess.Popen(
            argv, bufsize=0, cwd=order["cwd"], env=order["env"],
            stdin=subprocess.PIPE if fed else subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
        )

    def _spawn_failure(self, argv, error):
        name = _shown((argv or ["sh"])[0])
        if isinstance(error, FileNotFoundError):
            return 127, None, None, {"code": "COMMAND_NOT_FOUND", "message": "command not found: %s" % name}
        return 126, None, None, {"code": "CANNOT_RUN", "message": "cannot run %s: %s" % (name, _refusal_of(error))}

    def _take_signals(self):
        """Functions, not SIG_IGN: an ignored signal would stay ignored in the job, and Ctrl-C would not reach it."""

        def end(_number, _frame):
            self.told_to_end = True
            self._pass_on(signal.SIGTERM)

        signal.signal(signal.SIGTERM, end)
        for name in ("SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), lambda _number, _frame: None)
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_SETMASK, [])

    def _pass_on(self, number):
        if self.child is not None and self.child.returncode is None:
            try:
                if WINDOWS:
                    self.child.terminate()
                else:
                    os.killpg(self.child.pid, number)
            except OSError:
                pass

    def _reserve(self):
        """A few bytes to give back when the disk is full, so that the exit status can still be written."""
        try:
            write_private(os.path.join(self.folder, "reserve"), b"\0" * 8192)
        except OSError:
            pass

    @staticmethod
    def _thread(work, *args):
        thread = threading.Thread(target=work, args=args, daemon=True)
        thread.start()
        return thread

    def _save(self, patient=False):
        """With the lock held."""
        self.unsaved, self.saved_at = False, time.monotonic()
        try:
            save_status(self.folder, self.status, patient)
        except OSError:
            if patient:
                raise
            self.unsaved = True

    def _tend(self):
        """Signs of life, the job's memory, a status that was not written yet, and its end when that is asked for."""
        started, looks, beat = time.monotonic(), list(MEMORY_LOOKS), 0.0
        while True:
            now = time.monotonic()
            self._look_for_stop()
            beats = now >= beat
            if beats:
                beat = now + HEARTBEAT
                try:
                    touch(os.path.join(self.folder, "heartbeat"))
                except OSError:
                    pass  # a full disk is no reason to stop
            if beats or (looks and now - started >= looks[0]):
                while looks and now - started >= looks[0]:
                    looks.pop(0)
                self._look_at_memory()
            if beats:
                with self.lock:
                    if self.unsaved and now - self.saved_at >= TELL_PEAKS and not self.done.is_set():
                        self._save()
            if self.done.wait(min(TICK, max(0.0, started + looks[0] - now)) if looks else TICK):
                return

    def _look_for_stop(self):
        path = os.path.join(self.folder, "stop")
        there = os.path.exists(path)  # looked at first: a file that appears in between is read next time
        asked = _load(path) or ({} if there else None)  # empty: the disk had no room for what it says
        with self.lock:
            if self.over or self.done.is_set():
                return
            now = time.monotonic()
            if asked is not None and asked != self.stop:
                kill_at = now + asked.get("grace", STOP_GRACE)
                first = self.stop is None
                self.kill_at = kill_at if first else min(kill_at, self.kill_at)
                self.stop = asked
                if first:
                    self.status["cancelled"] = True
                    self._kill(signal.SIGTERM)
                    self._save()
            if self.stop is not None and now >= self.kill_at:
                self._kill(KILL)

    def _processes(self):
        child = self.child
        return [] if child is None else job_processes(child.pid, adopts=True)

    def _alive(self):
        found = self._processes()
        if found is not None or WINDOWS:
            return bool(found)
        try:
            os.killpg(self.child.pid, 0)
            return True
        except OSError:
            return False

    def _kill(self, number):
        """To all groups of the job: `timeout` and shells with job control make groups of their own, daemons sessions."""
        if self.child is None:
            return
        if WINDOWS:
            self.child.terminate()
            return
        kill_groups(self.child.pid, self._processes(), number)

    def _look_at_memory(self):
        found = self._processes()
        if found:
            self._peak("peakMemoryBytes", sum(pages for _, _, pages in found) * os.sysconf("SC_PAGE_SIZE"))

    def _peak(self, name, value):
        with self.lock:
            if value > self.status.get(name, -1):
                self.status[name] = value
                self.unsaved = True

    def _watch_gpus(self):
        """In a thread of its own: a driver in trouble makes nvidia-smi hang."""
        program = nvidia_smi()
        before = gpu_memory_used(program) if program else None
        if before is None:
            return
        pause, seen = GPU_FIRST, False
        while not self.done.wait(pause):
            pause = GPU_EVERY
            pids = {pid for pid, _, _ in self._processes() or []}
            own = [used for pid, used in gpu_processes(program) if pid in pids]
            seen = seen or bool(own)
            now = sum(own) if seen else gpu_memory_used(program)
            if now is not None:
                # a container hides whose memory it is
                self._peak("peakGpuMemoryBytes", (now if seen else max(0, now - before)) << 20)

    def _drain(self, pipes, leave):
        """Both pipes in one thread, stdout first, so that a traceback stays behind the lines that came before it."""
        poll, streams = select.poll(), dict(pipes)
        pause = BREATH if all([_enlarge(fd) for fd in streams]) else 0
        for fd in streams:
            poll.register(fd, select.POLLIN)
        last = 0.0
        while streams and not leave.is_set():
            ready = {fd for fd, _ in poll.poll(1000)}
            full = False
            for fd, stream in list(streams.items()):
                if fd not in ready:
                    continue
                data = os.read(fd, PIECE)
                self.log.append(stream, data)
                full = full or len(data) == PIECE
                if not data:
                    poll.unregister(fd)
                    del streams[fd]
            now = time.monotonic()
            if pause and not full and now - last < 2 * BREATH:
                time.sleep(pause)  # unbuffered printing: let it gather instead of waking up for each piece
            last = now

    def _drain_one(self, fd, stream):
        while True:
            data = os.read(fd, PIECE)
            if not data:
                return
            self.log.append(stream, data)

    def _feed(self, child):
        """From where the attempt before stopped to read: each byte is read by one."""
        source = os.path.join(self.folder, "stdin")
        ended = os.path.join(self.folder, "stdin.eof")
        pipe, offset, pause = child.stdin, self.fed, 0.005
        try:
            while not self.done.is_set() and child.returncode is None:
                last = os.path.exists(ended)  # looked at before reading: nothing is appended after it
                data = b""
                try:
                    with open(source, "rb") as file:
                        file.seek(offset)
                        data = file.read(PIECE)
                except FileNotFoundError:
                    pass
                if data:
                    view = memoryview(data)
                    while view:
                        count = os.write(pipe.fileno(), view)
                        view, offset = view[count:], offset + count
                    pause = 0.005
                elif last:
                    break
                else:
                    self.done.wait(pause)
                    pause = min(pause * 1.5, 0.05)
        except OSError:
            pass  # the job does not read any more
        finally:
            self.given = offset, _other_end(pipe)
            try:
                pipe.close()
            except OSError:
                pass

    def _stdin_read(self):
        """How much of stdin this attempt, which is over, and those before it read. None: what could not be killed goes on reading."""
        self.feeder.join(GRACE)
        if self.feeder.is_alive():
            return None
        given, rest = self.given
        if rest is None:
            return given
        try:
            return given - struct.unpack("i", fcntl.ioctl(rest, termios.FIONREAD, b"\0" * 4))[0]
        except OSError:
            return given
        finally:
            os.close(rest)

    def _finish(self, code, number, reason, error):
        with self.lock:
            self.done.set()
            totals = self.log.totals()
            self.log.close()
            status = self.status
            status.update(totals, state="exited", exitCode=code, endedAt=time.time(), signal=_signal_name(number))
            status["logBytes"] = self.log.size
            if self.stop is not None:
                reason = "cancelled"  # also during the pause before another attempt
            if reason:
                status["reason"] = reason
            if error:
                status["error"] = error
            if self.log.was_full:
                status["diskFull"] = True
            try:
                status["diskFreeBytes"] = shutil.disk_usage(self.order["cwd"]).free
            except OSError:
                pass  # the job removed its folder
            leftovers = ["reserve", "stdin", "stdin.eof", "stop"]
            if os.fstat(2).st_size == 0:
                leftovers.append("supervisor.err")
            for name in leftovers:
                try:
                    os.unlink(os.path.join(self.folder, name))
                except OSError:
                    pass
            self._save(patient=True)  # the last thing done here: the run may be removed now


def _other_end(pipe):
    """Of a pipe that is written to, its end to read from: what is left in it can be counted there later. None where that cannot be had."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        return os.open("/proc/self/fd/%d" % pipe.fileno(), os.O_RDONLY | os.O_NONBLOCK)
    except (OSError, ValueError):
        return None


def adopt_orphans():
    """What a job's processes leave behind becomes ours instead of init's, so that it can be found: a daemon has a session of its own."""
    if not sys.platform.startswith("linux"):
        return
    try:
        import ctypes

        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
    except (ImportError, OSError, AttributeError):
        pass  # then only the job's own session is seen


def job_processes(leader, adopts=False):
    """
    [(pid, process group, resident pages)] of a job's living processes: those of its session, and below it. None where there is no
    /proc. Where this process `adopts` the job's orphans, those count too, and the dead among them are buried.
    """
    try:
        names = os.listdir("/proc")
    except OSError:
        return None
    me, mine, rows = os.getpid(), os.getsid(0), {}
    for name in names:
        if not name.isdigit():
            continue
        try:
            with open("/proc/%s/stat" % name, "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
        except OSError:
            continue
        state, parent, group, session, pages = fields[0], int(fields[1]), int(fields[2]), int(fields[3]), int(fields[21])
        if session != mine or not adopts:  # what we started for ourselves is not the job's
            rows[int(name)] = (state, parent, group, session, pages)
    for pid, (state, parent, _, _, _) in rows.items():
        if adopts and state == b"Z" and parent == me and pid != leader:
            try:
                os.waitpid(pid, os.WNOHANG)
            except OSError:
                pass
    below, known = {me, leader} if adopts else {leader}, 0
    while known < len(below):  # as deep as they are nested
        known = len(below)
        below.update(pid for pid, row in rows.items() if row[1] in below)
    found = [
        (pid, group, pages) for pid, (state, _, group, session, pages) in rows.items()
        if (session == leader or pid in below) and state not in (b"Z", b"X")
    ]
    return found if found or "self" in names else None


def kill_groups(leader, processes, number):
    for group in {leader} | {group for _, group, _ in processes or []}:
        try:
            os.killpg(group, number)
        except OSError:
            pass


def oom_kills(read=None):
    """How often the kernel killed for want of memory here: in our control groups, or else on the whole machine."""
    read = read or _text_of
    folders = []
    for line in (read("/proc/self/cgroup") or "").splitlines():
        number, _, rest = line.partition(":")
        kinds, _, path = rest.partition(":")
        roots = []
        if number == "0" and not kinds:
            roots = [("/sys/fs/cgroup", "memory.events"), ("/sys/fs/cgroup/unified", "memory.events")]
        elif "memory" in kinds.split(","):
            roots = [("/sys/fs/cgroup/memory", "memory.oom_control")]
        parts = [part for part in path.split("/") if part]
        # up to the root, which is our own where the path is the host's
        folders += [("/".join([root] + parts[:depth]), name) for root, name in roots for depth in range(len(parts) + 1)]
    files = ["%s/%s" % pair for pair in folders]
    counts = [count for count in (_oom_count(read(path)) for path in files) if count is not None]
    return sum(counts) if counts else _oom_count(read("/proc/vmstat")) or 0


def _oom_count(text):
    found = re.search(r"^oom_kill (\d+)$", text or "", re.M)
    return int(found.group(1)) if found else None


def _text_of(path):
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError:
        return None


def _enlarge(fd):
    """A pipe of 1 MiB, where the system gives one."""
    try:
        return fcntl.fcntl(fd, getattr(fcntl, "F_SETPIPE_SZ", 1031), 1 << 20) >= 1 << 20
    except OSError:
        return False


def _signal_name(number):
    if number is None:
        return None
    try:
        return signal.Signals(number).name
    except ValueError:
        return "SIG%d" % number


def supervise(folder):
    if hasattr(os, "fork") and os.fork():
        os._exit(0)  # the second process has no parent that could wait for it or end it
    order = json.loads(sys.stdin.buffer.read())
    told = []

    def ready():
        if not told:
            told.append(True)
            try:
                os.write(1, b"ok\n")
            except OSError:
                pass
            null = os.open(os.devnull, os.O_RDWR)
            os.dup2(null, 0)
            os.dup2(null, 1)
            os.close(null)

    Supervisor(folder, order).run(ready)


# ---------------------------------------------------------------- signals and stdin of a job


def signal_run(home, run, name):
    status = load_status(home, run)
    if status["state"] == "unknown":
        raise Refusal("NOT_FOUND", "no run %s" % run)
    pgid = status.get("pgid")
    gone = status["state"] == "lost" and _process_start(pgid or 0) != status.get("pidStart")
    if status["state"] == "exited" or not isinstance(pgid, int) or gone:
        raise Refusal("NOT_RUNNING", "run %s is not running" % run)
    if WINDOWS:
        number = signal.CTRL_BREAK_EVENT if name == "SIGINT" else signal.SIGTERM
        os.kill(status["pid"], number)
        return
    if not isinstance(name, str) or name not in signal.Signals.__members__:
        raise Refusal("BAD_REQUEST", "no such signal: %s" % (name,))
    try:
        os.killpg(pgid, signal.Signals[name])
    except ProcessLookupError:
        raise Refusal("NOT_RUNNING", "run %s is not running" % run)


def stop_run(home, run, grace):
    """Ends a job for good. Its supervisor does it, which outlives us; without one, what is left is killed here."""
    status, folder = load_status(home, run), run_folder(home, run)
    state = status["state"]
    if state == "unknown":
        raise Refusal("NOT_FOUND", "no run %s" % run)
    if state == "exited" and status.get("cancelled"):
        return
    if state in ("starting", "running") and status.get("kind") != "cell":
        path = os.path.join(folder, "stop")
        try:
            write_private(path, json.dumps({"grace": grace, "at": time.time()}).encode("ascii"))
        except OSError:
            touch(path)  # on a full disk there is still room for a name
        return
    pgid, owner = status.get("pgid"), status.get("owner")
    here = isinstance(owner, dict) and owner.get("domain") is not None and owner["domain"] == _domain()
    if state == "lost" and isinstance(pgid, int) and here:
        leader, processes = _process_start(pgid), job_processes(pgid)
        if processes and leader in (None, status.get("pidStart")):
            kill_groups(pgid, processes, signal.SIGKILL)
            return
    raise Refusal("NOT_RUNNING", "run %s is not running" % run)


def feed_stdin(home, run, offset, data, eof):
    """Appends by offset: what was received before is not appended again."""
    status = load_status(home, run)
    if status["state"] == "unknown":
        raise Refusal("NOT_FOUND", "no run %s" % run)
    if status["state"] not in ("starting", "running"):
        raise Refusal("NOT_RUNNING", "run %s is not running" % run)
    path = os.path.join(run_folder(home, run), "stdin")
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o600)
    with os.fdopen(fd, "wb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        if offset > size:
            raise Refusal("GAP", "stdin has %d bytes, not %d" % (size, offset))
        view = memoryview(data)[size - offset :]
        size += len(view)
        while view:
            view = view[file.write(view) :]
    if eof:
        touch(path + ".eof")
    return size


# ---------------------------------------------------------------- files


def describe(path, with_hash=False):
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return {"exists": False}
    answer = dict(_entry(found), exists=True)
    if with_hash and stat.S_ISREG(found.st_mode):
        digest = hashlib.sha256()
        with _open_regular(path) as file:
            _hash_up_to(file, digest, found.st_size)
        answer["sha256"] = digest.hexdigest()
    return answer


def _entry(found):
    kinds = ((stat.S_ISREG, "file"), (stat.S_ISDIR, "directory"), (stat.S_ISLNK, "link"))
    kind = next((name for test, name in kinds if test(found.st_mode)), "other")
    return {"type": kind, "size": found.st_size, "mode": stat.S_IMODE(found.st_mode), "mtime": found.st_mtime}


def _open_regular(path):
    """A FIFO or a device would block us or never end: refused."""
    fd = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0))
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode):
        os.close(fd)
        code = "IS_DIRECTORY" if stat.S_ISDIR(found.st_mode) else "NOT_REGULAR"
        raise Refusal(code, "not a regular file: %s" % _shown(path))
    return os.fdopen(fd, "rb", buffering=0)


def _hash_up_to(file, digest, size):
    done = 0
    while done < size:
        data = file.read(min(1 << 20, size - done))
        if not data:
            break
        digest.update(data)
        done += len(data)
    return done


class Upload:
    """A file on its way in: beside its target, under a name of ours, until it is whole and right."""

    def __init__(self, path, size, mode):
        self.target = os.path.realpath(path)  # through a link, as a shell's redirection does
        try:
            found = os.stat(self.target)
        except FileNotFoundError:
            found = None
        if found is not None and not stat.S_ISREG(found.st_mode):
            code = "IS_DIRECTORY" if stat.S_ISDIR(found.st_mode) else "NOT_REGULAR"
            raise Refusal(code, "not a regular file: %s" % _shown(path))
        if path.endswith(("/", os.sep)):
            raise Refusal("IS_DIRECTORY", "a folder's name: %s" % _shown(path))
        self.mode = mode if mode is not None else stat.S_IMODE(found.st_mode) if found else 0o666 & ~_umask()
        self.size = size
        self.received = 0
        self.digest = hashlib.sha256()
        self.seen = time.monotonic()
        folder, name = os.path.split(self.target)
        os.makedirs(folder, exist_ok=True)
        self.part = os.path.join(folder, ".%s.cgpu-%s.part" % (name[:200], uuid.uuid4().hex[:12]))
        fd = os.open(self.part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        self.file = os.fdopen(fd, "wb", buffering=0)

    def chunk(self, offset, data):
        self.seen = time.monotonic()
        view = memoryview(data)
        if offset > self.received:
            raise Refusal("GAP", "received %d bytes, not %d" % (self.received, offset))
        view = view[self.received - offset :]
        if self.received + len(view) > self.size:
            raise Refusal("BAD_REQUEST", "more bytes than announced")
        while view:
            done = self.file.write(view)
            self.digest.update(view[:done])
            self.received += done
            view = view[done:]

    def commit(self, expected, mtime):
        found = self.digest.hexdigest()
        if self.received != self.size:
            raise Refusal("GAP", "received %d of %d bytes" % (self.received, self.size))
        if expected is not None and expected != found:
            self.abort()
            raise Refusal("HASH_MISMATCH", "the file arrived damaged")
        self.file.close()
        os.chmod(self.part, self.mode)
        if mtime is not None:
            os.utime(self.part, (mtime, mtime))
        os.replace(self.part, self.target)
        return {"size": self.size, "sha256": found, "path": _shown(self.target)}

    def abort(self):
        self.file.close()
        try:
            os.unlink(self.part)
        except OSError:
            pass


def _umask():
    try:
        with open("/proc/self/status") as file:
            return next(int(line.split()[1], 8) for line in file if line.startswith("Umask:"))
    except (OSError, StopIteration, ValueError):
        return 0o022  # os.umask would change it for every thread of the kernel


def glob_files(root, patterns, since):
    """Relative paths of files that match, `/` separated; never outside root, whatever the links say."""
    root = os.path.realpath(root)
    found = set()
    for pattern in patterns:
        parts = _pattern_parts(pattern)
        for path in _walk(root, parts or ["**"]):
            if path not in found:
                found.add(path)
                full = os.path.join(root, path)
                try:
                    info = os.stat(full)
                except OSError:
                    continue
                if not stat.S_ISREG(info.st_mode) or not _inside(root, full):
                    continue
                # ctime too: an unpacked or moved file is new with an old mtime; file times run up to a tick late
                if since is not None and max(info.st_mtime, info.st_ctime) < since - 0.01:
                    continue
                entry = _entry(info)
                del entry["type"]
                yield dict(entry, path=_shown(path.replace(os.sep, "/")))


def _pattern_parts(pattern):
    parts = [part for part in pattern.replace(os.sep, "/").split("/") if part not in ("", ".")]
    if pattern.startswith("/") or os.path.isabs(pattern) or ".." in parts:
        raise Refusal("BAD_REQUEST", "a pattern must stay below the folder: %s" % pattern)
    return parts


def _inside(root, path):
    real = os.path.realpath(path)
    return real == root or real.startswith(root.rstrip(os.sep) + os.sep)


def _walk(root, parts):
    """Depth first without recursion; `seen` keeps patterns with several ** from blowing up."""
    stack, seen = [("", 0, False)], set()
    while stack:
        state = stack.pop()
        if state in seen:
            continue
        seen.add(state)
        folder, at, all_of_it = state
        part = None if all_of_it or at >= len(parts) else parts[at]
        if part == "**":
            stack.append((folder, at + 1, at + 1 == len(parts)))
        try:
            entries = sorted(os.scandir(os.path.join(root, folder)), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            if PART.match(entry.name):
                continue
            path = os.path.join(folder, entry.name)
            real_folder = entry.is_dir(follow_symlinks=False)
            if all_of_it:
                if real_folder:
                    stack.append((path, at, True))
                else:
                    yield path
            elif part == "**":
                if real_folder and not entry.name.startswith("."):
                    stack.append((path, at, False))
            elif part is not None and _matches(entry.name, part):
                last = at + 1 == len(parts)
                if real_folder or (entry.is_dir() and _inside(root, os.path.join(root, path))):
                    stack.append((path, at + 1, last))
                elif last:
                    yield path


def _matches(name, part):
    if name.startswith(".") and not part.startswith("."):
        return False
    return fnmatch.fnmatchcase(name, part)


def list_folder(path):
    for entry in sorted(os.scandir(path), key=lambda entry: entry.name):
        try:
            yield dict(_entry(entry.stat(follow_symlinks=False)), name=_shown(entry.name))
        except OSError:
            continue


def nvidia_smi():
    return shutil.which("nvidia-smi") or next(
        (path for path in ("/opt/bin/nvidia-smi", "/usr/bin/nvidia-smi") if os.access(path, os.X_OK)), None)


def _ask_nvidia(program, query):
    try:
        return subprocess.run(
            [program, query, "--format=csv,noheader,nounits"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=20,
        ).stdout.decode("utf-8", "replace").splitlines()
    except (OSError, subprocess.SubprocessError):
        return []


def gpu_memory_used(program):
    """MiB on all GPUs together, by whomever; None when it does not say."""
    used = [line.strip() for line in _ask_nvidia(program, "--query-gpu=memory.used")]
    numbers = [int(text) for text in used if text.isdigit()]
    return sum(numbers) if numbers else None


def gpu_processes(program):
    """[(pid, MiB)]; a process that uses several GPUs is there several times."""
    rows = [line.split(",") for line in _ask_nvidia(program, "--query-compute-apps=pid,used_memory")]
    pairs = [[text.strip() for text in row] for row in rows if len(row) == 2]
    return [(int(pid), int(used)) for pid, used in pairs if pid.isdigit() and used.isdigit()]


def devices():
    accelerators = []
    program = nvidia_smi()
    if program:
        for line in _ask_nvidia(program, "--query-gpu=name,memory.total"):
            name, comma, memory = line.rpartition(",")
            if comma and memory.strip().replace(".", "", 1).isdigit():
                accelerators.append({"kind": "gpu", "name": name.strip(), "memoryBytes": int(float(memory)) << 20})
    if os.path.isdir("/dev"):
        chips = [name for name in os.listdir("/dev") if re.match(r"accel\d+\Z", name)]
        if not chips and os.environ.get("TPU_ACCELERATOR_TYPE"):  # newer ones are behind VFIO
            chips = [name for name in os.listdir("/dev/vfio") if name.isdigit()] if os.path.isdir("/dev/vfio") else []
            chips = chips or ["one"]
        accelerators += [{"kind": "tpu", "name": os.environ.get("TPU_ACCELERATOR_TYPE", "tpu")} for _ in chips]
    try:
        cpus = len(os.sched_getaffinity(0))
    except AttributeError:
        cpus = os.cpu_count() or 1
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        memory = None
    return {"accelerators": accelerators, "cpus": cpus, "memoryBytes": memory}


# ---------------------------------------------------------------- the lease: a machine that nobody uses releases itself


def release_address():
    """Where this machine asks to be taken back, as google.colab.runtime.unassign() does. None: it cannot."""
    address = os.environ.get("TBE_RUNTIME_ADDR", "")
    return "http://%s/unassign" % address if re.match(r"[A-Za-z0-9.:\[\]_-]+\Z", address) else None


def load_lease(home):
    """Seconds, or None when there is no lease."""
    lease = _load(os.path.join(home, "lease.json")) or {}
    seconds = lease.get("seconds")
    return seconds if isinstance(seconds, (int, float)) and not isinstance(seconds, bool) and seconds > 0 else None


def lease_left(home, seconds):
    """Seconds until the lease lapses if nobody uses the machine. By the clock that nobody sets."""
    try:
        with open(os.path.join(home, "lease.used")) as file:
            used = float(file.read())
    except (OSError, ValueError):
        used = None
    now = time.monotonic()
    if used is None or used > now:  # from before a restart of the machine
        note_use(home)
        used = now
    return used + seconds - now


def note_use(home):
    """In place and always as long, so that it works on a full disk too."""
    fd = os.open(os.path.join(home, "lease.used"), os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.write(fd, b"%-24.3f" % time.monotonic())
    finally:
        os.close(fd)


_noted = {}  # when a use of this home was last noted, or was found to be no matter


def used(home):
    """The machine is in use now. Cheap: most calls only compare two numbers."""
    now = time.monotonic()
    if now < _noted.get(home, 0.0):
        return
    _noted[home] = now + LEASE_TELL
    try:
        seconds = load_lease(home)
        if seconds is not None:
            _noted[home] = now + min(LEASE_TELL, seconds / 10)
            note_use(home)
    except OSError:
        pass  # a full disk: the lease lapses a little early


def set_lease(home, seconds):
    """Sets the lease, or takes it away (0), or only tells it (None)."""
    if seconds is not None:
        agent = ensure_home(home)
        if seconds == 0:
            try:
                os.unlink(os.path.join(home, "lease.json"))
            except FileNotFoundError:
                pass
        elif release_address() is None:
            return {"set": False, "reason": "this machine offers no way to release itself"}
        elif fcntl is None or not hasattr(os, "fork"):
            return {"set": False, "reason": "its system is not supported"}
        else:
            note_use(home)
            write_private(os.path.join(home, "lease.json"), json.dumps({"seconds": seconds}).encode("ascii"))
            _noted.pop(home, None)
            watch_lease(agent, home)
    kept = load_lease(home)
    return {"set": kept is not None, "seconds": kept, "left": None if kept is None else lease_left(home, kept)}


def watch_lease(agent, home):
    """Starts the watcher, unless there is one. It outlives this kernel."""
    if _watched(home):
        return
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON") or name == "PYTHONHOME"}
    process = subprocess.Popen(
        [sys.executable, "-S", "-s", agent, "watch", home],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=home, env=env, start_new_session=True
    )
    process.wait()  # the first of the double fork


def _watched(home):
    fd = os.open(os.path.join(home, "lease.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except OSError:
        return True
    finally:
        os.close(fd)


class LeaseWatcher:
    """One a machine. Waits until the lease lapsed while no job and no cell ran, then releases the machine."""

    def __init__(self, home, release=None, sleep=time.sleep):
        self.home = home
        self.release = release or release_machine
        self.sleep = sleep
        self.kernels = KernelWork()

    def run(self):
        lock = os.open(os.path.join(self.home, "lease.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        for _ in range(50):  # one that is about to end, as there was no lease, may still hold it
            try:
                fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                self.sleep(0.1)
        else:
            return
        pause = 2.0
        while True:
            try:
                left = self.left()
            except Exception:
                if not os.path.isdir(self.home):
                    return
                left = LEASE_LOOK  # whatever is wrong now: without this process the machine would never be released
            if left is None:
                return
            if left > 0:
                pause = 2.0
                self.sleep(left)
            elif self.release():
                self.sleep(60)  # the machine is being taken away; if it is not, it is asked for again
            else:
                self.sleep(pause)
                pause = min(60.0, pause * 2)

    def left(self):
        """Seconds to sleep; 0: it lapsed; None: there is no lease."""
        seconds = load_lease(self.home)
        if seconds is None:
            return None
        if busy(self.home) or self.kernels.seen():
            note_use(self.home)  # the lease counts from the end of the work
        left = lease_left(self.home, seconds)
        return max(0.0, min(left, LEASE_LOOK, max(0.2, seconds / 4)))


def busy(home):
    """A job runs, or a cell that cgpu sent."""
    return any(run.get("state") in ("starting", "running") for run in list_runs(home))


class KernelWork:
    """Whether kernels did something since the last look: code from a browser is not ours, and its work is work too."""

    def __init__(self):
        self.before = None
        self.at = 0.0

    def seen(self):
        times, now = kernel_times(os.environ.get("TBE_RUNTIME_ADDR")), time.monotonic()
        before, self.before = self.before, times
        elapsed, self.at = now - self.at, now
        if before is None:
            return False
        spent = sum(ticks - before.get(process, 0) for process, ticks in times.items())
        return spent / os.sysconf("SC_CLK_TCK") > KERNEL_WORK * elapsed


def kernel_times(address):
    """Processor time in ticks of this machine's kernels and what they started, by (pid, start)."""
    parents, times, roots = {}, {}, set()
    for name in os.listdir("/proc") if os.path.isdir("/proc/self") else []:
        if not name.isdigit():
            continue
        try:
            with open("/proc/%s/stat" % name, "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
            with open("/proc/%s/cmdline" % name, "rb") as file:
                kernel = b"ipykernel" in file.read()
            if kernel:
                # other machines of an emulator may be seen here
                with open("/proc/%s/environ" % name, "rb") as file:
                    kernel = b"TBE_RUNTIME_ADDR=" + os.fsencode(address or "") in file.read().split(b"\0")
        except OSError:
            continue
        pid = int(name)
        parents[pid] = int(fields[1])
        # its own and that of children which ended, as user and as system
        times[pid] = (pid, int(fields[19])), sum(int(field) for field in fields[11:15])
        if kernel:
            roots.add(pid)

    def started_by_kernel(pid):
        for _ in range(64):
            if pid in roots or pid not in parents:
                return pid in roots
            pid = parents[pid]
        return False

    return dict(times[pid] for pid in times if started_by_kernel(pid))


def release_machine():
    """True when the machine took the order."""
    import urllib.request

    address = release_address()
    if address is None:
        return False
    # no proxy of the environment: this is the machine's own host
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(address, data=b"", method="POST"), timeout=30) as answer:
            return 200 <= answer.status < 300
    except OSError:
        return False


def watch(home):
    if os.fork():
        os._exit(0)
    for name in ("SIGHUP", "SIGINT", "SIGQUIT"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    try:
        LeaseWatcher(home).run()
    except OSError:
        pass  # the folder is gone, and the lease with it


# ---------------------------------------------------------------- control: the comm target


class Stream:
    """Flow control of one push operation: how many bytes the client has room for."""

    def __init__(self, room):
        self.room = room
        self.changed = threading.Condition()
        self.stopped = False

    def grant(self, count):
        with self.changed:
            self.room += count
            self.changed.notify()

    def stop(self):
        with self.changed:
            self.stopped = True
            self.changed.notify()

    def wait(self, seconds):
        with self.changed:
            if not self.stopped:
                self.changed.wait(seconds)

    def wait_for_room(self, seconds):
        with self.changed:
            if self.room <= 0 and not self.stopped:
                self.changed.wait(seconds)
            return self.room


_parts = {}  # by name and version, for every client: clients of two versions may use one machine
_uploads = {}  # by id, for every client: an upload outlives a lost link
_uploads_lock = threading.Lock()
_send_lock = threading.Lock()


class Control:
    """One client. Its messages are queued by the kernel's main thread, and worked on by threads."""

    def __init__(self, comm, kernel, asked):
        self.comm = comm
        self.kernel = kernel
        home = asked.get("home") if isinstance(asked.get("home"), str) and asked.get("home") else default_home()
        self.home = os.path.abspath(os.path.expanduser(home))
        workdir = asked.get("workdir")
        self.workdir = os.path.abspath(workdir) if isinstance(workdir, str) and workdir else os.getcwd()
        self.queue = queue.Queue()
        self.answers = collections.OrderedDict()  # id -> answer: a request that is sent again is not done again
        self.busy = set()
        self.streams = {}
        self.lock = threading.Lock()
        self.seen = time.monotonic()
        self.closed = False
        threading.Thread(target=self._work, name="cgpu", daemon=True).start()

    # called in the kernel's main thread

    def on_msg(self, message):
        self.seen = time.monotonic()
        data, buffers = message["content"].get("data"), list(message.get("buffers") or [])
        if isinstance(data, dict) and data.get("id") == 0 and isinstance(data.get("part"), str):
            self._tell_part(data, buffers)
        else:
            self.queue.put((data, buffers))

    def _tell_part(self, data, buffers):
        """At once: whoever wants no answer is in a hurry. It must not wait, and whoever wants no answer hears of no error."""
        used(self.home)
        told = getattr(_parts.get(data["part"]), "TOLD", {})
        if isinstance(data.get("op"), str) and data["op"] in told:
            try:
                told[data["op"]](self, data, buffers)
            except Exception:
                pass

    def on_close(self, _message):
        self.closed = True
        _controls.pop(self.comm.comm_id, None)
        self.queue.put(None)
        for stream in list(self.streams.values()):
            stream.stop()

    # in threads

    def hello(self):
        try:
            agent = ensure_home(self.home)
            if load_lease(self.home) is not None:
                watch_lease(agent, self.home)
        except OSError:
            pass  # said again, as an error, by the request that needs the folder
        used(self.home)
        self.send({
            "op": "hello", "version": VERSION, "python": "%d.%d.%d" % sys.version_info[:3],
            "executable": sys.executable, "platform": sys.platform, "home": _shown(self.home),
            "workdir": _shown(self.workdir), "pid": os.getpid(),
        })

    def send(self, data, buffers=None):
        """Like comm.send, with an id of our own: the session's counter is not safe with threads."""
        session = self.kernel.session
        header = session.msg_header("comm_msg")
        header["msg_id"] = uuid.uuid4().hex
        message = {
            "header": header, "msg_id": header["msg_id"], "msg_type": "comm_msg", "parent_header": {}, "metadata": {},
            "content": {"comm_id": self.comm.comm_id, "data": data},
        }
        with _send_lock:
            session.send(self.kernel.iopub_socket, message, ident=self.comm.topic, buffers=buffers)

    def _work(self):
        while True:
            item = self.queue.get()
            if item is None:
                return
            data, buffers = item
            used(self.home)
            number = data.get("id") if isinstance(data, dict) else None
            if not isinstance(number, int) or isinstance(number, bool):
                self.send({"id": None, "ok": False, "error": {"code": "BAD_REQUEST", "message": "a request needs an id"}})
                continue
            op = data.get("op")
            if number == 0:  # wants no answer
                self._credit_or_cancel(op, data)
                continue
            with self.lock:
                again = self.answers.get(number)
                if number in self.busy:
                    continue
                if again is None:
                    self.busy.add(number)
            if again is not None:
                self.send(*again)
                continue
            quick, long = self._methods(data.get("part"))
            if isinstance(op, str) and op in long:
                threading.Thread(target=self._answer, args=(number, long[op], data, buffers), daemon=True).start()
            else:
                self._answer(number, quick.get(op) if isinstance(op, str) else None, data, buffers)

    def _methods(self, part):
        if part is None:
            return self.QUICK, self.LONG
        module = _parts.get(part) if isinstance(part, str) else None
        return ({}, {}) if module is None else (module.QUICK, module.LONG)

    def _answer(self, number, method, data, buffers):
        reply = None
        try:
            if method is None:
                if data.get("part") is not None and data["part"] not in _parts:
                    raise Refusal("NO_PART", "this agent has no part %r" % (data["part"],))
                raise Refusal("UNKNOWN_OP", "this agent does not know %r" % (data.get("op"),))
            answer = method(self, data, buffers)
            answer, reply = answer if isinstance(answer, tuple) else (answer, None)
            answer = dict(answer, id=number, ok=True)
        except Exception as error:
            refusal = _refusal_of(error)
            answer = {"id": number, "ok": False, "error": {"code": refusal.code, "message": str(refusal)}}
        with self.lock:
            self.busy.discard(number)
            if reply is None:
                self.answers[number] = (answer,)
                while len(self.answers) > 512:
                    self.answers.popitem(last=False)
        if not self.closed:
            self.send(answer, reply)

    def _gone(self):
        return self.closed or time.monotonic() - self.seen > CLIENT_GONE

    # runs

    def op_start(self, data, _buffers):
        return start_job(self.home, data, self.workdir)

    def op_status(self, data, _buffers):
        return {"status": described(self.home, _run_id(data))}

    def op_runs(self, _data, _buffers):
        return {"runs": list_runs(self.home)}

    def op_remove(self, data, _buffers):
        run = _run_id(data)
        state = load_status(self.home, run)["state"]
        if state in ("starting", "running"):
            raise Refusal("RUNNING", "run %s is still running" % run)
        shutil.rmtree(run_folder(self.home, run), ignore_errors=state == "unknown")
        return {}

    def op_signal(self, data, _buffers):
        signal_run(self.home, _run_id(data), data.get("signal"))
        return {}

    def op_stop(self, data, _buffers):
        grace = _maybe(data, "grace", (int, float), STOP_GRACE)
        if not 0 <= grace <= 86400:
            raise Refusal("BAD_REQUEST", "grace is out of range")
        stop_run(self.home, _run_id(data), grace)
        return {}

    def op_stdin(self, data, buffers):
        offset = _count(data, "offset")
        return {"size": feed_stdin(self.home, _run_id(data), offset, _one(buffers), _maybe(data, "eof", bool, False))}

    def _log_path(self, run):
        path = os.path.join(run_folder(self.home, run), "log")
        if not os.path.exists(os.path.join(run_folder(self.home, run), "claim")):
            raise Refusal("NOT_FOUND", "no run %s" % run)
        return path

    def op_read(self, data, _buffers):
        path, offset = self._log_path(_run_id(data)), _count(data, "offset")
        if not os.path.exists(path):
            return {"offset": offset, "size": 0}, [b""]
        records = Records(path, offset)
        try:
            found = records.next(max(HEADER.size, min(CHUNK, _count(data, "max", CHUNK))))
            return {"offset": offset, "n": len(found), "size": records.size()}, [found]
        finally:
            records.close()

    def op_locate(self, data, _buffers):
        path, streams = self._log_path(_run_id(data)), {None: None, "stdout": STDOUT, "stderr": STDERR}
        stream = _maybe(data, "stream", str)
        if stream not in streams:
            raise Refusal("BAD_REQUEST", "stream must be stdout or stderr")
        lines = None if data.get("lines") is None else _count(data, "lines")
        since = _maybe(data, "since", (int, float))
        offset, size = locate(os.path.dirname(path), lines, since, streams[stream])
        return {"offset": offset, "size": size}

    def op_follow(self, data, _buffers):
        run, offset = _run_id(data), _count(data, "offset", 0)
        path, number = self._log_path(run), data["id"]
        stream = self.streams[number] = Stream(_count(data, "credit"))
        try:
            return self._follow(number, run, path, offset, stream)
        finally:
            self.streams.pop(number, None)

    def _follow(self, number, run, path, offset, stream):
        records, pause, told, ended = None, 0.005, time.monotonic(), None
        try:
            while not stream.stopped and not self._gone():
                now = time.monotonic()
                if now - told > ALIVE_EVERY:
                    self.send({"id": number, "offset": offset, "n": 0})
                    told = now
                if records is None and os.path.exists(path):
                    records = Records(path, offset)
                room = stream.wait_for_room(ALIVE_EVERY)
                found = records.next(max(HEADER.size, min(CHUNK // 4, room))) if records and room > 0 else b""
                if found:
                    stream.grant(-len(found))
                    self.send({"id": number, "offset": offset, "n": len(found)}, [found])
                    offset += len(found)
                    told, pause = now, 0.005
                elif room <= 0:
                    continue
                elif ended:
                    return {"end": True, "offset": offset, "status": described(self.home, run, ended)}
                else:
                    status = load_status(self.home, run)
                    if status["state"] not in ("starting", "running"):
                        ended = status  # what it wrote before it ended is still read, then this is told
                    else:
                        stream.wait(pause)
                        pause = min(pause * 1.5, 0.05)
            return {"end": True, "offset": offset, "stopped": True}
        finally:
            if records:
                records.close()

    def _credit_or_cancel(self, op, data):
        number, count = data.get("stream"), data.get("bytes")
        stream = self.streams.get(number) if isinstance(number, int) else None
        if stream and op == "cancel":
            stream.stop()
        elif stream and op == "credit" and isinstance(count, int) and 0 < count < 1 << 40:
            stream.grant(count)

    def op_ping(self, _data, _buffers):
        return {}

    def op_load(self, data, buffers):
        return {"loaded": load_part(self.home, _want(data, "name", str), _one(buffers))}

    # files

    def op_stat(self, data, _buffers):
        return describe(_path(data, self.workdir), _maybe(data, "hash", bool, False))

    def _new_upload(self, data):
        mode = _maybe(data, "mode", int)
        asked = _want(data, "path", str)
        path = _path(data, self.workdir) + ("/" if asked.endswith("/") else "")
        return Upload(path, _count(data, "size"), mode if mode is None else mode & 0o7777)

    def op_put(self, data, buffers):
        """A small file in one message."""
        upload = self._new_upload(data)
        try:
            upload.chunk(0, _one(buffers))
            return upload.commit(_maybe(data, "sha256", str), _maybe(data, "mtime", (int, float)))
        except BaseException:
            upload.abort()
            raise

    def op_upload(self, data, _buffers):
        upload = self._new_upload(data)
        name = uuid.uuid4().hex
        with _uploads_lock:
            for old in [key for key, value in _uploads.items() if time.monotonic() - value.seen > 3600]:
                _uploads.pop(old).abort()
            _uploads[name] = upload
        return {"upload": name}

    @staticmethod
    def _upload(data, pop=False):
        with _uploads_lock:
            name = _want(data, "upload", str)
            upload = _uploads.pop(name, None) if pop else _uploads.get(name)
        if upload is None:
            raise Refusal("NOT_FOUND", "no such upload")
        return upload

    def op_chunk(self, data, buffers):
        upload = self._upload(data)
        upload.chunk(_count(data, "offset"), _one(buffers))
        return {"received": upload.received}

    def op_commit(self, data, _buffers):
        mtime = _maybe(data, "mtime", (int, float))
        answer = self._upload(data).commit(_maybe(data, "sha256", str), mtime)
        self._upload(data, pop=True)
        return answer

    def op_abort(self, data, _buffers):
        self._upload(data, pop=True).abort()
        return {}

    def op_download(self, data, _buffers):
        path, offset = _path(data, self.workdir), _count(data, "offset", 0)
        expect = _maybe(data, "expect", str)
        number = data["id"]
        stream = self.streams[number] = Stream(_count(data, "credit"))
        try:
            with _open_regular(path) as file:
                return self._download(number, file, offset, expect, stream)
        finally:
            self.streams.pop(number, None)

    def _download(self, number, file, offset, expect, stream):
        first = os.fstat(file.fileno())
        identity = "%d-%d-%d" % (first.st_ino, first.st_size, first.st_mtime_ns)
        if offset and expect != identity:
            raise Refusal("CHANGED", "the file changed since the transfer began")
        info = {"identity": identity, "size": first.st_size, "mode": stat.S_IMODE(first.st_mode), "mtime": first.st_mtime}
        digest = hashlib.sha256()
        _hash_up_to(file, digest, offset)
        self.send(dict(info, id=number, offset=offset, n=0))
        while offset < first.st_size and not stream.stopped and not self._gone():
            room = stream.wait_for_room(ALIVE_EVERY)
            if room <= 0:
                self.send({"id": number, "offset": offset, "n": 0})
                continue
            data = file.read(min(CHUNK, room, first.st_size - offset))
            if not data:
                break
            stream.grant(-len(data))
            self.send({"id": number, "offset": offset, "n": len(data)}, [data])
            digest.update(data)
            offset += len(data)
        last = os.fstat(file.fileno())
        if offset < first.st_size and (stream.stopped or self._gone()):
            return {"end": True, "stopped": True, "offset": offset}
        if (last.st_size, last.st_mtime_ns) != (first.st_size, first.st_mtime_ns) or offset != first.st_size:
            raise Refusal("CHANGED", "the file changed while it was read")
        return dict(info, end=True, offset=offset, sha256=digest.hexdigest())

    def _in_batches(self, number, key, entries):
        batch, count = [], 0
        for entry in entries:
            batch.append(entry)
            count += 1
            if len(batch) == 2000:
                self.send({"id": number, key: batch, "at": count - len(batch)})
                batch = []
        return {"end": True, key: batch, "at": count - len(batch), "count": count}

    def op_glob(self, data, _buffers):
        patterns = _want(data, "patterns", list)
        root = _path(data, self.workdir, "root") if data.get("root") is not None else self.workdir
        since = _maybe(data, "since", (int, float))
        if not os.path.isdir(root):
            raise Refusal("NOT_FOUND", "no such folder: %s" % _shown(root))
        return self._in_batches(data["id"], "files", glob_files(root, [_text(p, "patterns") for p in patterns], since))

    def op_list(self, data, _buffers):
        return self._in_batches(data["id"], "entries", list_folder(_path(data, self.workdir)))

    def op_mkdir(self, data, _buffers):
        os.makedirs(_path(data, self.workdir), exist_ok=True)
        return {}

    def op_devices(self, _data, _buffers):
        return devices()

    def op_lease(self, data, _buffers):
        seconds = _maybe(data, "seconds", (int, float))
        if seconds is not None and not 0 <= seconds <= 366 * 86400:
            raise Refusal("BAD_REQUEST", "seconds is out of range")
        return set_lease(self.home, seconds)

    QUICK = {
        "status": op_status, "signal": op_signal, "stop": op_stop, "stdin": op_stdin, "read": op_read, "ping": op_ping, "load": op_load,
        "put": op_put, "upload": op_upload, "chunk": op_chunk, "commit": op_commit,
        "abort": op_abort, "mkdir": op_mkdir,
    }
    LONG = {
        "start": op_start, "follow": op_follow, "download": op_download, "glob": op_glob, "list": op_list,
        "stat": op_stat, "devices": op_devices, "lease": op_lease, "remove": op_remove, "runs": op_runs,
        "locate": op_locate,
    }


def _one(buffers):
    if len(buffers) > 1:
        raise Refusal("BAD_REQUEST", "one buffer at most")
    return bytes(buffers[0]) if buffers else b""


def load_part(home, name, source):
    """
    Operations that are sent only when somebody needs them. A part's module has `agent`, this module, and says in QUICK and LONG
    which operations it has, as Control does, and in TOLD those that
    nobody waits for, which are done in the kernel's own thread. Without a source: only whether it is here. Its file is for processes of its own.
    """
    if not PART_NAME.match(name):
        raise Refusal("BAD_REQUEST", "not the name of a part: %r" % name)
    if name in _parts or not source:
        return name in _parts
    if hashlib.sha256(source).hexdigest()[:16] != name.rpartition("-")[2]:
        raise Refusal("HASH_MISMATCH", "the part %s did not arrive as it was sent" % name)
    ensure_home(home)
    path = os.path.join(home, "%s.py" % name)
    if not os.path.exists(path):
        write_private(path, source)
    module = types.ModuleType("_cgpu_part")
    module.agent, module.__file__ = types.SimpleNamespace(**globals()), path  # not by sys.modules: another version may stand there
    exec(compile(source, "<cgpu %s>" % name, "exec"), module.__dict__)
    _parts[name] = module
    return True


_controls = {}  # comm id -> Control


def register(kernel):
    """Makes this version the one that answers to the target, in place of an older one."""

    def opened(comm, message):
        asked = message["content"].get("data")
        control = _controls[comm.comm_id] = Control(comm, kernel, asked if isinstance(asked, dict) else {})
        comm.on_msg(control.on_msg)
        comm.on_close(control.on_close)
        control.hello()

    hush(kernel)
    kernel.comm_manager.register_target(TARGET, opened)


def hush(kernel):
    """
    What wants no answer is done at once. Without busy and idle for it: the server passes each on, which takes longer than all the rest
    of a forwarded request. Without the flush of stdout and stderr, each of which waits for another thread. For both a kernel asks methods
    of its own, in ipykernel 6 and 7; one that is built otherwise is left alone.
    """
    should, publish = (getattr(kernel, name, None) for name in ("should_handle", "_publish_status"))
    if should is None or publish is None:
        return
    should, publish = getattr(should, "cgpu", should), getattr(publish, "cgpu", publish)  # those of an older version are replaced

    def should_handle(stream, message, idents):
        control = _told(message)
        if control is None:
            return should(stream, message, idents)
        control.on_msg(message)
        return False  # nothing more is done with it

    def publish_status(status, channel, *args, **kwargs):
        if channel == "shell" and _told(kernel.get_parent("shell")) is not None:
            return None
        return publish(status, channel, *args, **kwargs)

    should_handle.cgpu, publish_status.cgpu = should, publish
    kernel.should_handle, kernel._publish_status = should_handle, publish_status


def _told(message):
    """Whom a message is for that wants no answer."""
    try:
        if message["header"]["msg_type"] != "comm_msg":
            return None
        data = message["content"]["data"]
        return _controls.get(message["content"]["comm_id"]) if data["id"] == 0 and isinstance(data["part"], str) else None
    except (KeyError, TypeError):
        return None


# ---------------------------------------------------------------- cell: what the user's kernel publishes


class Answer:
    """Shown by a user expression as plain JSON."""

    def __init__(self, value):
        self.text = json.dumps(value)

    def __repr__(self):
        return self.text


RUN_KEY = "cgpu_run"  # in a request's metadata the run id of the cell, in its reply's user expressions the totals
TOTALS = "application/vnd.cgpu.cell+json"  # how the reply carries what was recorded
DISPLAYS = ("display_data", "execute_result", "update_display_data", "clear_output")
COUNTED = frozenset(DISPLAYS) | {"stream", "error"}
KEPT_CELLS = 64  # finished cells whose logs are kept
DRAIN = 2.0  # how long a reply waits for what subprocesses had written before it

_cells = {}  # msg_id of the request -> Cell that runs
_ended = queue.SimpleQueue()  # cells that are over, to be put in order
_fast = []
_streams = []  # the kernel's own stdout and stderr, also when user code replaced sys.stdout
_observed = {"home": None, "cells": 0, "tally": None}


class Cell:
    """Keeps one cell's output, exactly as it goes to the socket: messages whose parent is the cell's request.

    Taken where the session sends and not from the streams' `echo`: there the hot path of print() stays as it is,
    displays and streams keep their order, and output of other cells' threads is told apart by its parent.
    """

    def __init__(self, folder, status, limit=DEFAULT_LOG_LIMIT):
        self.folder = folder
        self.log = Log(os.path.join(folder, "log"), limit)
        self.displays = 0
        self.result = {"status": "unknown"}
        self.status = status
        self.sent = 0  # messages of output so far

    def took(self, kind, content):
        if kind == "stream":
            stream = STDERR if content.get("name") == "stderr" else STDOUT
            self.log.append(stream, _utf8(content.get("text", "")))
        elif kind in DISPLAYS or kind == "error":
            self.displays += kind != "error"
            record = json.dumps({"type": kind, "content": content}, default=str)
            self.log.append(DISPLAY, record.encode("ascii"))

    def totals(self):
        totals = dict(self.log.totals(), displays=self.displays, logBytes=self.log.size)
        path = os.path.join(self.folder, "log")
        size = os.stat(path).st_size
        if size > self.log.size:  # forked children appended: how much is only in the file
            totals["logBytes"] = size
            totals["stdoutBytes"], totals["stderrBytes"] = scan(path)
        return totals

    def ended(self):
        code = {"ok": 0, "error": 1}.get(self.result["status"])
        self.status.update(self.totals(), state="exited", exitCode=code, result=self.result, endedAt=time.time())
        self.log.close()
        save_status(self.folder, self.status)


@functools.lru_cache(maxsize=None)
def _self():
    return owner_of(os.getpid())


def _utf8(text):
    """As the client will read it: what is not UTF-8 becomes U+FFFD there, so it does here."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        pass
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace").encode("utf-8")
    except UnicodeEncodeError:
        return re.sub("[\ud800-\udfff]", "\ufffd", text).encode("utf-8")


def _begin(kernel, number):
    """At execute_input: a request that names a run id is recorded under it, if nobody has claimed that id."""
    request = kernel.get_parent("shell") or {}
    if request.get("header", {}).get("msg_id") != number:
        return
    run = (request.get("metadata") or {}).get(RUN_KEY)
    if not isinstance(run, str) or not RUN_ID.match(run):
        return
    status = {"id": run, "kind": "cell", "state": "running", "startedAt": time.time(), "pid": os.getpid(), "owner": _self()}
    folder, ours = claim(_observed["home"] or default_home(), run, None, status)
    if ours:
        _write_fast()
        _cells[number] = Cell(folder, status)
        _observed["cells"] += 1
        if _observed["tally"] is not None:
            _observed["tally"].count()


class Tally:
    """How many cells ran in this process, where the kernel's next one finds it: one file a process, a byte a cell."""

    def __init__(self, home, kernel_id):
        self.folder = os.path.join(home, "kernels", kernel_id)
        self.name = "%d-%s" % (os.getpid(), _process_start(os.getpid()) or int(time.time()))
        self.fd = None
        self.former = self._former()

    def _former(self):
        """Of the process that ran last before this one; None: there was none that anybody knows of."""
        try:
            files = [entry for entry in os.scandir(self.folder) if entry.name != self.name]
            last = max(files, key=lambda entry: entry.stat().st_mtime, default=None)
            former = None if last is None else {"cells": last.stat().st_size}
            for entry in files:
                if entry is not last:
                    os.unlink(entry.path)
            return former
        except OSError:
            return None

    def count(self):
        try:
            if self.fd is None:
                _private_folder(self.folder)
                self.fd = os.open(os.path.join(self.folder, self.name), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.write(self.fd, b".")
        except OSError:
            pass


def _kernel_id(kernel):
    """As the Jupyter server calls it, from the name of the connection file; None where it has another."""
    name = os.path.basename(str(getattr(getattr(kernel, "parent", None), "connection_file", "")))
    found = re.match("kernel-([0-9a-f-]{36})[.]json$", name)
    return found.group(1) if found else None


def _before_reply(cell, content):
    """Everything that was written is sent before the reply, and the reply says how much that is."""
    deadline = time.monotonic() + DRAIN
    for stream in _streams:
        watcher = getattr(stream, "cgpu_watcher", None)
        if (watcher is not None and watcher.drain(deadline)) or stream not in (sys.stdout, sys.stderr):
            stream.flush()  # otherwise the kernel did it just before
    cell.result = {key: content.get(key) for key in ("status", "ename", "evalue", "execution_count")}
    totals = dict(cell.totals(), run=cell.status["id"])
    shown = {"status": "ok", "data": {TOTALS: totals}, "metadata": {}}
    content["user_expressions"] = dict(content.get("user_expressions") or {}, **{RUN_KEY: shown})


def _number(msg_or_type, parent, kwargs):
    """Counts what a cell sends, in the messages' metadata: a subscriber that is too slow loses messages without a word."""
    message = msg_or_type if isinstance(msg_or_type, dict) else None
    kind = message["header"].get("msg_type") if message else msg_or_type
    if kind not in COUNTED:
        return
    parent = message.get("parent_header") if message else (parent or {}).get("header", parent)
    cell = _cells.get((parent or {}).get("msg_id"))
    if cell is None:
        return
    holder = message if message else kwargs
    holder["metadata"] = dict(holder.get("metadata") or {}, cgpu_n=cell.sent)
    cell.sent += 1


class Undisturbed:
    """An interrupt that comes meanwhile is raised at the end.

    Otherwise it would leave a cell that is recorded as running and never ends, or one without its reply.
    """

    def __enter__(self):
        self.came = False
        self.former = None
        # another handler is the user's, and is his to be called when he wants
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self.former = signal.signal(signal.SIGINT, self._note)

    def _note(self, _number, _frame):
        self.came = True

    def __exit__(self, *_error):
        if self.former is not None:
            signal.signal(signal.SIGINT, self.former)
        if self.came:
            raise KeyboardInterrupt


def _watch_session(kernel):
    session = kernel.session
    original = getattr(session.send, "cgpu_agent", session.send)  # an older version's observer is replaced

    def send(stream, msg_or_type, content=None, parent=None, *args, **kwargs):
        if msg_or_type in ("execute_input", "execute_reply"):
            with Undisturbed():
                return send_one(stream, msg_or_type, content, parent, *args, **kwargs)
        return send_one(stream, msg_or_type, content, parent, *args, **kwargs)

    def send_one(stream, msg_or_type, content=None, parent=None, *args, **kwargs):
        if _cells:
            _number(msg_or_type, parent, kwargs)
        if _cells and msg_or_type == "execute_reply" and isinstance(content, dict):
            cell = _cells.get(((parent or {}).get("header") or {}).get("msg_id"))
            if cell is not None:
                try:
                    _before_reply(cell, content)
                except Exception:  # never the user's problem
                    pass
        message = original(stream, msg_or_type, content, parent, *args, **kwargs)
        if message is not None:  # None: it was not sent, as in a forked child
            try:
                _after(kernel, message)
            except Exception:
                pass
        return message

    send.cgpu_agent = original
    session.send = send


def _after(kernel, message):
    kind = message["header"].get("msg_type")
    number = (message.get("parent_header") or {}).get("msg_id")
    if kind == "execute_input":
        _begin(kernel, number)
        return
    cell = _cells.get(number)
    if cell is None:
        return
    if kind == "status" and message["content"].get("execution_state") == "idle":
        _ended.put(_cells.pop(number))  # after the reply and idle: nobody waits for the rest
    else:
        cell.took(kind, message["content"])


class Watcher:
    """Takes over reading the pipe that ipykernel put under file descriptor 1 or 2.

    ipykernel 6 ends that thread at the first byte that is not UTF-8, also at a character that its 1000 byte reads
    split, and then every later write of a subprocess is lost or hangs; newer ones damage such characters. This one
    keeps characters whole, reads 64 KB at a time, and can say when what was written so far is through.
    """

    def __init__(self, stream):
        self.stream = stream
        self.fd = stream._fid
        self.lock = threading.Lock()
        self.taken = 0  # bytes read from the pipe
        self.passed = 0  # bytes handed on
        self.told = 0  # of these, those that `drain` spoke of

    @classmethod
    def adopt(cls, stream):
        thread = getattr(stream, "watch_fd_thread", None)
        if not getattr(stream, "_should_watch", False) or getattr(stream, "_fid", None) is None or thread is None:
            return
        if hasattr(stream, "cgpu_watcher"):
            return
        watcher = cls(stream)
        if thread.is_alive():
            stream._should_watch = False
            os.write(2 if stream.name == "stderr" else 1, b"\0")  # wakes it; it ends without showing this byte
            thread.join(1.0)
            stream._should_watch = True
            if thread.is_alive():
                return  # the descriptor leads elsewhere now: leave everything as it is
        # an empty context: what it writes belongs to whatever cell runs then, not to the one that runs now
        stream.watch_fd_thread = threading.Thread(target=contextvars.Context().run, args=(watcher.watch,), daemon=True)
        stream.cgpu_watcher = watcher
        stream.watch_fd_thread.start()

    def watch(self):
        stream = self.stream
        for name in ("_thread_to_parent_header", "_thread_to_parent"):  # the same, as ipykernel 6.28 to 6.31 keep it
            getattr(stream, name, {}).pop(threading.get_ident(), None)
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        poll = select.poll()
        poll.register(self.fd, select.POLLIN)
        while stream._should_watch:
            poll.poll()
            with self.lock:  # so that a byte is either in the pipe or counted
                data = os.read(self.fd, 65536)
                self.taken += len(data)
            if not data or not stream._should_watch:
                break
            try:
                text = decoder.decode(data)
                if text:
                    stream.write(text)
                os.write(stream._original_stdstream_copy, data)
            except Exception:
                if stream.closed:
                    break
            finally:
                self.passed += len(data)

    def drain(self, deadline):
        """Waits until what is in the pipe now was handed on; true when something was since this was asked last."""
        with self.lock:
            waiting = struct.unpack("i", fcntl.ioctl(self.fd, termios.FIONREAD, b"\0" * 4))[0]
            target = self.taken + waiting
        while self.passed < target and self.stream.watch_fd_thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.0002)
        before, self.told = self.told, self.passed
        return before != self.told


class FastWrites:
    """print() without its overhead: a write only remembers the text and joins the others at the next flush.

    ipykernel's own write takes 2 to 3 microseconds, twice a print, which caps a loop of prints at about 10 MB/s. What
    is flushed, when, and with which parent stays as it is. Only for streams that are built as we know them.
    """

    NEEDED = ("_buffer_lock", "_flush_pending", "_schedule_flush", "pub_thread")

    def __init__(self, stream):
        self.stream = stream
        self.by_parent = hasattr(stream, "_buffers")
        self.pending = []  # [(parent, texts)], the current one last
        self.rotate = stream._rotate_buffers if self.by_parent else stream._rotate_buffer
        self.write = stream.write

    @classmethod
    def install(cls, stream):
        kind = type(stream)
        own = vars(stream).get("write", stream.write)  # somebody's wrapper is left alone
        known = kind.__module__ == "ipykernel.iostream" and getattr(own, "__func__", None) is getattr(kind, "write", 0)
        if not known or not all(hasattr(stream, name) for name in cls.NEEDED):
            return None
        if not (hasattr(stream, "_rotate_buffers") and hasattr(stream, "_buffers")) and not (
            hasattr(stream, "_rotate_buffer") and hasattr(stream, "_buffer")
        ):
            return None
        self = cls(stream)
        # newer ones keep texts apart by the cell that they belong to; older ones ask only when they flush
        context = getattr(stream, "_parent_header", None) if self.by_parent else None
        if self.by_parent and not isinstance(context, contextvars.ContextVar):
            return None
        if self.by_parent:
            stream._rotate_buffers = self.rotated
            self.fast = stream.write = self._by_parent(context.get)
        else:
            stream._rotate_buffer = self.rotated
            self.fast = stream.write = self._plain()
        return self

    def _plain(self):
        stream, slow = self.stream, self.slow
        append = self._texts_of(None).append

        def write(string):
            if string.__class__ is not str or stream.echo is not None:
                return slow(string)
            append(string)
            if not stream._flush_pending:
                stream._schedule_flush()
            return len(string)

        return write

    def _by_parent(self, parent_of_context):
        stream, slow, texts_of = self.stream, self.slow, self._texts_of
        last = (None, None)  # one object, so that a thread never sees one cell's parent with another's list

        def write(string):
            nonlocal last
            if string.__class__ is not str or stream.echo is not None:
                return slow(string)
            try:
                parent = parent_of_context()
            except LookupError:
                parent = stream.parent_header
            known, append = last
            if known is not parent:
                append = texts_of(parent).append
                last = (parent, append)
            append(string)
            if not stream._flush_pending:
                stream._schedule_flush()
            return len(string)

        return write

    def _texts_of(self, parent):
        with self.stream._buffer_lock:
            for known, texts in self.pending:
                if known is parent:
                    return texts
            texts = []
            self.pending.append((parent, texts))
            del self.pending[:-64]  # far more than threads could still be about to append to
            return texts

    def slow(self, string):
        with self.stream._buffer_lock:
            self._spill()
        return self.write(string)

    def rotated(self):
        with self.stream._buffer_lock:
            self._spill()
            return self.rotate()

    def _spill(self):
        for parent, texts in self.pending:
            count = len(texts)
            if count:
                text = "".join(texts[:count])
                del texts[:count]
                buffer = self.stream._buffers[frozenset(parent.items())] if self.by_parent else self.stream._buffer
                buffer.write(text)

    def forked(self):
        """In a child, as ipykernel has it: it must be flushed at once there, and the parent's texts are the parent's."""
        self.pending.clear()
        for name in ("write", "_rotate_buffers", "_rotate_buffer"):
            vars(self.stream).pop(name, None)


def _write_fast():
    """Not sooner than at a cell's beginning: while one runs, IPython 9 has put a wrapper of its own around write."""
    for stream in _streams:
        if all(fast.stream is not stream for fast in _fast):
            fast = FastWrites.install(stream)
            if fast:
                _fast.append(fast)


def _untee(*_info):
    """At pre_run_cell: takes IPython 9's wrapper around write away from a recorded cell.

    It keeps every string that is printed for a prompt's history, in memory and for ever, and doubles the time of a
    print; cells of ours are no prompt. When the cell is over IPython puts back what stood there before it, our own.
    """
    kernel = _kernel()
    request = (kernel.get_parent("shell") or {}) if kernel and _cells else {}
    if request.get("header", {}).get("msg_id") not in _cells:
        return
    for fast in _fast:
        wrapper = vars(fast.stream).get("write")
        if getattr(wrapper, "__qualname__", "") == "InteractiveShell._tee.<locals>.write":
            fast.stream.write = fast.fast


def _kernel():
    """The running kernel, or None: this is no IPython kernel and cells cannot be recorded."""
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
    shell = get_ipython() if get_ipython else None
    return getattr(shell, "kernel", None)


def _forked():
    while _fast:
        _fast.pop().forked()
    for cell in list(_cells.values()):
        cell.log.lock = threading.Lock()  # it may have been held by a thread that the child does not have


def _keep_house():
    """The ends of cells, signs of life of those that run, and an end to the logs of old ones."""
    beat, pruned = time.monotonic(), -1
    while True:
        try:
            if not _end_one(HEARTBEAT):
                for cell in list(_cells.values()):
                    touch(os.path.join(cell.folder, "heartbeat"))
            elif time.monotonic() - beat > HEARTBEAT:
                beat = time.monotonic()
                if _observed["cells"] // 32 != pruned:
                    pruned = _observed["cells"] // 32
                    prune_cells(_observed["home"])
        except Exception:
            pass  # a full disk, a folder that somebody removed


def _end_one(seconds):
    try:
        cell = _ended.get(timeout=seconds)
    except queue.Empty:
        return False
    try:
        cell.ended()
    except OSError:  # a full disk: who follows the cell waits for its end
        if os.path.isdir(cell.folder):
            _ended.put(cell)
            time.sleep(1.0)
        raise
    used(_observed["home"])
    return True


def _end_all():
    while not _ended.empty() and _end_one(0.1):
        pass


def prune_cells(home, keep=KEPT_CELLS, age=600.0):
    """Removes cells that ended over `age` seconds ago, but for the newest `keep` of these."""
    before = time.time() - age
    # the end of a run changes its folder: of ten thousand that are younger no file is read, time that a kernel has better use for
    old = [name for name in run_names(home) if _modified(run_folder(home, name)) < before]
    ended = [run for run in list_runs(home, old) if run.get("kind") == "cell" and run.get("state") in ("exited", "lost")]
    for run in ended[keep:]:
        if (run.get("endedAt") or run.get("startedAt") or 0) < before:
            shutil.rmtree(run_folder(home, run["id"]), ignore_errors=True)


def _modified(path):
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0  # gone meanwhile


def observe(home=None):
    """Called by the client in the user's kernel: from now on cells that name a run id are recorded."""
    kernel = _kernel()
    if kernel is None or not hasattr(kernel, "session") or not hasattr(kernel, "get_parent"):
        return Answer({"ok": False, "error": {"code": "UNSUPPORTED", "message": "not an IPython kernel that we know"}})
    home = os.path.abspath(os.path.expanduser(home or default_home()))
    try:
        ensure_home(home)
    except OSError as error:
        refusal = _refusal_of(error)
        return Answer({"ok": False, "error": {"code": refusal.code, "message": str(refusal)}})
    _observed["home"] = home
    if getattr(kernel, "cgpu_agent_observer", None) != VERSION:
        kernel.cgpu_agent_observer = VERSION
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "pub_thread"):
                _streams.append(stream)
                if fcntl is not None:
                    Watcher.adopt(stream)
        _watch_session(kernel)
        kernel.shell.events.register("pre_run_cell", _untee)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_forked)
        threading.Thread(target=_keep_house, name="cgpu", daemon=True).start()
        atexit.register(_end_all)
        number = _kernel_id(kernel)
        _observed["tally"] = Tally(home, number) if number else None
    former = _observed["tally"].former if _observed["tally"] is not None else None
    return Answer({"ok": True, "home": _shown(home), "former": former})


# ---------------------------------------------------------------- entry points


def install():
    """Called by the client's bootstrap expression, in either kernel."""
    kernel = _kernel()
    if kernel is not None and hasattr(kernel, "comm_manager"):
        register(kernel)
    return Answer({"version": VERSION})


def main(argv):
    if len(argv) == 3 and argv[1] == "supervise":
        supervise(argv[2])
        return 0
    if len(argv) == 3 and argv[1] == "watch":
        watch(argv[2])
        return 0
    if len(argv) == 2 and argv[1] == "version":
        print(VERSION)
        return 0
    print("usage: agent.py supervise FOLDER | watch HOME | version", file=sys.stderr)
    return 64


if __name__ == "__main__":
    sys.exit(main(sys.argv))
