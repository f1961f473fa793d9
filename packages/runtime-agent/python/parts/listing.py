"""What is in folders: a part of the agent (docs/agent-protocol.md). Standard library and ASCII only, Python 3.8 to 3.14."""

import base64
import fnmatch
import os
import re
import stat
import threading
import time

BATCH = 500  # entries in one push
SOON = 0.1  # what was found is not kept back for longer than that
MAGIC = re.compile(r"[*?\[]")
ORDERS = {
    "name": None,
    "size": lambda found: (-found[1].st_size, found[0]),
    "time": lambda found: (-found[1].st_mtime, found[0]),
}
KINDS = {"file": stat.S_ISREG, "directory": stat.S_ISDIR, "link": stat.S_ISLNK}


def named(key, name):
    """A name as text, and as its bytes in base64 where it is no UTF-8."""
    shown = {key: agent._shown(name)}
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        shown["raw"] = base64.b64encode(os.fsencode(name)).decode("ascii")
    return shown


def place(control, data):
    return agent._path(data, control.workdir)


def entry(path, found, key="name", name=None):
    about = dict(agent._entry(found), **named(key, os.path.basename(path) if name is None else name))
    if about["type"] == "link":
        try:
            about["target"] = agent._shown(os.readlink(path))
        except OSError:
            pass
    return about


def pour(control, data, entries):
    """Pushes entries as the client has room for them. `skip`: so many it has already. None among them: nothing was found for a while."""
    number, skip = data["id"], agent._count(data, "skip", 0)
    stream = control.streams[number] = agent.Stream(agent._count(data, "credit"))
    over = threading.Event()
    threading.Thread(target=_alive, args=(control, number, over), daemon=True).start()
    at, batch, told = 0, [], time.monotonic()
    try:
        for found in entries:
            if stream.stopped or control._gone():
                return {"end": True, "stopped": True, "entries": [], "at": at}
            if found is not None:
                at += 1
                if at > skip:
                    batch.append(found)
                    stream.grant(-1)
            if batch and (len(batch) == BATCH or stream.room <= 0 or time.monotonic() - told > SOON):
                control.send({"id": number, "entries": batch, "at": at - len(batch)})
                batch, told = [], time.monotonic()
            while stream.room <= 0 and not stream.stopped and not control._gone():
                stream.wait_for_room(agent.ALIVE_EVERY)
        return {"end": True, "entries": batch, "at": at - len(batch)}
    finally:
        over.set()
        control.streams.pop(number, None)


def _alive(control, number, over):
    """A folder may take long to read: the client is told that its stream lives."""
    while not over.wait(agent.ALIVE_EVERY):
        control.send({"id": number, "entries": []})


def in_folder(path, everything, order, reverse):
    """A folder's entries; of anything else, itself."""
    info = os.stat(path) if os.path.exists(path) else os.lstat(path)
    if not stat.S_ISDIR(info.st_mode):
        yield entry(path, os.lstat(path))
        return
    found = []
    with os.scandir(path) as scan:
        for one in scan:
            if everything or not one.name.startswith("."):
                try:
                    found.append((one.name, one.stat(follow_symlinks=False)))
                except OSError:
                    pass  # gone since
            if len(found) % 1000 == 0:
                yield None
    found.sort(key=ORDERS[order] or (lambda one: one[0]), reverse=reverse)
    for name, info in found:
        yield entry(os.path.join(path, name), info)


def listed(control, data, _buffers):
    order = agent._maybe(data, "sort", str, "name")
    if order not in ORDERS:
        raise agent.Refusal("BAD_REQUEST", "sort must be one of %s" % ", ".join(ORDERS))
    flags = [agent._maybe(data, name, bool, False) for name in ("all", "reverse")]
    return pour(control, data, in_folder(place(control, data), flags[0], order, flags[1]))


def names(control, data, _buffers):
    """For who types a path: names in a folder that begin so, folders with a slash behind them. Those that are no UTF-8 cannot be typed."""
    beginning, found = agent._maybe(data, "beginning", str, ""), []
    with os.scandir(place(control, data)) as scan:
        for one in scan:
            fits = one.name.startswith(beginning) if beginning else not one.name.startswith(".")
            if fits and agent._shown(one.name) == one.name:
                found.append(one.name + ("/" if leads_to_folder(one) else ""))
                if len(found) == BATCH:
                    break
    return {"names": found}


def leads_to_folder(one):
    try:
        return one.is_dir()
    except OSError:  # links in a circle
        return False


def scanned(path, denied):
    """A folder's entries, the last name first. What cannot be read is noted."""
    try:
        with os.scandir(path) as scan:
            return sorted(scan, key=lambda one: one.name, reverse=True)
    except OSError as error:
        denied.append("%s: %s" % (agent._shown(path), (error.strerror or "").lower()))
        return []


def walked(root, most, denied):
    """(path below root, depth, lstat) of all in a folder, parents first, in order of names; links are not followed. None in between."""
    stack = [(one.name, 1, one) for one in scanned(root, denied)]
    while stack:
        below, depth, one = stack.pop()
        try:
            info = one.stat(follow_symlinks=False)
        except OSError:
            continue
        yield below, depth, info
        if stat.S_ISDIR(info.st_mode) and depth < most:
            stack.extend((os.path.join(below, two.name), depth + 1, two) for two in scanned(os.path.join(root, below), denied))


