"""Which ports of the machine are listened on, and by whom: a part of the agent (docs/agent-protocol.md). Standard library and ASCII only, Python 3.8 to 3.14."""

import os
import socket
import struct

LISTEN = "0A"


def parse_table(text, family):
    """[(address, port, inode)] of the listening sockets of /proc/net/tcp or tcp6."""
    found = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 10 or fields[3] != LISTEN:
            continue
        address, _, port = fields[1].partition(":")
        # words of the machine's own order
        words = [struct.pack("=I", int(address[at : at + 8], 16)) for at in range(0, len(address), 8)]
        found.append((socket.inet_ntop(family, b"".join(words)), int(port, 16), fields[9]))
    return found


def _owners(proc):
    """The pid of the sockets that we may see, by inode."""
    owners = {}
    for name in os.listdir(proc):
        if not name.isdigit():
            continue
        try:
            for fd in os.listdir("%s/%s/fd" % (proc, name)):
                link = os.readlink("%s/%s/fd/%s" % (proc, name, fd))
                if link.startswith("socket:["):
                    owners.setdefault(link[8:-1], int(name))
        except OSError:
            continue  # it ended, or is not ours to look into
    return owners


def name_of(argv):
    """The program, and the script or module that it runs; never its other arguments, which may hold secrets."""
    if not argv or not argv[0]:
        return ""
    words = [os.path.basename(argv[0])]
    if argv[1:2] == ["-m"]:
        words += argv[1:3]
    elif len(argv) > 1 and argv[1] and not argv[1].startswith("-"):
        words.append(os.path.basename(argv[1]))
    return " ".join(words)[:200]


def _name(proc, pid):
    try:
        with open("%s/%d/cmdline" % (proc, pid), "rb") as file:
            return name_of(file.read(4096).decode("utf-8", "replace").split("\0"))
    except OSError:
        return ""


def listeners(_control, _data, _buffers, proc="/proc"):
    """Where there is no /proc, nobody can tell without a program of the system's: `known` is false."""
    sockets = []
    for name, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        try:
            with open("%s/net/%s" % (proc, name)) as file:
                sockets += parse_table(file.read(), family)
        except OSError:
            continue
    if not os.path.exists("%s/net/tcp" % proc):
        return {"known": False, "listeners": []}
    owners, found = _owners(proc), {}
    for address, port, inode in sockets:
        pid = owners.get(inode)
        entry = found.setdefault((port, pid), {"port": port, "addresses": [], "pid": pid, "program": agent._shown(_name(proc, pid)) if pid else ""})
        entry["addresses"].append(address)
    return {"known": True, "listeners": sorted(found.values(), key=lambda entry: entry["port"])}


QUICK = {}
LONG = {"listeners": listeners}
