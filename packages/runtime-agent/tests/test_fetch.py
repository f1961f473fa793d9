"""Fetching: on after cuts, anew when the file changed, nowhere that nobody meant, and nothing half."""

import contextlib
import errno
import hashlib
import http.server
import io
import json
import os
import socket
import threading
import unittest
import unittest.mock

from support import load_part
from test_files import FileCase

fetch = load_part("fetch")
fetch.PAUSES = (0.01,) * 6
DATA = bytes(range(256)) * 4000


class Site:
    """A server that does what each test says."""

    def __init__(self):
        self.data, self.etag, self.cuts, self.asked, self.answers = DATA, '"one"', [], [], {}
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                site.asked.append((self.path, dict(self.headers)))
                site.answer(self)

            def log_message(self, *_args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, request):
        special = self.answers.get(request.path.partition("?")[0])
        if special:
            status, headers = special.pop(0) if isinstance(special, list) else special
            if status != 200:
                request.send_response(status)
                for name, value in dict({"Content-Length": "0"}, **headers).items():
                    request.send_header(name, value)
                request.end_headers()
                return
        start, wanted = 0, request.headers.get("Range")
        if wanted and request.headers.get("If-Range") == self.etag:
            start = int(wanted[6:].rstrip("-"))
        if start > len(self.data) or (wanted and start and start == len(self.data)):
            request.send_response(416)
            request.send_header("Content-Range", "bytes */%d" % len(self.data))
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", "bytes %d-%d/%d" % (start, len(self.data) - 1, len(self.data)))
        if self.etag:
            request.send_header("ETag", self.etag)
        request.send_header("Content-Length", str(len(self.data) - start))
        request.end_headers()
        body = self.data[start:]
        cut = self.cuts.pop(0) if self.cuts else None
        request.wfile.write(body if cut is None else body[:cut])
        if cut is not None:
            request.wfile.flush()
            request.close_connection = True
            request.connection.shutdown(socket.SHUT_RDWR)
            if callable(getattr(self, "after_cut", None)):
                self.after_cut()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class FetchCase(FileCase):
    def setUp(self):
        super().setUp()
        self.site = Site()
        self.addCleanup(self.site.close)

    def fetch(self, *ways, **order):
        ways = [{"url": way} if isinstance(way, str) else way for way in ways]
        heard = io.StringIO()
        with contextlib.redirect_stdout(heard):
            try:
                return fetch.fetch(dict({"to": self.path("file"), "key": "k", "ways": ways}, **order))
            finally:
                self.events = [json.loads(line) for line in heard.getvalue().splitlines()]

    def failed(self, code, *ways, **order):
        with self.assertRaises(fetch.Failed) as caught:
            self.fetch(*ways, **order)
        self.assertEqual(caught.exception.code, code, str(caught.exception))
        return caught.exception

    def content(self, name="file"):
        with open(self.path(name), "rb") as file:
            return file.read()


