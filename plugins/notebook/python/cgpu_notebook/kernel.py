"""A kernel of its own on this machine, by jupyter_client 6 or later."""
import json
import os
import time

try:
    import zmq
    from jupyter_client.blocking import BlockingKernelClient
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
    from jupyter_client.manager import KernelManager
except ImportError as error:
    missing = error
else:
    missing = None

# How long one wait for messages takes at most: signals and time limits are looked at in between.
WAIT_MS = 100
# Bytes of messages that are taken at once, and what one counts at least.
AT_ONCE = 4 << 20
AT_LEAST = 4 << 10
# How often is looked whether the kernel's process is there, in seconds.
ALIVE_EVERY = 0.5


class Failed(Exception):
    """Nothing can run, and what to do about it."""

    def __init__(self, code, message, fix, exit_status):
        super().__init__(message)
        self.code, self.fix, self.exit_status = code, fix, exit_status


class Died(Exception):
    """The kernel's process is gone."""


class Kernel:
    def __init__(self, name):
        """`name`: of its kernelspec; None: this Python's own. Raises Failed."""
        if missing:
            raise Failed(
                "JUPYTER_CLIENT_MISSING", "the runtime's Python has no jupyter_client, which starts kernels: %s" % missing,
                "install it there: cgpu run -r NAME --packages jupyter_client,ipykernel -- true", 66,
            )
        self.name = name or "python3"
        try:
            self._manager = KernelManager(kernel_name=self.name)
            self.language = self._manager.kernel_spec.language
        except NoSuchKernel:
            known = ", ".join(sorted(KernelSpecManager().find_kernel_specs())) or "none"
            raise Failed("KERNEL_NOT_FOUND", "the runtime has no kernel %s" % self.name, "choose one with --kernel: %s" % known, 66) from None
        self._alive_at = 0.0
        self.info = {}

    def start(self, timeout, tick):
        """`tick` is called while it is waited for, and may raise. Raises Failed, Died."""
        self._manager.start_kernel(cwd=os.getcwd())
        context = zmq.Context()
        context.setsockopt(zmq.RCVHWM, 0)  # nothing is dropped while the copy is written
        self._client = BlockingKernelClient(context=context)
        self._client.load_connection_file(self._manager.connection_file)
        # JSON has no NaN and no infinities, which Python's reads all the same: they become text
        self._client.session.unpack = lambda data: json.loads(bytes(data).decode("utf-8", "replace"), parse_constant=str)
        self._client.start_channels(stdin=False, hb=False)
        self._sockets = {"shell": self._client.shell_channel.socket, "iopub": self._client.iopub_channel.socket}
        self._poller = zmq.Poller()
        for socket in self._sockets.values():
            self._poller.register(socket, zmq.POLLIN)
        deadline = time.monotonic() + timeout
        asked, again, heard = set(), 0.0, False
        # what it publishes is only heard once the channel for that is open: asked until both answer
        while not (self.info and heard):
            tick()
            if time.monotonic() > deadline:
                raise Failed("KERNEL_START_TIMEOUT", "the kernel %s did not answer within %g s" % (self.name, timeout), "give it more time (--startup-timeout), or see whether it starts at all: cgpu exec --new-kernel \"1\"", 71)
            if time.monotonic() > again:
                asked.add(self._client.kernel_info())
                again = time.monotonic() + 0.5
            for channel, message in self.messages():
                if message["parent_header"].get("msg_id") not in asked:
                    continue
                if channel == "iopub":
                    heard = True
                elif message["header"]["msg_type"] == "kernel_info_reply":
                    self.info = message["content"]

    def execute(self, code):
        """Sends it; what its messages name as their parent."""
        return self._client.execute(code, store_history=True, allow_stdin=False, stop_on_error=False)

    def send(self, kind, content):
        self._client.session.send(self._sockets["shell"], kind, content)

    def interrupt(self):
        self._manager.interrupt_kernel()

    def messages(self):
        """What came, as (channel, message); [] after a while in which nothing did. Raises Died."""
        came, session = [], self._client.session
        ready = dict(self._poller.poll(WAIT_MS))
        for channel, socket in self._sockets.items():
            # a kernel that prints all the time does not keep others from being looked at
            size = 0
            while socket in ready and size < AT_ONCE:
                try:
                    frames = socket.recv_multipart(zmq.NOBLOCK)
                except zmq.Again:
                    break
                size += sum(map(len, frames)) + AT_LEAST
                _, frames = session.feed_identities(frames)
                came.append((channel, session.deserialize(frames)))
        now = time.monotonic()
        if not came and now - self._alive_at > ALIVE_EVERY:
            self._alive_at = now
            if not self._manager.is_alive():
                raise Died()
        return came

    def end(self, now):
        """`now`: without asking it."""
        if not missing and self._manager.has_kernel:
            self._manager.shutdown_kernel(now=now)
