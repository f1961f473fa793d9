"""`/colab/tty` (protocol note 4.7): the machine's one terminal, a tmux session that a new client takes over from the last.

Frames are JSON objects: {"data"} and {"cols", "rows"} to it, {"data"} from it. Without tmux it is a shell that stays, with the end
of what it wrote.
"""

import asyncio
import codecs
import fcntl
import json
import os
import pty
import shutil
import struct
import subprocess
import termios

from tornado import websocket

from guarded import Guarded

SCROLLBACK = 100_000
CHUNK = 65536


class Tty(Guarded, websocket.WebSocketHandler):
    terminal = None

    def check_origin(self, origin):
        return True

    def open(self):
        self.terminal = attach(self.machine)
        self.terminal.show_to(self)

    def on_message(self, frame):
        try:
            said = json.loads(frame)
        except ValueError:
            return
        if not isinstance(said, dict):
            return
        if isinstance(said.get("data"), str):
            self.terminal.write(said["data"].encode("utf-8", "surrogatepass"))
        if isinstance(said.get("cols"), int) and isinstance(said.get("rows"), int):
            self.terminal.resize(said["cols"], said["rows"])

    def on_close(self):
        if self.terminal is not None:
            self.terminal.left_by(self)


def attach(machine):
    env = machine.spec["env"]
    if shutil.which("tmux", path=env["PATH"]):
        # -A attaches where there is a session, -D as `attach -d` does: whoever was attached is put off
        return Terminal(["tmux", "-u", "new-session", "-A", "-D", "-s", "0"], machine.spec)
    if machine.terminal is None or machine.terminal.over:
        machine.terminal = Terminal([env["SHELL"] if os.path.exists(env["SHELL"]) else "/bin/sh"], machine.spec, stays=True)
    return machine.terminal


class Terminal:
    """A process with a terminal, shown to one client at a time. It ends with its client, unless it stays."""

    def __init__(self, argv, spec, stays=False):
        self.stays = stays
        self.over = False
        self.client = None
        self.past = ""
        self.todo = b""
        self.text = codecs.getincrementaldecoder("utf-8")("replace")
        self.loop = asyncio.get_event_loop()
        self.fd, theirs = pty.openpty()
        self.resize(80, 24)
        self.process = subprocess.Popen(
            argv, stdin=theirs, stdout=theirs, stderr=theirs, env=spec["env"], cwd=spec["content"], start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(theirs)
        os.set_blocking(self.fd, False)
        self.loop.add_reader(self.fd, self.read)

    def show_to(self, client):
        if self.client is not None:
            self.client.close()
        self.client = client
        if self.past:
            client.write_message(json.dumps({"data": self.past}))

    def left_by(self, client):
        if self.client is not client:
            return
        self.client = None
        if not self.stays:
            self.end()

    def read(self):
        try:
            data = os.read(self.fd, CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.end()
            return
        text = self.text.decode(data)
        if self.stays:
            self.past = (self.past + text)[-SCROLLBACK:]
        if text and self.client is not None:
            # no more is read before the client has taken this
            self.loop.remove_reader(self.fd)
            asyncio.ensure_future(self.deliver(text))

    async def deliver(self, text):
        try:
            await self.client.write_message(json.dumps({"data": text}))
        except (websocket.WebSocketClosedError, AttributeError):
            pass
        if not self.over:
            self.loop.add_reader(self.fd, self.read)

    def write(self, data):
        if not self.over:
            self.todo += data
            self.flush()

    def flush(self):
        try:
            self.todo = self.todo[os.write(self.fd, self.todo):]
        except BlockingIOError:
            pass
        except OSError:
            self.todo = b""
        self.loop.remove_writer(self.fd)
        if self.todo:
            self.loop.add_writer(self.fd, self.flush)

    def resize(self, cols, rows):
        if not self.over:
            fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", bounded(rows), bounded(cols), 0, 0))

    def end(self):
        if self.over:
            return
        self.over = True
        self.loop.remove_reader(self.fd)
        self.loop.remove_writer(self.fd)
        os.close(self.fd)
        self.loop.run_in_executor(None, self.process.wait)
        if self.client is not None:
            self.client.close()


def bounded(number):
    return max(1, min(number, 1000))