class Http(FetchCase):
    def test_a_whole_file_with_its_hash_and_nothing_beside_it(self):
        done = self.fetch(self.site.url + "/a/data%20one.bin?token=secret")
        self.assertEqual((done["size"], done["sha256"], done["resumed"]), (len(DATA), hashlib.sha256(DATA).hexdigest(), 0))
        self.assertEqual(done["source"], self.site.url + "/a/data%20one.bin")
        self.assertEqual((self.content(), os.listdir(self.root)), (DATA, ["file"]))
        self.assertEqual(self.events[-1], {"event": "progress", "done": len(DATA), "total": len(DATA)})

    def test_on_after_cuts_from_where_it_was(self):
        self.site.cuts = [1000, 200000]
        self.fetch(self.site.url + "/f")
        self.assertEqual(self.content(), DATA)
        self.assertEqual([headers.get("Range") for _, headers in self.site.asked], [None, "bytes=1000-", "bytes=201000-"])

    def test_anew_when_the_file_changed_meanwhile(self):
        def change():
            self.site.data, self.site.etag = b"new" * 100000, '"two"'

        self.site.cuts, self.site.after_cut = [5000], change
        done = self.fetch(self.site.url + "/f")
        self.assertEqual((self.content(), done["sha256"]), (b"new" * 100000, hashlib.sha256(b"new" * 100000).hexdigest()))

    def test_anew_without_what_tells_versions_apart(self):
        self.site.etag, self.site.cuts = None, [5000]
        self.fetch(self.site.url + "/f")
        self.assertEqual(self.content(), DATA)
        self.assertEqual(len(self.site.asked), 2)
        self.site.etag, self.site.cuts = 'W/"weak"', [5000]
        self.fetch(self.site.url + "/f")
        self.assertEqual([headers.get("Range") for _, headers in self.site.asked], [None] * 4)

    def test_a_later_fetch_goes_on_with_what_came(self):
        self.site.cuts = [300000] + [0] * 20
        self.failed("UNAVAILABLE", self.site.url + "/f")
        self.assertFalse(os.path.exists(self.path("file")))
        self.site.cuts = []
        done = self.fetch(self.site.url + "/f")
        self.assertEqual((done["resumed"], self.content(), os.listdir(self.root)), (300000, DATA, ["file"]))
        self.site.cuts = [300000] + [0] * 20
        self.failed("UNAVAILABLE", self.site.url + "/f")
        self.site.cuts = []
        self.assertEqual(self.fetch(self.site.url + "/f", key="another")["resumed"], 0)

    def test_all_of_it_is_there_already(self):
        part = fetch.Part(self.path("file"), "k")
        part.anew({"etag": '"one"'})
        part.write(DATA)
        part.close()
        self.assertEqual(self.fetch(self.site.url + "/f")["resumed"], len(DATA))
        self.assertEqual(self.content(), DATA)

    def test_the_old_file_stays_until_the_new_one_is_whole(self):
        self.make("file", b"old")
        self.site.cuts = [10] + [0] * 20
        self.failed("UNAVAILABLE", self.site.url + "/f")
        self.assertEqual(self.content(), b"old")

    def test_refusals_are_told_and_leave_nothing(self):
        for status, code in ((403, "DENIED"), (404, "NOT_FOUND"), (400, "UNAVAILABLE")):
            self.site.answers["/f"] = (status, {})
            self.failed(code, self.site.url + "/f?sig=secret")
        self.site.answers["/f"] = [(503, {"Retry-After": "0"}), (200, {})]
        self.fetch(self.site.url + "/f")
        os.unlink(self.path("file"))
        self.failed("UNAVAILABLE", "http://127.0.0.1:1/f")
        # what a name server says of a name that is none, and what the system says without one
        for number, code in ((socket.EAI_NONAME, "NO_HOST"), (socket.EAI_AGAIN, "UNAVAILABLE")):
            with unittest.mock.patch("socket.getaddrinfo", side_effect=socket.gaierror(number, "told by the test")):
                self.failed(code, "http://no-such-host.invalid/f")
        self.failed("BAD_URL", "file:///etc/passwd")
        self.assertEqual(os.listdir(self.root), [])
        self.assertNotIn("secret", json.dumps(self.events))

    def test_headers_go_to_their_own_origin_only(self):
        other = Site()
        self.addCleanup(other.close)
        self.site.answers["/f"] = (302, {"Location": other.url + "/g"})
        self.fetch({"url": self.site.url.replace("//", "//me:pass%20word@") + "/f", "headers": {"X-Token": "secret"}})
        self.assertEqual(self.site.asked[0][1]["X-Token"], "secret")
        self.assertEqual(self.site.asked[0][1]["Authorization"], "Basic bWU6cGFzcyB3b3Jk")
        self.assertEqual([name for name in ("X-Token", "Authorization") if name in other.asked[0][1]], [])

    def test_redirects_into_a_private_net_or_without_an_end_are_refused(self):
        for location in ("http://127.0.0.2:1/", "http://169.254.169.254/latest/", "http://[::1]:1/", "http://[::ffff:10.0.0.1]/", "file:///etc/passwd", "ftp://x/"):
            self.site.answers["/f"] = (302, {"Location": location})
            self.failed("REFUSED" if location.startswith("http") else "BAD_URL", self.site.url + "/f")
        self.site.answers["/f"] = (302, {"Location": "/f"})
        self.failed("REFUSED", self.site.url + "/f")
        self.site.answers["/f"] = (307, {"Location": "/g"})
        self.fetch(self.site.url + "/f")
        self.assertTrue(fetch.is_private("100.64.0.1") and fetch.is_private("fe80::1%eth0") and not fetch.is_private("8.8.8.8"))

    def test_a_name_that_means_another_address_by_then_is_seen_at_the_connection(self):
        hops = fetch.Hops(self.site.url + "/f", {})
        hops.inside = False
        with self.assertRaises(fetch.Failed) as caught:
            fetch.opener(hops._checker(self.site.url + "/g", 1)).open(self.site.url + "/g")
        self.assertEqual((caught.exception.code, self.site.asked), ("REFUSED", []))

    def test_a_disk_that_is_too_small_is_known_before(self):
        self.site.data = b"x"
        usage = fetch.shutil.disk_usage
        fetch.shutil.disk_usage = lambda _path: usage("/")._replace(free=0)
        try:
            self.failed("NO_SPACE", self.site.url + "/f")
        finally:
            fetch.shutil.disk_usage = usage
        self.assertEqual(os.listdir(self.root), [])

    def test_a_disk_that_fills_keeps_nothing_of_it(self):
        write = fetch.Part.write

        def full(part, data):
            write(part, data[:10])
            raise OSError(errno.ENOSPC, "no space left on device")

        fetch.Part.write = full
        try:
            self.failed("NO_SPACE", self.site.url + "/f")
        finally:
            fetch.Part.write = write
        self.assertEqual(os.listdir(self.root), [])

    def test_two_at_once_do_not_write_one_file(self):
        part = fetch.Part(self.path("file"), "k")
        self.failed("BUSY", self.site.url + "/f")
        part.close()

    def test_into_folders_by_a_name_that_stays_there(self):
        self.make("box/x")
        self.fetch(self.site.url + "/f", to=self.path("box"), name="name")
        self.fetch(self.site.url + "/f", to=self.path("new") + "/", name="name")
        self.assertEqual(self.content("box/name"), self.content("new/name"))
        for name in ("", "..", "a/b", None):
            self.failed("NO_NAME", self.site.url + "/f", to=self.path("box"), name=name)


