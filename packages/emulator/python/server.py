"""The Jupyter Server of one machine, as it is on Colab: no XSRF checks, the machine's `/` as its root, kernels in `/content`.

Imported by the zygote, run in its children. A machine's spec: `id`, `folder` (its `content`, `root`, `tmp`), `namespaces`,
`hostname`, `keep`, `shared`, `socket`, `token`, `env`, `log`, and what colab_handlers.py reads.
"""

import os
import sys

# jsonschema compiles a grammar that takes 2 s for formats that no event schema of the server uses
sys.modules["rfc3987_syntax"] = None

import jupyter_server
from jupyter_server.serverapp import ServerApp
from traitlets.config import Config

import colab_handlers
import gpu

# bytes that the path of a socket may have, on the system that allows the fewest
SOCKET_PATH = 104


def needed_paths():
    """What the server and the kernels of this Python are made of."""
    from jupyter_client.kernelspec import KernelSpecManager

    paths = {sys.prefix, sys.base_prefix, os.path.dirname(os.path.abspath(__file__))}
    for one in KernelSpecManager().get_all_specs().values():
        paths.add(one["resource_dir"])
        program = one["spec"]["argv"][0]
        if os.path.isabs(program):
            for path in (program, os.path.realpath(program)):
                paths.add(os.path.dirname(os.path.dirname(path)))
    return sorted(path for path in paths if path != "/")


def serve(spec, say):
    """Runs until the process is ended."""
    sys.stdout.reconfigure(line_buffering=True)
    os.environ.clear()
    os.environ.update(spec["env"])
    os.umask(0o022)
    os.chdir(spec["content"])
    gpu.put(spec["machine_json"], gpu.ROOT_PID, os.getppid())
    app = Machine.instance(config=config(spec))
    app.content = spec["content"]
    app.initialize(argv=[])
    colab_handlers.add(app, spec)
    app.io_loop.add_callback(say, "ready")
    app.start()


class Machine(ServerApp):
    # that file is readable by others and holds the token
    no_browser_open_file = True

    def init_configurables(self):
        super().init_configurables()
        # a kernel's folder is /content, wherever its notebook is
        self.kernel_manager.cwd_for_path = lambda *_, **__: self.content
        # a client asks for a new kernel with an empty id, which Jupyter would give it (protocol notes, 4.2)
        create = self.session_manager.create_session
        self.session_manager.create_session = lambda *given, kernel_id=None, **more: create(*given, kernel_id=kernel_id or None, **more)


def config(spec):
    token = {"IdentityProvider": {"token": spec["token"]}} if int(jupyter_server.__version__.split(".")[0]) >= 2 else {}
    contents = {"allow_hidden": True, "delete_to_trash": False}
    # as on Colab: many machines share the host's ports, and kernels choose theirs without asking each other
    longest = os.path.join(spec["env"]["JUPYTER_RUNTIME_DIR"], "kernel-%s-ipc-5" % ("0" * 36))
    return Config({
        "KernelManager": {"transport": "ipc" if len(longest) < SOCKET_PATH else "tcp"},
        "ServerApp": {
            **({} if token else {"token": spec["token"]}),
            "sock": spec["socket"], "sock_mode": "0600", "open_browser": False, "allow_root": True, "log_level": 30,
            "root_dir": spec["root_dir"], "disable_check_xsrf": True, "allow_remote_access": True,
            "jpserver_extensions": {"jupyter_server_terminals": True},
        },
        **token,
        "ContentsManager": {"allow_hidden": True},
        "FileContentsManager": contents,
        "LargeFileManager": contents,
        "AsyncLargeFileManager": contents,
    })
