"""Fetches one file onto this machine, as a job of its own: `python fetch-<hash>.py` with its order in CGPU_FETCH (docs/agent-protocol.md).

Standard library and ASCII only, Python 3.8 to 3.14. It says how far it is, and how it ended, in JSON lines on stdout. What is fetched
lies beside its target under a name of ours until it is whole; a later fetch of the same goes on with it.
"""

import base64
import errno
import hashlib
import http.client
import ipaddress
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

QUICK = LONG = {}  # nothing is asked of it in the kernel
PIECE = 256 * 1024
TELL_EVERY = 0.5
SILENT = 60.0  # a server that says nothing for so long has gone
REDIRECTS = 10
PAUSES = (0.5, 1, 2, 4, 8, 15, 30, 30, 30, 30)  # after what passes by itself, while nothing comes
FIRST_PAUSES = 2  # so many of them before anything came at all: a name that was mistyped is told soon
TAIL = 2000


class Failed(Exception):
    """`code` is for programs: DENIED, NOT_FOUND, TOOL_MISSING and NOT_A_FILE let the next way be tried."""

    def __init__(self, code, message, fix=None):
        super().__init__(message)
        self.code, self.fix = code, fix


class Passing(Exception):
    """What may be over in a moment."""

    def __init__(self, message, pause=0.0):
        super().__init__(message)
        self.pause = pause


def tell(**event):
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


class Progress:
    def __init__(self):
        self.told = 0.0

    def __call__(self, done, total, now=False):
        if now or time.monotonic() - self.told >= TELL_EVERY:
            self.told = time.monotonic()
            tell(event="progress", done=done, total=total)


def shown(url):
    """Without what may be a secret."""
    parts = urllib.parse.urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return "%s://%s%s" % (parts.scheme, host, parts.path)


# ---------------------------------------------------------------- over HTTP


class Stay(urllib.request.HTTPRedirectHandler):
    """Redirects are looked at first."""

    def redirect_request(self, *_args):
        return None


def is_private(address):
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return True
    return not (getattr(found, "ipv4_mapped", None) or found).is_global


def leads_inside(host):
    """Whether a name stands for an address that is not of the public net."""
    try:
        return any(is_private(str(found[4][0])) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError):
        return False  # the connection tells that there is no such host


def opener(check):
    """`check(address)` is asked of every connection, before a request goes over it: a name may mean something else by then."""

    class Plain(http.client.HTTPConnection):
        def connect(self):
            super().connect()
            check(self.sock)

    class Secure(http.client.HTTPSConnection):
        def connect(self):
            super().connect()
            check(self.sock)

    class PlainHandler(urllib.request.HTTPHandler):
        def http_open(self, request):
            return self.do_open(Plain, request)

    class SecureHandler(urllib.request.HTTPSHandler):
        def https_open(self, request):
            return self.do_open(Secure, request, context=ssl.create_default_context())

    return urllib.request.build_opener(Stay(), PlainHandler(), SecureHandler())


