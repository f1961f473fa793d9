"""Whether somebody can come in by SSH: a part of the agent (docs/agent-protocol.md). Standard library and ASCII only, Python 3.8 to 3.14."""

import getpass
import os
import shutil
import socket

FOLDERS = os.pathsep.join(("/usr/sbin", "/usr/local/sbin", "/sbin", "/usr/bin"))


def look(_control, data, _buffers):
    """Who works here, and what says an SSH server's first word at the port: `listening`; `program` is one that is installed."""
    port = agent._count(data, "port", 22)
    try:
        with socket.create_connection(("localhost", port), 3) as found:
            found.settimeout(3)
            listening = found.recv(4) == b"SSH-"
    except OSError:
        listening = False
    return {"user": agent._shown(getpass.getuser()), "listening": listening, "program": shutil.which("sshd", path=FOLDERS)}


QUICK = {}
LONG = {"look": look}
