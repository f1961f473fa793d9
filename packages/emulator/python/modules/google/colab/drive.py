"""Google Drive in the machine's file system: here the emulator's folder of that account, shown at the mountpoint."""

import ctypes
import os

from google.colab import _message, _services

MS_BIND, MNT_DETACH = 4096, 2
NAME = "MyDrive"
# where this kernel has mounted
_places = set()
_libc = ctypes.CDLL(None, use_errno=True)


def mount(mountpoint, force_remount=False, timeout_ms=120000, readonly=False):
    """Shows My Drive below `mountpoint`. The front end is asked for consent first, also when it is mounted already."""
    if not os.path.exists("/var/colab/hostname") and "COLAB_EMULATOR" not in os.environ:
        raise NotImplementedError("Mounting drive is unsupported in this environment.")
    if " " in mountpoint:
        raise ValueError("Mountpoint must not contain a space.")
    _message.blocking_request("request_auth", request={"authType": "dfs_ephemeral"}, timeout_sec=int(timeout_ms / 1000))
    place = _place(mountpoint)
    shown = os.path.join(place, NAME)
    if os.path.lexists(shown):
        if not force_remount:
            print('Drive already mounted at %s; to attempt to forcibly remount, call drive.mount("%s", force_remount=True).' % (mountpoint, mountpoint))
            return
        _hide(place)
    if os.path.islink(place):
        raise ValueError("Mountpoint must not be a link.")
    if os.path.isdir(place) and os.listdir(place):
        raise ValueError("Mountpoint must not already contain files")
    if not os.path.isdir(os.path.dirname(os.path.normpath(place))):
        raise ValueError("Mountpoint must be in a directory that exists")
    try:
        folder = _services.ask("GET", "TBE_EPHEM_CREDS_ADDR", "/drive")["folder"]
    except _services.Refused as refused:
        raise ValueError("mount failed: %s" % refused) from None
    if not os.path.isdir(folder):
        raise ValueError("mount failed: the machine does not see the account's Drive")
    _show(folder, place)
    _places.add(place)
    print("Mounted at %s" % mountpoint)


def flush_and_unmount(timeout_ms=86400000):
    """Writes what is not written yet, and takes Drive away again."""
    places = [place for place in {*_places, _place("/content/drive")} if os.path.lexists(os.path.join(place, NAME))]
    if not places:
        print("Drive not mounted, so nothing to flush and unmount.")
        return
    os.sync()
    for place in places:
        _hide(place)


def _place(mountpoint):
    """Where the mountpoint is on this machine, whose /content may be a folder elsewhere."""
    own = os.environ.get("COLAB_EMULATOR_CONTENT", "/content")
    path = os.path.abspath(os.path.expanduser(mountpoint))
    return own + path[len("/content"):] if (path + "/").startswith("/content/") else path


def _show(folder, place):
    os.makedirs(place, exist_ok=True)
    shown = os.path.join(place, NAME)
    if "COLAB_EMULATOR_CONTENT" not in os.environ:
        os.mkdir(shown)
        if _libc.mount(os.fsencode(folder), os.fsencode(shown), None, ctypes.c_ulong(MS_BIND), None) == 0:
            return
        os.rmdir(shown)
    os.symlink(folder, shown)


def _hide(place):
    shown = os.path.join(place, NAME)
    if os.path.islink(shown):
        os.unlink(shown)
    else:
        _libc.umount2(os.fsencode(shown), MNT_DETACH)
        os.rmdir(shown)
