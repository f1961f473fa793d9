"""What is done to files where they are: a part of the agent (docs/agent-protocol.md). Standard library and ASCII only, Python 3.8 to 3.14."""

import errno
import os
import shutil
import stat
import uuid


def _place(control, data, name="path"):
    return agent._path(data, control.workdir, name)


def _keep(control, path):
    """Nobody means these."""
    if os.path.dirname(path) == path or os.path.realpath(path) in (os.path.realpath(control.workdir), os.path.expanduser("~")):
        raise agent.Refusal("DENIED", "not the whole of %s" % agent._shown(path))


def remove(control, data, _buffers):
    """A file, a link (not what it points to), an empty folder; with `recursive` a folder and all below it."""
    path = _place(control, data)
    _keep(control, path)
    if not stat.S_ISDIR(os.lstat(path).st_mode):
        os.unlink(path)
    elif agent._maybe(data, "recursive", bool, False):
        shutil.rmtree(path)
    else:
        os.rmdir(path)
    return {}


def make(control, data, _buffers):
    """A folder; with `parents` those above it too, and it may be there."""
    path = _place(control, data)
    if agent._maybe(data, "parents", bool, False):
        os.makedirs(path, exist_ok=True)
    else:
        os.mkdir(path)
    return {}


def move(control, data, _buffers):
    """To a name, or into a folder that is there. What is there already is replaced with `force` only, and a folder never."""
    source, target = _place(control, data), _place(control, data, "to")
    _keep(control, source)
    info = os.lstat(source)
    if os.path.isdir(target):
        target = os.path.join(target, os.path.basename(source))
    elif agent._maybe(data, "into", bool, False) or data["to"].endswith("/"):
        raise agent.Refusal("NOT_DIRECTORY", "not a folder: %s" % agent._shown(target))
    folder = stat.S_ISDIR(info.st_mode)
    there = os.path.lexists(target)
    if there and os.path.samestat(info, os.lstat(target)) and os.path.realpath(source) == os.path.realpath(target):
        raise agent.Refusal("EXISTS", "%s would be moved onto itself" % agent._shown(source))
    if folder and agent._inside(os.path.realpath(source), os.path.dirname(target)):
        raise agent.Refusal("BAD_REQUEST", "%s cannot be moved into itself" % agent._shown(source))
    if there and (folder or stat.S_ISDIR(os.lstat(target).st_mode)):
        raise agent.Refusal("EXISTS", "%s is there already, and folders are not replaced" % agent._shown(target))
    if there and not agent._maybe(data, "force", bool, False):
        raise agent.Refusal("EXISTS", "%s is there already" % agent._shown(target))
    _rename(source, target, there, folder)
    return {"path": agent._shown(target)}


def _rename(source, target, replace, folder):
    try:
        if replace or folder:
            os.rename(source, target) if folder else os.replace(source, target)
            return
        try:
            os.link(source, target, follow_symlinks=False)  # fails where a name came meanwhile; a rename would replace it
        except FileExistsError:
            raise
        except (OSError, NotImplementedError):  # a disk without such links
            os.rename(source, target)
        else:
            os.unlink(source)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _carry(source, target, folder)


def _carry(source, target, folder):
    """To another disk: whole beside the target first."""
    head, name = os.path.split(target)
    part = os.path.join(head, ".%s.cgpu-%s.part" % (name[:200], uuid.uuid4().hex[:12]))
    try:
        if folder:
            shutil.copytree(source, part, symlinks=True)
        else:
            shutil.copy2(source, part, follow_symlinks=False)
        os.rename(part, target)
    except BaseException:
        if os.path.isdir(part) and not os.path.islink(part):
            shutil.rmtree(part, ignore_errors=True)
        elif os.path.lexists(part):
            os.unlink(part)
        raise
    shutil.rmtree(source) if folder else os.unlink(source)


def replace(control, data, _buffers):
    """The file `from`, sent beside `path`, takes its place: if what is there still has this sha256, or, without one, nothing is there."""
    path, new = os.path.realpath(_place(control, data)), _place(control, data, "from")
    now = agent.describe(path, True)
    if now.get("sha256") != agent._maybe(data, "sha256", str) or (now["exists"] and now["type"] != "file"):
        os.unlink(new)
        raise agent.Refusal("CHANGED", "%s was changed by somebody else meanwhile" % agent._shown(path))
    os.replace(new, path)
    return {}


QUICK = {}
LONG = {"remove": remove, "make": make, "move": move, "replace": replace}
