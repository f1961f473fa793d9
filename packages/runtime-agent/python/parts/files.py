"""What is done to files where they are: a part of the agent (docs/agent-protocol.md). Standard library and ASCII only, Python 3.8 to 3.14."""

import os
import shutil
import stat


def _place(control, data, name="path"):
    return agent._path(data, control.workdir, name)


def remove(control, data, _buffers):
    """A file, a link (not what it points to), an empty folder; with `recursive` a folder and all below it."""
    path = _place(control, data)
    if os.path.dirname(path) == path or os.path.realpath(path) in (os.path.realpath(control.workdir), os.path.expanduser("~")):
        raise agent.Refusal("DENIED", "not the whole of %s" % agent._shown(path))
    if not stat.S_ISDIR(os.lstat(path).st_mode):
        os.unlink(path)
    elif agent._maybe(data, "recursive", bool, False):
        shutil.rmtree(path)
    else:
        os.rmdir(path)
    return {}


QUICK = {}
LONG = {"remove": remove}