def plain_of(url):
    """The URL without a name and a password, and the header that they stand for."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Failed("BAD_URL", "not an HTTP address: %s" % shown(url))
    user, at, netloc = parts.netloc.rpartition("@")
    headers = {}
    if at:
        headers["Authorization"] = "Basic " + base64.b64encode(urllib.parse.unquote(user).encode()).decode("ascii")
    path = urllib.parse.quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = urllib.parse.quote(parts.query, safe="/%:@!$&'()*+,;=~-._?[]")
    return urllib.parse.urlunsplit((parts.scheme, netloc, path, query, "")), headers


def origin(url):
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}[parts.scheme]


class Hops:
    """One request with its redirects. Headers that were given go to the origin that they were given for, and no other."""

    def __init__(self, url, headers):
        self.first, own = plain_of(url)
        self.headers = dict(own, **headers)
        self.inside = leads_inside(urllib.parse.urlsplit(self.first).hostname)

    def open(self, more):
        url = self.first
        for hop in range(REDIRECTS + 1):
            same = origin(url) == origin(self.first)
            request = urllib.request.Request(url, headers=dict(self.headers if same else {}, **more))
            try:
                return opener(self._checker(url, hop)).open(request, timeout=SILENT), url
            except urllib.error.HTTPError as error:
                location = error.headers.get("Location")
                error.close()
                if error.code not in (301, 302, 303, 307, 308) or not location:
                    raise
                url = self._next(url, location)
        raise Failed("REFUSED", "%s leads from one address to the next without an end" % shown(self.first))

    def _next(self, url, location):
        new, _ = plain_of(urllib.parse.urljoin(url, location))
        if url.startswith("https:") and new.startswith("http:"):
            raise Failed("REFUSED", "%s leads to an address without encryption: %s" % (shown(self.first), shown(new)))
        host = urllib.parse.urlsplit(new).hostname
        if not self._may(host) and leads_inside(host):
            raise Failed("REFUSED", "%s leads into a private network: %s" % (shown(self.first), shown(new)))
        return new

    def _may(self, host):
        return self.inside and host == urllib.parse.urlsplit(self.first).hostname

    def _checker(self, url, hop):
        parts = urllib.parse.urlsplit(url)
        by_proxy = parts.scheme in urllib.request.getproxies() and not urllib.request.proxy_bypass(parts.hostname)

        def check(connected):
            if hop > 0 and not by_proxy and not self._may(parts.hostname) and is_private(str(connected.getpeername()[0])):
                raise Failed("REFUSED", "%s leads into a private network: %s" % (shown(self.first), shown(url)))

        return check


def credentials(kind):
    """What this machine is signed in with."""
    try:
        if kind == "hf":
            home = os.environ.get("HF_HOME") or os.path.join(os.path.expanduser("~"), ".cache", "huggingface")
            token = os.environ.get("HF_TOKEN") or _text_of(os.environ.get("HF_TOKEN_PATH") or os.path.join(home, "token"))
            return {"Authorization": "Bearer " + token.strip()} if token.strip() else {}
        if kind == "kaggle":
            name, key = os.environ.get("KAGGLE_USERNAME"), os.environ.get("KAGGLE_KEY")
            if not (name and key):
                folder = os.environ.get("KAGGLE_CONFIG_DIR") or os.path.join(os.path.expanduser("~"), ".kaggle")
                known = json.loads(_text_of(os.path.join(folder, "kaggle.json")) or "{}")
                name, key = known.get("username"), known.get("key")
            return {"Authorization": "Basic " + base64.b64encode(("%s:%s" % (name, key)).encode()).decode("ascii")} if name and key else {}
    except (ValueError, AttributeError):
        pass  # not what it should be: as if it were not there
    return {}


def _text_of(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read(1 << 16)
    except (OSError, ValueError):
        return ""


class Part:
    """What came so far, and which file it is of."""

    def __init__(self, target, key):
        self.target = target
        folder, name = os.path.split(target)
        hashes = [hashlib.sha256((key + what).encode("utf-8", "surrogatepass")).hexdigest()[:12] for what in ("", "\0about", "\0folder")]
        self.path, self.about, self.folder = (os.path.join(folder, ".%s.cgpu-%s.part" % (name[:200], one)) for one in hashes)
        os.makedirs(folder, exist_ok=True)
        self.lock = os.open(self.about, os.O_RDWR | os.O_CREAT, 0o600)
        if fcntl:
            try:
                fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(self.lock)
                raise Failed("BUSY", "somebody else fetches this file already")
        self.file = open(self.path, "ab", buffering=0)
        self.known = self._known()
        if not validator(self.known):
            self.file.truncate(0)
        self.digest = hashlib.sha256()
        self.size = 0
        with open(self.path, "rb") as file:
            for data in iter(lambda: file.read(1 << 20), b""):
                self.digest.update(data)
                self.size += len(data)
        self.resumed = self.size

    def _known(self):
        try:
            known = json.loads(os.pread(self.lock, 1 << 16, 0).decode("ascii") or "{}") if hasattr(os, "pread") else {}
            return known if isinstance(known, dict) else {}
        except ValueError:
            return {}

    def anew(self, known):
        self.file.truncate(0)
        self.size, self.resumed, self.digest, self.known = 0, 0, hashlib.sha256(), known
        if hasattr(os, "pread"):
            os.ftruncate(self.lock, 0)
            os.pwrite(self.lock, json.dumps(known).encode("ascii"), 0)

    def write(self, data):
        view = memoryview(data)
        while view:
            done = self.file.write(view)
            self.digest.update(view[:done])
            self.size += done
            view = view[done:]

    def finish(self):
        os.fsync(self.file.fileno())
        self.file.close()
        os.chmod(self.path, 0o666 & ~umask())
        os.replace(self.path, self.target)
        self.forget(False)

    def close(self):
        self.file.close()
        os.close(self.lock)

    def forget(self, all_of_it):
        """`all_of_it`: what came so far too."""
        shutil.rmtree(self.folder, ignore_errors=True)
        for path in [self.about] + ([self.path] if all_of_it else []):
            try:
                os.unlink(path)
            except OSError:
                pass


def umask():
    old = os.umask(0o022)
    os.umask(old)
    return old


def validator(known):
    """What tells one version of a file from another, or nothing that does."""
    tag = known.get("etag")
    if isinstance(tag, str) and tag and not tag.startswith("W/"):
        return tag
    changed = known.get("lastModified")
    return changed if isinstance(changed, str) and changed else None


def about(response):
    length = response.headers.get("Content-Length")
    known = {"etag": response.headers.get("ETag"), "lastModified": response.headers.get("Last-Modified")}
    return known, int(length) if length and length.isdigit() else None


def range_of(response):
    """(start, total or None) of a part of a file."""
    unit, _, rest = (response.headers.get("Content-Range") or "").partition(" ")
    span, _, total = rest.partition("/")
    start = span.partition("-")[0]
    if unit != "bytes" or not start.isdigit():
        return None, None
    return int(start), int(total) if total.isdigit() else None


def fetch_http(way, part, progress):
    headers = dict(way.get("headers") or {}, **credentials(way.get("credentials")))
    hops, failures = Hops(way["url"], headers), 0
    while True:
        before = part.size
        try:
            return once(hops, way, part, progress)
        except Passing as problem:
            failures = 0 if part.size > before else failures
            most = len(PAUSES) if part.size else FIRST_PAUSES
            if failures >= most:
                raise Failed("UNAVAILABLE", str(problem))
            pause = max(PAUSES[failures], min(problem.pause, 120))
            failures += 1
            tell(event="retry", message=str(problem), seconds=pause)
            time.sleep(pause)


def once(hops, way, part, progress):
    more = {"Accept-Encoding": "identity", "User-Agent": "cgpu"}
    if part.size and not validator(part.known):
        part.anew({})
    if part.size:
        more.update({"Range": "bytes=%d-" % part.size, "If-Range": validator(part.known)})
    try:
        response, url = hops.open(more)
    except urllib.error.HTTPError as error:
        if error.code == 416 and part.size:
            return past_the_end(error, hops, way, part, progress)
        raise refusal(error, hops)
    except (OSError, http.client.HTTPException) as error:
        raise network(error, hops)
    with response:
        if "text/html" in (response.headers.get("Content-Type") or "") and way.get("noPages"):
            raise Failed("NOT_A_FILE", "%s is a page, not a file" % shown(hops.first))
        known, length = about(response)
        if response.status == 206:
            start, total = range_of(response)
            if start != part.size or (known["etag"] and part.known.get("etag") and known["etag"] != part.known["etag"]):
                part.anew({})
                return once(hops, way, part, progress)
        elif response.status == 200:
            total = length
            part.anew(known)
        else:
            raise Failed("UNAVAILABLE", "%s answered %d" % (shown(hops.first), response.status))
        room_for(part, total)
        progress(part.size, total, now=True)
        for data in iter(lambda: piece_of(response, hops), b""):
            part.write(data)
            progress(part.size, total)
        if total is not None and part.size != total:
            if part.size > total:
                part.anew({})
            raise Passing("%s ended too soon" % shown(hops.first))
        progress(part.size, total, now=True)
        return shown(url)


def piece_of(response, hops):
    try:
        return response.read1(PIECE)
    except (OSError, http.client.HTTPException) as error:
        raise Passing("the connection to %s was lost (%s)" % (urllib.parse.urlsplit(hops.first).hostname, error or type(error).__name__))


def past_the_end(error, hops, way, part, progress):
    """Nothing is left to be sent: it is whole, or it is another file now."""
    total = (error.headers.get("Content-Range") or "").rpartition("/")[2]
    if total.isdigit() and int(total) == part.size and error.headers.get("ETag") in (None, part.known.get("etag")) and validator(part.known):
        return shown(hops.first)
    part.anew({})
    return once(hops, way, part, progress)


def refusal(error, hops):
    where, code = shown(hops.first), error.code
    if code in (401, 403, 407):
        return Failed("DENIED", "%s may not be read (%d)" % (where, code))
    if code in (404, 410):
        return Failed("NOT_FOUND", "there is nothing at %s (%d)" % (where, code))
    if code in (408, 425, 429) or code >= 500:
        after = error.headers.get("Retry-After") or ""
        return Passing("%s answered %d" % (where, code), float(after) if after.isdigit() else 0.0)
    return Failed("UNAVAILABLE", "%s answered %d" % (where, code))


def network(error, hops):
    reason = getattr(error, "reason", error)
    host = urllib.parse.urlsplit(hops.first).hostname
    if isinstance(reason, ssl.SSLCertVerificationError):
        return Failed("UNAVAILABLE", "the certificate of %s is not right: %s" % (host, reason.verify_message))
    if isinstance(reason, socket.gaierror):
        return Failed("NO_HOST", "there is no host %s" % host) if reason.errno == socket.EAI_NONAME else Passing("the name %s cannot be looked up" % host)
    return Passing("%s cannot be reached: %s" % (host, getattr(reason, "strerror", None) or reason))


def room_for(part, total):
    if total is None:
        return
    free = shutil.disk_usage(os.path.dirname(part.path)).free
    if total - part.size > free:
        raise OSError(errno.ENOSPC, "it has %d bytes, and %d are free" % (total, free + part.size))


# ---------------------------------------------------------------- by a program of this machine


def fetch_by_program(way, part, progress):
    argv = [str(word) for word in way["argv"]]
    program = shutil.which(argv[0])
    if program is None:
        raise Failed("TOOL_MISSING", "%s is not on this machine" % argv[0], way.get("fix"))
    shutil.rmtree(part.folder, ignore_errors=True)
    os.mkdir(part.folder, 0o700)
    out = os.path.join(part.folder, "file")
    argv = [program] + [word.replace("{out}", out).replace("{dir}", part.folder) for word in argv[1:]]
    tell(event="notice", message="fetching by %s" % os.path.basename(program))
    tail = bytearray()
    child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=part.folder)

    def listen():
        for data in iter(lambda: child.stdout.read1(4096), b""):
            tail.extend(data)
            del tail[:-TAIL]

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    while True:
        try:
            status = child.wait(TELL_EVERY)
            break
        except subprocess.TimeoutExpired:
            progress(sum(size for _, size in made(part.folder)), None)
    listener.join(2)
    child.stdout.close()
    if status != 0:
        said = " / ".join(bytes(tail).decode("utf-8", "replace").split("\n")[-6:]).strip()
        raise Failed("TOOL_FAILED", "%s ended with status %d: %s" % (argv[0], status, said[-600:]), way.get("fix"))
    files = made(part.folder)
    if not files:
        raise Failed("TOOL_FAILED", "%s left no file" % argv[0], way.get("fix"))
    path = max(files, key=lambda one: one[1])[0]
    part.anew({})
    os.replace(path, part.path)
    part.file.close()
    part.file = open(part.path, "ab", buffering=0)
    with open(part.path, "rb") as file:
        for data in iter(lambda: file.read(1 << 20), b""):
            part.digest.update(data)
            part.size += len(data)
    return None


def made(folder):
    """(path, size) of the files that a program made; links are none, and what it keeps for itself is not."""
    found = []
    for at, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for path in (os.path.join(at, name) for name in names):
            if os.path.isfile(path) and not os.path.islink(path):
                found.append((path, os.path.getsize(path)))
    return found


# ---------------------------------------------------------------- the order


def target_of(order):
    path = os.path.normpath(os.path.join(os.getcwd(), os.path.expanduser(order["to"] or ".")))
    if order["to"] == "" or order["to"].endswith("/") or os.path.isdir(path):
        name = order.get("name") or ""
        if not name or name in (".", "..") or "/" in name or "\0" in name:
            raise Failed("NO_NAME", "the address has no file's name", "name the file: NAME:FOLDER/FILE")
        path = os.path.join(path, name)
    path = os.path.realpath(path)
    if os.path.isdir(path):
        raise Failed("NOT_A_FILE", "a folder is in its place: %s" % path)
    return path


def fetch(order):
    target, progress = target_of(order), Progress()
    part, denied = Part(target, order["key"]), []
    try:
        for way in order["ways"]:
            try:
                source = (fetch_http if "url" in way else fetch_by_program)(way, part, progress)
            except Failed as problem:
                if problem.code not in ("DENIED", "NOT_FOUND", "TOOL_MISSING", "NOT_A_FILE"):
                    raise
                denied.append(problem)
                continue
            resumed = part.resumed
            part.finish()
            info = os.stat(target)
            return {"path": target, "size": part.size, "sha256": part.digest.hexdigest(), "mtime": info.st_mtime, "source": source, "resumed": resumed}
        first = denied[0]
        fix = next((one.fix for one in denied[::-1] if one.fix), order.get("fix"))
        raise Failed(first.code, "; ".join(str(one) for one in denied), fix)
    except Failed as problem:
        if part.size == 0:
            part.forget(True)
        raise problem
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", -1)):
            part.forget(True)  # nobody looks for it when the disk is full
            raise Failed("NO_SPACE", "the disk of the machine is full: %s" % (error.strerror or error))
        raise
    finally:
        part.close()


def main():
    signal.signal(signal.SIGTERM, lambda *_: os._exit(143))  # what came so far stays
    order = json.loads(os.environ.pop("CGPU_FETCH"))
    try:
        tell(event="done", **fetch(order))
        return 0
    except Failed as problem:
        tell(event="failed", code=problem.code, message=str(problem), fix=problem.fix)
    except OSError as error:
        code = {errno.EACCES: "NOT_ALLOWED", errno.EPERM: "NOT_ALLOWED", errno.EROFS: "NOT_ALLOWED"}.get(error.errno, "IO")
        name = os.fsencode(error.filename).decode("utf-8", "replace") if isinstance(error.filename, (str, bytes)) else ""
        tell(event="failed", code=code, message="%s%s" % ((error.strerror or str(error)).lower(), ": " + name if name else ""), fix=None)
    return 1


if __name__ == "__main__":
    sys.exit(main())
