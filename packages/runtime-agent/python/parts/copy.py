"""What `cgpu cp` needs on the machine: a part of the agent (docs/agent-protocol.md). Standard library and ASCII only, Python 3.8 to 3.14.

Names are told in frames, the one buffer of a message: u32le length, that much JSON in ASCII, data. What a name has that is
no UTF-8 is a lone surrogate there, as Python has it (PEP 383). Times are microseconds since 1970. What writes answers without a
buffer: such an answer is remembered, so that a request that is sent again is not done again, behind the end of the copy.
"""

import errno
import fnmatch
import hashlib
import itertools
import json
import os
import re
import stat
import struct
import threading
import time
import uuid

LENGTH = struct.Struct("<I")
PIECE = 4 * 1024 * 1024
BATCH = 8 * 1024 * 1024  # of data in one message; a frame over 10 MiB closes the socket
UNFINISHED = re.compile(r"\.(?:.*\.)?cgpu-[0-9a-f]{12}(?:\.[0-9]+)?\.part\Z", re.S)  # ours and Upload's
PLAIN = re.compile(r"[^./\0][^/\0]*(?:/[^./\0][^/\0]*)*\Z")  # most paths: what need not be looked at part by part
MAGIC = re.compile(r"[*?\[]")
MOST_MATCHES, MOST_EXTENTS = 50000, 10000
FORGOTTEN = 3600.0
READ = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
WRITE = os.O_WRONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
NEW = WRITE | os.O_CREAT | os.O_EXCL

_readers, _writers, _lock = {}, {}, threading.Lock()


# ---------------------------------------------------------------- frames, and what is in them


def frame(header, pieces=()):
    head = json.dumps(header, separators=(",", ":")).encode("ascii")
    return b"".join([LENGTH.pack(len(head)), head, *pieces])


def parsed(buffers):
    """(header, data as a view)"""
    given = agent._one(buffers)
    try:
        size = LENGTH.unpack_from(given)[0]
        header = json.loads(given[LENGTH.size : LENGTH.size + size].decode("ascii"))
    except (struct.error, ValueError):
        raise agent.Refusal("BAD_REQUEST", "not a frame")
    if not isinstance(header, dict):
        raise agent.Refusal("BAD_REQUEST", "not a frame")
    return header, memoryview(given)[LENGTH.size + size :]


def _rows(header, name, *kinds):
    """A list of lists, each of these types."""
    rows, expected = agent._want(header, name, list), list(kinds)
    for row in rows:
        if not isinstance(row, list) or [type(value) for value in row] != expected:
            raise agent.Refusal("BAD_REQUEST", "%s has the wrong type" % name)
    return rows


def _place(control, header, name="root"):
    return agent._path(header, control.workdir, name)


def _kind(mode):
    return "f" if stat.S_ISREG(mode) else "d" if stat.S_ISDIR(mode) else "l" if stat.S_ISLNK(mode) else "o"