class Programs(FetchCase):
    def test_the_next_way_where_the_first_is_refused(self):
        self.site.answers["/f"] = (403, {})
        done = self.fetch(self.site.url + "/f", {"argv": ["no-such-tool", "x"], "fix": "install it"}, {"argv": ["sh", "-c", "printf made > {out}"]})
        self.assertEqual((done["size"], self.content(), os.listdir(self.root)), (4, b"made", ["file"]))
        self.assertIn({"event": "notice", "message": "fetching by sh"}, self.events)

    def test_what_is_missing_and_what_failed(self):
        self.site.answers["/f"] = (403, {})
        problem = self.failed("DENIED", self.site.url + "/f", {"argv": ["no-such-tool"], "fix": "install it"})
        self.assertEqual(problem.fix, "install it")
        self.assertIn("no-such-tool is not on this machine", str(problem))
        self.assertIn("oh no", str(self.failed("TOOL_FAILED", {"argv": ["sh", "-c", "echo oh no; exit 3"]})))
        self.failed("TOOL_FAILED", {"argv": ["sh", "-c", "ln -s /etc/passwd {out}"]})
        self.assertEqual(os.listdir(self.root), [])

    def test_the_file_of_a_folder_that_a_program_fills(self):
        self.fetch({"argv": ["sh", "-c", "mkdir -p {dir}/a/.cache; echo largest > {dir}/a/b; echo cache-of-the-tool > {dir}/a/.cache/x"]})
        self.assertEqual(self.content(), b"largest\n")


if __name__ == "__main__":
    unittest.main()
