"""Gives a machine namespaces of its own: its processes see their own `/content`, `/root`, `/tmp`, `/proc` and hostname, and
what they write to the rest of the system (`pip install`, `apt install`) stays in layers of the machine.

It is about looking like a machine, not about safety: the network is the host's, and root of a machine is root. Elsewhere than on Linux
nothing of this is used. Standard library only.
"""

import ctypes
import os
import shlex
import signal
import socket
import sys

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWUSER, CLONE_NEWPID = 0x00020000, 0x04000000, 0x10000000, 0x20000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT, MS_BIND, MS_MOVE, MS_REC, MS_PRIVATE = 1, 2, 4, 32, 4096, 8192, 16384, 1 << 18
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
# the machine has its own of these, or a new one of its kind
OWN = {"proc", "sys", "dev", "tmp", "root", "content", "lost+found"}
# what the machine has files of its own in
NAMED = {"etc", "opt", "run", "var"}
PROFILES = "/etc/profile.d"
WRITTEN = {"/etc/resolv.conf", "/etc/hosts", "/etc/hostname", "/var/colab", PROFILES + "/colab.sh"}
DEVICES = {"null", "zero", "full", "random", "urandom", "tty", "fuse", "dri"}

LINUX = sys.platform.startswith("linux")
libc = ctypes.CDLL(None, use_errno=True)


def call(name, *args):
    """A function of libc that answers -1 for an error."""
    if getattr(libc, name)(*args) == -1:
        number = ctypes.get_errno()
        raise OSError(number, "%s: %s" % (name, os.strerror(number)))


def mount(source, target, kind=None, flags=0, data=None):
    encode = lambda text: None if text is None else os.fsencode(text)
    call("mount", encode(source), encode(target), encode(kind), ctypes.c_ulong(flags), encode(data))


def die_with_parent(number=signal.SIGKILL):
    if LINUX:
        libc.prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)


def adopt_orphans():
    if LINUX:
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def enter():
    """New namespaces for this process; the next fork is process 1 of the new ones. OSError where the system forbids it."""
    wanted = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS
    user, group = os.geteuid(), os.getegid()
    if user == 0:
        call("unshare", wanted)
        return
    call("unshare", wanted | CLONE_NEWUSER)
    for name, text in (("setgroups", "deny"), ("uid_map", "0 %d 1" % user), ("gid_map", "0 %d 1" % group)):
        with open("/proc/self/" + name, "w") as file:
            file.write(text)