def _entry(path, full, found):
    """[path, kind, size, mtime, mode, what a link points to, or 1 for a file with holes]"""
    kind, more = _kind(found.st_mode), 0
    if kind == "l":
        more = os.readlink(full)
    elif kind == "f" and found.st_size > PIECE and getattr(found, "st_blocks", found.st_size) * 512 < found.st_size:
        more = 1
    return [path, kind, found.st_size if kind == "f" else 0, found.st_mtime_ns // 1000, stat.S_IMODE(found.st_mode), more]


def _failure(error):
    refusal = agent._refusal_of(error)
    return [refusal.code, str(refusal)]


# ---------------------------------------------------------------- what there is


def roots(control, _data, buffers):
    """What a source stands for: itself, or the paths that match it. A name that is there is no pattern."""
    header, _ = parsed(buffers)
    source = agent._text(agent._want(header, "source", str), "source")
    path = _place(control, {"path": source or "."}, "path")
    if os.path.lexists(path):
        found, pattern = [path], False
    elif MAGIC.search(source):
        found, pattern = _matches(path), True
    else:
        found, pattern = [], False
    rows = []
    for each in found:
        try:
            rows.append(_entry(each, each, os.stat(each)))  # whoever names a link means what it points to
        except OSError as error:
            rows.append([each, "e", 0, 0, 0, str(agent._refusal_of(error))])
    return {"pattern": pattern}, [frame({"roots": rows})]


def _matches(pattern):
    """As a shell expands it, in order; ** is any folders, and links are not followed for it."""
    parts = pattern.split(os.sep)
    level = [parts[0] + os.sep]
    for at, part in enumerate(parts[1:], 1):
        last, after = at == len(parts) - 1, []
        for folder in level:
            if part == "**":
                after.extend(below[0] for below in os.walk(folder) if below[0] == folder or not _hidden(below[0], folder))
            elif not MAGIC.search(part):
                path = os.path.join(folder, part)
                if os.path.lexists(path) if last else os.path.isdir(path):
                    after.append(path)
            else:
                after.extend(_in_folder(folder, part, last))
            if len(after) > MOST_MATCHES:
                raise agent.Refusal("BAD_REQUEST", "more than %d paths match: copy their folder, with --include" % MOST_MATCHES)
        level = sorted(set(after))
    return level


def _hidden(path, above):
    return any(part.startswith(".") for part in os.path.relpath(path, above).split(os.sep))


def _in_folder(folder, part, last):
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith(".") and not part.startswith(".") or UNFINISHED.match(entry.name):
            continue
        if fnmatch.fnmatchcase(entry.name, part) and (last or entry.is_dir()):
            yield entry.path


def walk(control, data, buffers):
    """All that is below a folder, parents first, in pushes of many."""
    header, _ = parsed(buffers)
    root, follow, number = _place(control, header), agent._maybe(header, "follow", bool, False), data["id"]
    stream = control.streams[number] = agent.Stream(0)
    rows, count, told = [], 0, time.monotonic()
    try:
        for row in _below(root, follow):
            rows.append(row)
            if len(rows) == 5000 or time.monotonic() - told > 2.0:
                if stream.stopped or control._gone():
                    return {"at": count, "stopped": True}
                control.send({"id": number, "at": count}, [frame({"entries": rows})])
                count, rows, told = count + len(rows), [], time.monotonic()
        return {"at": count}, [frame({"entries": rows})]
    finally:
        control.streams.pop(number, None)


def _below(root, follow):
    """With `follow` a folder that was seen before is not entered again: links can lead in circles."""
    stack, seen = [""], set()
    while stack:
        folder = stack.pop()
        here = os.path.join(root, folder) if folder else root
        try:
            if follow:
                found = os.stat(here)
                if (found.st_dev, found.st_ino) in seen:
                    yield [folder, "e", 0, 0, 0, "a link leads back to this folder"]
                    continue
                seen.add((found.st_dev, found.st_ino))
            with os.scandir(here) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            yield [folder, "e", 0, 0, 0, str(agent._refusal_of(error))]
            continue
        below = []
        for entry in entries:
            name = entry.name
            if name.endswith(".part") and UNFINISHED.match(name):
                continue
            path = folder + "/" + name if folder else name
            try:
                row = _entry(path, entry.path, entry.stat(follow_symlinks=follow))
            except OSError as error:
                row = [path, "e", 0, 0, 0, str(agent._refusal_of(error))]
            if row[1] == "d":
                below.append(path)
            yield row
        stack.extend(reversed(below))


def look(control, _data, buffers):
    """How the paths below a folder are now: [kind, size, mtime, mode], or 0 for nothing."""
    header, _ = parsed(buffers)
    root, found = _place(control, header), []
    for path in agent._want(header, "paths", list):
        try:
            info = os.lstat(os.path.join(root, _inner(path)))
            found.append([_kind(info.st_mode), info.st_size, info.st_mtime_ns // 1000, stat.S_IMODE(info.st_mode)])
        except OSError:
            found.append(0)
    return {}, [frame({"found": found})]


# ---------------------------------------------------------------- reading


def pack(control, _data, buffers):
    """Small files, whole: [size, mtime, mode, sha256] and their data one after the other, or [code, message]."""
    header, _ = parsed(buffers)
    root, rows, pieces, room = _place(control, header), [], [], BATCH
    for path in agent._want(header, "paths", list):
        try:
            data, found = _whole(os.path.join(root, _inner(path)) if path else root, room)
            rows.append([len(data), found.st_mtime_ns // 1000, stat.S_IMODE(found.st_mode), hashlib.sha256(data).hexdigest()])
            pieces.append(data)
            room -= len(data)
        except (OSError, agent.Refusal) as error:
            rows.append(_failure(error))
    return {}, [frame({"files": rows}, pieces)]


def _whole(path, most):
    for _attempt in range(3):
        with agent._open_regular(path) as file:
            first = os.fstat(file.fileno())
            if first.st_size > most:
                raise agent.Refusal("CHANGED", "the file grew while it was copied: %s" % agent._shown(path))
            data = file.read(first.st_size) if first.st_size else b""
            last = os.fstat(file.fileno())
        if len(data) == first.st_size and _stamp(first) == _stamp(last):
            return data, first
    raise agent.Refusal("CHANGED", "the file changes while it is copied: %s" % agent._shown(path))


def _stamp(found):
    return found.st_ino, found.st_size, found.st_mtime_ns


class Reader:
    """A large file that is read in pieces, by several threads; its sha256 is made in its order on the way."""

    def __init__(self, path):
        self.path, self.seen, self.closed = path, time.monotonic(), False
        self.lock, self.digest, self.done = threading.Lock(), hashlib.sha256(), 0
        with agent._open_regular(path) as file:
            found = os.fstat(file.fileno())
            self.stamp, self.size = _stamp(found), found.st_size
            self.mtime, self.mode = found.st_mtime_ns // 1000, stat.S_IMODE(found.st_mode)
            sparse = getattr(found, "st_blocks", found.st_size) * 512 < found.st_size
            self.extents = _extents(file.fileno(), found.st_size) if sparse else None

    def piece(self, offset, size):
        self.seen = time.monotonic()
        with agent._open_regular(self.path) as file:
            self._same(file)
            file.seek(offset)
            data = file.read(size)
            if len(data) != min(size, self.size - offset):
                raise agent.Refusal("CHANGED", "the file became shorter while it was read")
            with self.lock:
                if offset > self.done:  # a hole, or what the other end had already
                    self._hash_to(file, offset)
                if offset == self.done:
                    self.digest.update(data)
                    self.done += len(data)
        return data

    def ahead(self, gone):
        with agent._open_regular(self.path) as file:
            before = -1
            while before < self.done < self.size and not self.closed and not gone():  # what became shorter is told in the end
                with self.lock:
                    before = self.done
                    self._hash_to(file, min(before + PIECE, self.size))

    def finish(self):
        with agent._open_regular(self.path) as file, self.lock:
            self._hash_to(file, self.size)
            self._same(file)
        return self.digest.hexdigest()

    def _hash_to(self, file, offset):
        file.seek(self.done)
        self.done += agent._hash_up_to(file, self.digest, offset - self.done)
        self.seen = time.monotonic()

    def _same(self, file):
        if _stamp(os.fstat(file.fileno())) != self.stamp:
            raise agent.Refusal("CHANGED", "the file changed while it was read: %s" % agent._shown(self.path))


def _extents(fd, size):
    """[[from, to]] of what is data; None where it cannot be told, or is not worth it."""
    found, at = [], 0
    try:
        while at < size and len(found) <= MOST_EXTENTS:
            begin = os.lseek(fd, at, os.SEEK_DATA)
            at = os.lseek(fd, begin, os.SEEK_HOLE)
            found.append([begin, min(at, size)])
    except OSError as error:
        if error.errno != errno.ENXIO:  # from here on there is no data
            return None
    except AttributeError:
        return None
    return found if len(found) <= MOST_EXTENTS else None


def open_file(control, _data, buffers):
    header, _ = parsed(buffers)
    path = agent._maybe(header, "path", str, "")
    root = _place(control, header)
    reader = Reader(os.path.join(root, _inner(path)) if path else root)
    return {
        "reader": _keep(_readers, reader), "size": reader.size, "mtime": reader.mtime, "mode": reader.mode,
        "identity": "%d-%d-%d" % reader.stamp, "extents": reader.extents,
    }


def _keep(table, thing):
    name = uuid.uuid4().hex
    with _lock:
        for old in [key for key, value in table.items() if time.monotonic() - value.seen > FORGOTTEN]:
            del table[old]
        table[name] = thing
    return name


def _known(table, data, name, pop=False):
    key = agent._want(data, name, str)
    with _lock:
        found = table.pop(key, None) if pop else table.get(key)
    if found is None:
        raise agent.Refusal("NOT_FOUND", "no such %s" % name)
    return found


def piece(_control, data, _buffers):
    offset, size = agent._count(data, "offset"), agent._count(data, "size")
    return {"offset": offset}, [_known(_readers, data, "reader").piece(offset, min(size, PIECE))]


def ahead(control, data, _buffers):
    """Its sha256 is made while it is read by another way: by the server's /files."""
    _known(_readers, data, "reader").ahead(control._gone)
    return {}


def close_file(_control, data, _buffers):
    """The sha256 of the whole; with `drop` only forgets it."""
    reader = _known(_readers, data, "reader", pop=True)
    if agent._maybe(data, "drop", bool, False):
        reader.closed = True
        return {}
    return {"sha256": reader.finish()}


# ---------------------------------------------------------------- writing


def _inner(path):
    """A path below the root, as the system has it."""
    if not agent.WINDOWS and PLAIN.match(path if isinstance(path, str) else ""):
        return path
    if not isinstance(path, str) or "\0" in path or any(part in ("", ".", "..") for part in path.split("/")):
        raise agent.Refusal("BAD_REQUEST", "not a path below the folder: %s" % agent._shown(str(path)[:200]))
    if agent.WINDOWS and re.search(r'[\\:]', path):
        raise agent.Refusal("BAD_REQUEST", "not a name on Windows: %s" % path[:200])
    return path.replace("/", os.sep)


class Place:
    """A folder that is written to; nothing is written outside of it, wherever links in it lead."""

    def __init__(self, root):
        self.root, self.real, self.known = root, os.path.realpath(root), set()

    def target(self, path):
        folder, name = self.inside(path)
        return os.path.join(folder, name)

    def inside(self, path):
        """(folder, name); the folder is there then."""
        below, _, name = _inner(path).rpartition(os.sep)
        folder = os.path.join(self.root, below) if below else self.root
        self.folder(folder)
        return folder, name

    def folder(self, folder):
        if folder in self.known:
            return
        real = os.path.realpath(folder)
        if real != self.real and not real.startswith(self.real.rstrip(os.sep) + os.sep):
            raise agent.Refusal("DENIED", "a link there leads out of the folder: %s" % agent._shown(folder))
        os.makedirs(folder, exist_ok=True)
        self.known.add(folder)


def _replaceable(target):
    """A file or a link gives way to a file; a folder, or a device, does not."""
    try:
        mode = os.lstat(target).st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(mode):
        raise agent.Refusal("IS_DIRECTORY", "a folder is in its place: %s" % agent._shown(target))
    if not stat.S_ISREG(mode) and not stat.S_ISLNK(mode):
        raise agent.Refusal("NOT_REGULAR", "not a regular file: %s" % agent._shown(target))


def _write_all(fd, data):
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _dress(path, mode, mtime):
    """Some file systems, as those of a mounted Drive, have no modes or keep no times; the content counts."""
    try:
        if mode is not None:
            os.chmod(path, mode & 0o777)
        if mtime is not None:
            os.utime(path, ns=(mtime * 1000, mtime * 1000))
    except OSError:
        pass


def unpack(control, _data, buffers):
    """Small files, each of which appears whole or not at all: [path, size, mtime, mode, sha256], and their data."""
    header, data = parsed(buffers)
    place, failed, at = Place(_place(control, header)), [], 0
    mask, parts = agent._umask(), itertools.count(uuid.uuid4().int >> 81)
    for index, (path, size, mtime, mode, sha256) in enumerate(_rows(header, "files", str, int, int, int, str)):
        content = data[at : at + size]
        at += size
        try:
            if len(content) != size or hashlib.sha256(content).hexdigest() != sha256:
                raise agent.Refusal("HASH_MISMATCH", "the file arrived damaged: %s" % agent._shown(path))
            folder, name = place.inside(path)
            _put(folder + os.sep + name, "%s%s.cgpu-%012x.part" % (folder, os.sep, next(parts)), content, mtime, mode & 0o777, mask)
        except (OSError, agent.Refusal) as error:
            failure = _failure(error)
            if failure[0] == "NO_SPACE":
                raise
            failed.append([index, *failure])
    return {"failed": failed}


def _put(target, part, content, mtime, mode, mask):
    _replaceable(target)
    fd = os.open(part, NEW, mode | 0o200)
    try:
        try:
            written = os.write(fd, content)
            if written < len(content):
                _write_all(fd, content[written:])
        finally:
            os.close(fd)
        _dress(part, None if (mode | 0o200) & ~mask == mode else mode, mtime)
        os.replace(part, target)
    except BaseException:
        os.unlink(part)
        raise


class Writer:
    """A large file on its way in. What is there of it stays after a cut, under a name that says what it is part of."""

    def __init__(self, target, size, mtime, mode, key):
        _replaceable(target)
        self.target, self.size, self.mtime, self.mode, self.key = target, size, mtime, mode, key
        self.lock, self.digest, self.received, self.taken = threading.Lock(), hashlib.sha256(), 0, False
        self.seen = time.monotonic()
        folder, name = os.path.split(target)
        stem = os.path.join(folder, ".%s.cgpu-" % hashlib.sha256(os.fsencode(name)).hexdigest()[:8])
        self.part = stem + (key or uuid.uuid4().hex[:12]) + ".part"
        self._tidy(folder, os.path.basename(stem))
        try:
            os.close(os.open(self.part, NEW, 0o600))
        except FileExistsError:
            self._go_on()

    def _tidy(self, folder, stem):
        """What is left of other contents of the same file; each is as large as a file."""
        busy = {writer.part for writer in list(_writers.values())}
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            if name.startswith(stem) and UNFINISHED.match(name) and path != self.part and path not in busy:
                os.unlink(path)

    def _go_on(self):
        for other in list(_writers.values()):
            if other.part == self.part:
                with other.lock:
                    other.taken = True
        with agent._open_regular(self.part) as file:
            there = os.fstat(file.fileno()).st_size
            if self.size is not None and there <= self.size:
                self.received = agent._hash_up_to(file, self.digest, there)
        self._cut()

    def _cut(self):
        with open(self.part, "r+b") as file:
            file.truncate(self.received)

    def write(self, offset, runs, data):
        with self.lock:
            self.seen = time.monotonic()
            if self.taken:
                raise agent.Refusal("CHANGED", "another copy to the same place went on with it: %s" % agent._shown(self.target))
            if offset != self.received:
                raise agent.Refusal("GAP", "received %d bytes, not %d" % (self.received, offset))
            fd, at = os.open(self.part, WRITE), 0
            try:
                os.lseek(fd, offset, os.SEEK_SET)
                for zeros, size in runs:
                    if zeros:
                        offset += zeros
                        os.ftruncate(fd, offset)  # a hole: takes no room on the disk
                        os.lseek(fd, offset, os.SEEK_SET)
                        self._hash_zeros(zeros)
                    _write_all(fd, data[at : at + size])
                    self.digest.update(data[at : at + size])
                    at, offset = at + size, offset + size
            finally:
                os.close(fd)
            self.received = offset

    def _hash_zeros(self, count):
        block = bytes(min(count, 1 << 20))
        while count > 0:
            self.digest.update(block if count >= len(block) else block[:count])
            count -= len(block)

    def finish(self, sha256):
        found = self.digest.hexdigest()
        if found != sha256 or self.size not in (None, self.received):
            os.unlink(self.part)
            raise agent.Refusal("HASH_MISMATCH", "the file arrived damaged: %s" % agent._shown(self.target))
        _dress(self.part, 0o666 & ~agent._umask() if self.mode is None else self.mode, self.mtime)
        _replaceable(self.target)
        os.replace(self.part, self.target)

    def drop(self, keep):
        with self.lock:
            if not self.taken and not (keep and self.key and self.received):
                os.unlink(self.part)


def begin(control, _data, buffers):
    """`key`: 12 hex digits of what the file is; what a former copy of the same left is gone on with."""
    header, _ = parsed(buffers)
    key = agent._maybe(header, "key", str)
    if key is not None and not re.match(r"[0-9a-f]{12}\Z", key):
        raise agent.Refusal("BAD_REQUEST", "key must be 12 hex digits")
    target = Place(_place(control, header)).target(agent._want(header, "path", str))
    size, mtime, mode = (agent._maybe(header, name, int) for name in ("size", "mtime", "mode"))
    writer = Writer(target, size, mtime, mode, key)
    return {"writer": _keep(_writers, writer), "received": writer.received}


def write(_control, data, buffers):
    runs = _rows(data, "runs", int, int)
    given = memoryview(agent._one(buffers))
    if any(zeros < 0 or size < 0 for zeros, size in runs) or sum(size for _zeros, size in runs) != len(given):
        raise agent.Refusal("BAD_REQUEST", "the runs are not those of the data")
    _known(_writers, data, "writer").write(agent._count(data, "offset"), runs, given)
    return {}


def finish(_control, data, _buffers):
    writer = _known(_writers, data, "writer", pop=True)
    writer.finish(agent._want(data, "sha256", str))
    return {}


def drop(_control, data, _buffers):
    _known(_writers, data, "writer", pop=True).drop(agent._maybe(data, "keep", bool, False))
    return {}


def folders(control, _data, buffers):
    """Makes folders, parents first; those that are there are made writable until `settle` gives them their modes."""
    header, _ = parsed(buffers)
    root = _place(control, header)
    os.makedirs(root, exist_ok=True)
    place, failed = Place(root), []
    for index, path in enumerate(agent._want(header, "paths", list)):
        try:
            full = place.target(path)
            try:
                os.mkdir(full)
            except FileExistsError:
                found = os.stat(full)
                if not stat.S_ISDIR(found.st_mode):
                    raise agent.Refusal("NOT_DIRECTORY", "a file is in the place of a folder: %s" % agent._shown(full))
                place.folder(full)
                if found.st_mode & 0o700 != 0o700:
                    os.chmod(full, stat.S_IMODE(found.st_mode) | 0o700)
        except (OSError, agent.Refusal) as error:
            failed.append([index, *_failure(error)])
    return {"failed": failed}


def settle(control, _data, buffers):
    """Links, [path, target]; then modes and times of folders, [path, mtime, mode], inner ones first."""
    header, _ = parsed(buffers)
    place, failed = Place(_place(control, header)), []
    links = _rows(header, "links", str, str)
    for index, (path, points_to) in enumerate(links):
        try:
            _link(place.target(path), agent._text(points_to, "link"))
        except (OSError, agent.Refusal) as error:
            failed.append([index, *_failure(error)])
    for path, mtime, mode in _rows(header, "folders", str, int, int):
        try:
            full = place.target(path)
            if stat.S_ISDIR(os.lstat(full).st_mode):
                _dress(full, mode, mtime)
        except (OSError, agent.Refusal):
            pass  # told when it was to be made
    return {"failed": failed}


def _link(target, points_to):
    _replaceable(target)
    part = os.path.join(os.path.dirname(target), ".cgpu-%s.part" % uuid.uuid4().hex[:12])
    os.symlink(points_to, part)
    try:
        os.replace(part, target)
    except BaseException:
        os.unlink(part)
        raise


QUICK = {"write": write}
LONG = {
    "roots": roots, "walk": walk, "look": look, "pack": pack, "open": open_file, "piece": piece, "ahead": ahead, "close": close_file, "unpack": unpack,
    "begin": begin, "finish": finish, "drop": drop, "folders": folders, "settle": settle,
}