def found(root, data, denied):
    patterns = [agent._text(one, "names") for one in agent._maybe(data, "names", list, [])]
    kind = agent._maybe(data, "type", str)
    least, most = agent._count(data, "minSize", 0), agent._count(data, "maxSize", (1 << 62) - 1)
    newer = agent._maybe(data, "newer", (int, float))
    for below, _, info in walked(root, agent._count(data, "maxDepth", 1 << 30), denied):
        right = (
            (kind is None or KINDS[kind](info.st_mode))
            and least <= info.st_size <= most
            and (newer is None or info.st_mtime > newer)
            and (not patterns or any(fnmatch.fnmatchcase(os.path.basename(below), one) for one in patterns))
        )
        yield entry(os.path.join(root, below), info, "path", below) if right else None


def find(control, data, _buffers):
    root, denied = place(control, data), []
    if data.get("type") not in (None, *KINDS):
        raise agent.Refusal("BAD_REQUEST", "type must be one of %s" % ", ".join(KINDS))
    if not os.path.isdir(root):
        os.lstat(root)
        raise agent.Refusal("NOT_DIRECTORY", "not a folder: %s" % agent._shown(root))
    answer = pour(control, data, found(root, data, denied))
    return dict(answer, denied=denied[:20], deniedCount=len(denied))


def summed(root, most, denied):
    """The size of all below a folder, of each folder in it down to a depth, and of itself last. A file with several names counts once."""
    info, seen = os.stat(root), set()
    if not stat.S_ISDIR(info.st_mode):
        yield size_of("", info.st_size, allocated(info), 1)
        return
    open_ = [["", 0, info.st_size, allocated(info), 0]]  # folders that we are in: path, depth, size, on disk, files

    def leave():
        below, depth, *sums = open_.pop()
        for at, number in enumerate(sums):
            open_[-1][2 + at] += number
        return size_of(below, *sums) if depth <= most else None

    for below, depth, info in walked(root, 1 << 30, denied):
        while open_[-1][1] >= depth:
            yield leave()
        if stat.S_ISDIR(info.st_mode):
            open_.append([below, depth, info.st_size, allocated(info), 0])
            continue
        if info.st_nlink > 1:
            if (info.st_dev, info.st_ino) in seen:
                continue
            seen.add((info.st_dev, info.st_ino))
        for at, number in enumerate((info.st_size, allocated(info), 1)):
            open_[-1][2 + at] += number
        yield None
    while len(open_) > 1:
        yield leave()
    yield size_of("", *open_[0][2:])


def allocated(info):
    return getattr(info, "st_blocks", (info.st_size + 511) // 512) * 512


def size_of(below, size, on_disk, files):
    return dict(named("path", below), size=size, onDisk=on_disk, files=files)


def usage(control, data, _buffers):
    root, denied = place(control, data), []
    answer = pour(control, data, summed(root, agent._count(data, "depth", 0), denied))
    return dict(answer, denied=denied[:20], deniedCount=len(denied))


def expanded(base, rel, parts):
    """Paths that a pattern stands for, in order of names. As in a shell, but that `**` does not follow links."""
    if not parts:
        yield rel
        return
    part, rest = parts[0], parts[1:]
    if not MAGIC.search(part):
        below = os.path.join(rel, part)
        if os.path.lexists(os.path.join(base, below)):
            yield from expanded(base, below, rest)
        return
    deep = part == "**" and bool(rest)
    if deep:
        yield from expanded(base, rel, rest)
    for one in reversed(scanned(os.path.join(base, rel), [])):
        below = os.path.join(rel, one.name)
        if deep:
            if one.is_dir(follow_symlinks=False) and not one.name.startswith("."):
                yield from expanded(base, below, parts)
        elif agent._matches(one.name, part) and (not rest or one.is_dir()):
            yield from expanded(base, below, rest)


def expand(control, data, _buffers):
    """What a path or a pattern stands for; a file whose name is the pattern's text goes first. Nothing found: no entries."""
    text = agent._text(agent._want(data, "path", str), "path")
    direct = place(control, data)
    full = os.path.expanduser(text)
    if os.path.lexists(direct):
        paths = [full.rstrip("/") or "/"]
    elif MAGIC.search(full):
        drive, tail = os.path.splitdrive(full)
        root = drive + os.sep if os.path.isabs(full) else ""
        parts = [part for part in tail.replace(os.sep, "/").split("/") if part not in ("", ".")]
        paths = dict.fromkeys(expanded(control.workdir, root, parts))
    else:
        paths = []
    return pour(control, data, (_expanded(control.workdir, path) for path in paths))


def _expanded(base, path):
    try:
        return entry(os.path.join(base, path), os.lstat(os.path.join(base, path)), "path", path)
    except OSError:
        return None  # gone since


def describe(control, data, _buffers):
    """All about one path; a link itself unless `follow`."""
    path = place(control, data)
    info = os.stat(path) if agent._maybe(data, "follow", bool, False) else os.lstat(path)
    about = dict(entry(path, info, "path", path), real=agent._shown(os.path.realpath(path)), links=info.st_nlink, onDisk=allocated(info))
    about.update(inode=info.st_ino, changed=info.st_ctime, accessed=info.st_atime, uid=info.st_uid, gid=info.st_gid)
    about.update(owner=_called("pwd", "getpwuid", info.st_uid), group=_called("grp", "getgrgid", info.st_gid))
    if agent._maybe(data, "hash", bool, False) and stat.S_ISREG(info.st_mode):
        about["sha256"] = agent.describe(path, True)["sha256"]
    return about


def _called(module, function, number):
    try:
        return getattr(__import__(module), function)(number)[0]
    except (ImportError, KeyError):  # Windows; a number without a name
        return str(number)


QUICK = {}
LONG = {"list": listed, "names": names, "find": find, "usage": usage, "expand": expand, "describe": describe}
