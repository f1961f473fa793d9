"""Files read from any place, and followed while they grow: a part of the agent (docs/agent-protocol.md). Standard library and ASCII only,
Python 3.8 to 3.14."""

import os
import time

BLOCK = 64 * 1024
LOOK = 0.1  # between two looks at a file that is followed
NAME_LOOK = 1.0  # between two looks whether its name is another file's now


def last_lines(file, size, lines):
    """Where the last so many lines begin; one that no newline ends counts."""
    if lines == 0:
        return size
    at = size
    while at > 0:
        start = max(0, at - BLOCK)
        file.seek(start)
        data = file.read(at - start)
        end = len(data) - (1 if at == size and data.endswith(b"\n") else 0)
        while True:
            end = data.rfind(b"\n", 0, end)
            if end < 0:
                break
            lines -= 1
            if lines == 0:
                return start + end + 1
        at = start
    return 0


class Reader:
    def __init__(self, control, data):
        self.control, self.number = control, data["id"]
        self.path = agent._path(data, control.workdir)
        self.file = agent._open_regular(self.path)
        self.looked = time.monotonic()

    def identity(self):
        info = os.fstat(self.file.fileno())
        return "%d-%d" % (info.st_dev, info.st_ino)

    def start(self, data):
        """Where to begin, and whether what was read before is of another file."""
        offset, size = agent._count(data, "offset", 0), os.fstat(self.file.fileno()).st_size
        expect = agent._maybe(data, "expect", str)
        if expect is not None:  # goes on after a lost link
            if expect == self.identity():
                return offset, False
            if not agent._maybe(data, "follow", bool, False):
                raise agent.Refusal("CHANGED", "the file changed while it was read")
            return 0, True
        if data.get("tailLines") is not None:
            return last_lines(self.file, size, agent._count(data, "tailLines")), False
        if data.get("tailBytes") is not None:
            return max(0, size - agent._count(data, "tailBytes")), False
        return offset, False

    def replaced(self, offset):
        """Why what is read next is not what stood behind it: None, `truncated`, `replaced` (then the new file is open)."""
        if os.fstat(self.file.fileno()).st_size < offset:
            return "truncated"
        if time.monotonic() - self.looked < NAME_LOOK:
            return None
        self.looked = time.monotonic()
        try:
            new = agent._open_regular(self.path)
        except (OSError, agent.Refusal):
            return None  # moved away: a new one may come
        old, self.file = self.file, new
        same = os.path.samestat(os.fstat(old.fileno()), os.fstat(new.fileno()))
        if same:
            new.seek(old.tell())
        old.close()
        return None if same else "replaced"

    def run(self, data, stream):
        follow, left = agent._maybe(data, "follow", bool, False), agent._count(data, "length", 1 << 61)
        offset, anew = self.start(data)
        self.file.seek(offset)
        first = {"id": self.number, "identity": self.identity(), "offset": offset, "n": 0}
        self.control.send(dict(first, restarted="replaced") if anew else first)
        told = time.monotonic()
        while left > 0 and not stream.stopped and not self.control._gone():
            room = stream.wait_for_room(agent.ALIVE_EVERY)
            found = self.file.read(min(1 << 20, room, left)) if room > 0 else b""
            if found:
                stream.grant(-len(found))
                self.control.send({"id": self.number, "offset": offset, "n": len(found)}, [found])
                offset, left, told = offset + len(found), left - len(found), time.monotonic()
                continue
            if room > 0 and not follow:
                break
            if room > 0:
                why = self.replaced(offset)
                if why:
                    offset = 0
                    self.file.seek(0)
                    self.control.send({"id": self.number, "identity": self.identity(), "offset": 0, "n": 0, "restarted": why})
                    continue
                stream.wait(LOOK)
            if time.monotonic() - told > agent.ALIVE_EVERY:
                self.control.send({"id": self.number, "offset": offset, "n": 0})
                told = time.monotonic()
        return {"end": True, "offset": offset, "stopped": stream.stopped or self.control._gone()}


def read(control, data, _buffers):
    stream = control.streams[data["id"]] = agent.Stream(agent._count(data, "credit"))
    try:
        reader = Reader(control, data)
        try:
            return reader.run(data, stream)
        finally:
            reader.file.close()
    finally:
        control.streams.pop(data["id"], None)


QUICK = {}
LONG = {"read": read}
