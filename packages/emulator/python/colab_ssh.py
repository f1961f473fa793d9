"""`/colab/ssh` (protocol note 6.1): one SSH session at a time, to a real sshd that lets in the key of the handshake as root.

Only where the machine has namespaces of the system's own users: elsewhere root would be the host's root, or nobody at all.
"""

import asyncio
import base64
import binascii
import json
import os
import shlex
import shutil
import socket
import struct
import subprocess

from tornado import websocket

import cage
from guarded import Guarded

TYPES = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521")
FOLDER = "/var/colab/ssh"
CHUNK = 32768


class Refused(Exception):
    def __init__(self, status, text):
        self.status, self.text = status, text


class Ssh(Guarded, websocket.WebSocketHandler):
    ours = None

    def check_origin(self, origin):
        return True

    async def get(self, *args, **kwargs):
        try:
            program = supported(self.machine)
            key = public_key(self.request.headers.get("X-Colab-Ssh-Pubkey"))
            if self.machine.ssh is not None:
                raise Refused(429, json.dumps({"error": "already-active-session"}))
            self.machine.ssh = self
            self.start(program, key)
        except Refused as refused:
            self.set_status(refused.status)
            await self.finish(refused.text)
            return
        await super().get(*args, **kwargs)
        if self.ws_connection is None:
            self.leave()

    def start(self, program, key):
        try:
            config = configure(self.machine.spec, key)
            self.ours, theirs = socket.socketpair()
            with theirs:
                self.process = subprocess.Popen(
                    [program, "-i", "-f", config], stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL, start_new_session=True,
                )
        except (OSError, subprocess.SubprocessError) as error:
            self.leave()
            raise Refused(502, "sshd does not start: %s" % error)

    async def open(self):
        self.reader, self.writer = await asyncio.open_connection(sock=self.ours)
        asyncio.ensure_future(self.pump())

    async def pump(self):
        try:
            while True:
                data = await self.reader.read(CHUNK)
                if not data:
                    break
                await self.write_message(data, binary=True)
        except (OSError, websocket.WebSocketClosedError):
            pass
        self.close()

    async def on_message(self, data):
        self.writer.write(data if isinstance(data, bytes) else data.encode())
        try:
            await self.writer.drain()
        except OSError:
            self.close()

    def on_close(self):
        self.leave()

    def leave(self):
        if self.machine.ssh is self:
            self.machine.ssh = None
        if self.ours is not None:
            # what sshd and its session see is the end of their connection
            self.ours.close()
            self.ours = None
            if getattr(self, "writer", None):
                self.writer.close()
            self.process.terminate()
            asyncio.get_event_loop().run_in_executor(None, self.process.wait)


def supported(machine):
    program = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/sbin:/usr/bin")
    spec = machine.spec
    if not spec["ssh"] or not spec["namespaces"] or not cage.initial_user_namespace() or program is None:
        raise Refused(404, "this runtime has no SSH")
    return program


def public_key(line):
    """One line of authorized_keys, as type and key alone."""
    if not line:
        raise Refused(400, "missing pubkey")
    words = line.split()
    if words[0] not in TYPES:
        raise Refused(400, "unsupported key type")
    try:
        blob = base64.b64decode(words[1], validate=True)
        length = struct.unpack(">I", blob[:4])[0]
        if blob[4:4 + length].decode("ascii") != words[0] or len(blob) <= 4 + length:
            raise ValueError("another type")
    except (IndexError, ValueError, struct.error, binascii.Error):
        raise Refused(400, "malformed pubkey")
    return words[0] + " " + words[1]


def configure(spec, key):
    """The path of a configuration for this key."""
    os.makedirs(FOLDER, mode=0o700, exist_ok=True)
    os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
    host_key, keys, config = FOLDER + "/host_key", FOLDER + "/authorized_keys", FOLDER + "/sshd_config"
    if not os.path.exists(host_key):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", host_key], check=True, stdin=subprocess.DEVNULL)
    write(keys, key + "\n")
    env = " ".join('"%s=%s"' % pair for pair in spec["env"].items() if '"' not in pair[1] and pair[0] not in ("HOME", "USER", "TERM"))
    sftp = next((path for path in ("/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "/usr/lib/ssh/sftp-server") if os.path.exists(path)), "internal-sftp")
    write(config, "\n".join([
        "HostKey " + host_key, "AuthorizedKeysFile " + keys, "AuthenticationMethods publickey", "PermitRootLogin prohibit-password",
        "AllowUsers root", "StrictModes no", "UsePAM no", "PrintMotd no", "PidFile none", "LogLevel ERROR",
        "Subsystem sftp " + shlex.quote(sftp), "SetEnv " + env, "",
    ]))
    return config


def write(path, text):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