def furnish(folder, hostname, path, keep, shared):
    """Called by process 1: makes `folder` (its `content`, `root`, `tmp`, `bin`) this process's system. Folders of the host that are
    seen whatever else is at their path: those of `keep` with a layer of the machine over them, `shared` as they are."""
    mount(None, "/", None, MS_REC | MS_PRIVATE)
    os.chdir(folder)
    for name in ("new", "mem", "layers", "tmp", "bin"):
        os.makedirs(name, exist_ok=True)
    os.chmod("tmp", 0o1777)
    mount("tmpfs", "new", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
    mount("tmpfs", "mem", "tmpfs", MS_NOSUID | MS_NODEV, "mode=700")
    for name in sorted(os.listdir("/")):
        source, target = "/" + name, "new/" + name
        if name in OWN:
            continue
        if os.path.islink(source):
            os.symlink(os.readlink(source), target)
        elif os.path.isdir(source):
            os.mkdir(target)
            if name in NAMED and not initial_user_namespace():
                compose(source, target)
            else:
                layer(source, target)
    devices("new/dev")
    os.mkdir("new/sys")
    mount("/sys", "new/sys", None, MS_BIND | MS_REC)
    try:
        mount(None, "new/sys", None, MS_REMOUNT | MS_BIND | MS_RDONLY)
    except OSError:
        pass  # a user may not take away what the host's mount has: nor may they write there
    os.mkdir("new/proc")
    mount("proc", "new/proc", "proc", MS_NOSUID | MS_NODEV)
    for name in ("content", "root", "tmp"):
        os.mkdir("new/" + name)
        mount(name, "new/" + name, None, MS_BIND)
    os.makedirs("new/opt/bin", exist_ok=True)
    mount("bin", "new/opt/bin", None, MS_BIND)
    for source in keep:
        if os.path.isdir(source) and not same(source, "new" + source):
            os.makedirs("new" + source, exist_ok=True)
            layer(source, "new" + source)
    for source in filter(os.path.isdir, shared):
        os.makedirs("new" + source, exist_ok=True)
        mount(source, "new" + source, None, MS_BIND | MS_REC)
    write_names("new", hostname, path)
    os.chdir("new")
    mount(".", "/", None, MS_MOVE)
    os.chroot(".")
    os.chdir("/")
    socket.sethostname(hostname)


def devices(target):
    """The devices that programs need, terminals and shared memory of its own, and no disks."""
    os.mkdir(target)
    for name in sorted(os.listdir("/dev")):
        if name in DEVICES or name.startswith("nvidia"):
            source, other = "/dev/" + name, target + "/" + name
            if os.path.isdir(source):
                os.mkdir(other)
            else:
                open(other, "w").close()
            mount(source, other, None, MS_BIND | MS_REC)
    for name, place in (("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"), ("stderr", "/proc/self/fd/2"), ("ptmx", "pts/ptmx")):
        os.symlink(place, target + "/" + name)
    for name, kind, options in (("pts", "devpts", "newinstance,ptmxmode=0666,mode=620"), ("shm", "tmpfs", "mode=1777")):
        os.mkdir(target + "/" + name)
        mount(kind, target + "/" + name, kind, MS_NOSUID, options)


def layer(source, target):
    """The host's folder with a layer of the machine over it: on disk, or in memory where the disk cannot hold one. A user's own
    namespaces allow none over a folder that others are mounted in: there it is the host's folder as it is."""
    trusted = initial_user_namespace()
    for place in ("layers", "mem"):
        own = place + "/" + target[4:].replace("/", "!")
        upper, work = own + "/upper", own + "/work"
        os.makedirs(upper, exist_ok=True)
        os.makedirs(work, exist_ok=True)
        options = "lowerdir=%s,upperdir=%s,workdir=%s" % (source, upper, work)
        try:
            return mount("overlay", target, "overlay", MS_NODEV, options if trusted else options + ",userxattr")
        except OSError:
            if trusted and place == "mem":
                raise
    mount(source, target, None, MS_BIND | MS_REC)


def compose(source, target):
    """A new folder with what the host's has, each by itself: a user may not write the host's, not even in a layer."""
    for name in os.listdir(source):
        one, other = source + "/" + name, target + "/" + name
        if one in WRITTEN:
            continue
        try:
            if one == PROFILES:
                os.mkdir(other)
                compose(one, other)
            elif os.path.islink(one):
                os.symlink(os.readlink(one), other)
            elif os.path.isdir(one):
                os.mkdir(other)
                mount(one, other, None, MS_BIND | MS_REC)
            elif os.path.isfile(one):
                open(other, "w").close()
                mount(one, other, None, MS_BIND)
        except OSError:
            # what this user may not see is not there
            continue


def initial_user_namespace():
    with open("/proc/self/uid_map") as file:
        return file.read().split() == ["0", "0", "4294967295"]


def same(path, target):
    """Whether what is seen at `target` is the host's `path`: not another folder, not one that lacks what is mounted on it."""
    try:
        return sorted(os.listdir(path)) == sorted(os.listdir(target))
    except OSError:
        return False


def write_names(root, hostname, path):
    """/etc of a container is full of mounts, which a layer does not show: names are written anew."""
    for name, text in (
        ("/etc/resolv.conf", read("/etc/resolv.conf")),
        ("/etc/hosts", "127.0.0.1\tlocalhost %s\n::1\tlocalhost ip6-localhost\n" % hostname),
        ("/etc/hostname", hostname + "\n"),
        ("/var/colab/hostname", hostname + "\n"),
        ("/var/colab/machine.json", read("machine.json")),
        # a login shell sets PATH anew
        (PROFILES + "/colab.sh", "export PATH=%s\n" % shlex.quote(path)),
    ):
        target = root + name
        if os.path.islink(target):
            os.unlink(target)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "w") as file:
            file.write(text)


def read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""
