"""Files where they are: what folders hold, what patterns stand for, what is moved and removed, what is read while it grows."""

import os
import sys
import threading
import unittest

from support import agent, load_part, wait_until
from test_files import FileCase

files, listing, reading = load_part("files"), load_part("listing"), load_part("reading")


class Asked:
    """A client with room for everything, or as much as it says."""

    def __init__(self, workdir):
        self.workdir, self.streams, self.sent, self.gone = workdir, {}, [], False

    def send(self, data, buffers=None):
        self.sent.append((data, buffers))

    def _gone(self):
        return self.gone


class PlaceCase(FileCase):
    def setUp(self):
        super().setUp()
        self.control = Asked(self.root)

    def ask(self, work, **data):
        return work(self.control, dict({"id": 1, "credit": 1 << 30}, **data), [])

    def entries(self, work, **data):
        self.control.sent.clear()
        answer = self.ask(work, **data)
        return [one for sent in [sent for sent, _ in self.control.sent] + [answer] for one in sent["entries"]]

    def names(self, work, key="path", **data):
        return [one[key] for one in self.entries(work, **data)]


class Listing(PlaceCase):
    def test_a_folder_by_name_size_and_time(self):
        for name, size, when in (("b", 1, 30), ("a", 3, 10), (".c", 2, 20)):
            os.utime(self.make(name, b"x" * size), (when, when))
        self.assertEqual(self.names(listing.listed, "name", path="."), ["a", "b"])
        self.assertEqual(self.names(listing.listed, "name", path=".", all=True, reverse=True), ["b", "a", ".c"])
        self.assertEqual(self.names(listing.listed, "name", path=".", all=True, sort="size"), ["a", ".c", "b"])
        self.assertEqual(self.names(listing.listed, "name", path=".", all=True, sort="time"), ["b", ".c", "a"])
        self.assertEqual(self.names(listing.listed, "name", path="a"), ["a"])
        self.refused("BAD_REQUEST", lambda: self.ask(listing.listed, path=".", sort="x"))
        with self.assertRaises(FileNotFoundError):
            self.ask(listing.listed, path="nothing")

    def test_names_that_begin_so_for_who_types_a_path(self):
        for name in ("ab", "ac", "b", ".h"):
            self.make(name)
        os.mkdir(self.path("ad"))
        os.symlink("ad", self.path("ae"))
        os.symlink("af", self.path("af"))
        ask = lambda **data: sorted(self.ask(listing.names, **data)["names"])
        self.assertEqual(ask(path=".", beginning="a"), ["ab", "ac", "ad/", "ae/", "af"])
        self.assertEqual(ask(path="."), ["ab", "ac", "ad/", "ae/", "af", "b"])
        self.assertEqual(ask(path=".", beginning="."), [".h"])
        self.assertEqual(ask(path="ad"), [])
        with self.assertRaises(FileNotFoundError):
            self.ask(listing.names, path="nothing")

    def test_links_say_where_they_lead_and_broken_ones_are_there(self):
        os.symlink("nowhere", self.path("link"))
        only, = self.entries(listing.listed, path=".")
        self.assertEqual((only["type"], only["target"]), ("link", "nowhere"))
        self.assertEqual(self.names(listing.listed, "name", path="link"), ["link"])

    @unittest.skipUnless(sys.platform == "linux", "names are bytes there")
    def test_names_that_are_no_text_are_told_as_bytes_and_taken_so(self):
        with open(os.path.join(os.fsencode(self.root), b"caf\xe9"), "w"):
            pass
        only, = self.entries(listing.listed, path=".")
        self.assertEqual((only["name"], only["raw"]), ("caf\ufffd", "Y2Fm6Q=="))
        self.assertEqual(self.entries(listing.expand, path="c*")[0]["raw"], "Y2Fm6Q==")
        self.ask(files.remove, path="", raw=only["raw"])
        self.assertEqual(os.listdir(self.root), [])
        for raw in ("!", "", "AA=="):
            self.refused("BAD_REQUEST", lambda: self.ask(files.remove, path="x", raw=raw))

    def test_no_more_than_there_is_room_for_and_on_from_where_the_client_is(self):
        for number in range(30):
            self.make("%02d" % number)
        done = []
        worker = threading.Thread(target=lambda: done.append(self.ask(listing.listed, path=".", credit=10, skip=5)))
        worker.start()
        wait_until(lambda: self.control.sent and self.control.streams[1].room <= 0, what="the first ten")
        self.assertEqual([sent["at"] for sent, _ in self.control.sent], [5])
        self.assertEqual(self.control.sent[0][0]["entries"][0]["name"], "05")
        self.control.streams[1].grant(100)
        worker.join(10)
        self.assertEqual(len(done[0]["entries"]), 15)
        self.assertEqual((done[0]["at"], done[0].get("stopped")), (15, None))
        self.assertEqual(self.control.streams, {})


class Finding(PlaceCase):
    def setUp(self):
        super().setUp()
        for name, size, when in (("a.csv", 10, 100), ("d/b.csv", 2000, 200), ("d/e/c.csv", 5, 300), ("d/.h.txt", 1, 50)):
            os.utime(self.make(name, b"x" * size), (when, when))
        os.symlink("..", self.path("d", "up"))

    def test_by_name_kind_size_time_and_depth_parents_first(self):
        self.assertEqual(self.names(listing.find, path="."), ["a.csv", "d", "d/.h.txt", "d/b.csv", "d/e", "d/e/c.csv", "d/up"])
        self.assertEqual(self.names(listing.find, path=".", names=["*.csv"]), ["a.csv", "d/b.csv", "d/e/c.csv"])
        self.assertEqual(self.names(listing.find, path=".", type="directory"), ["d", "d/e"])
        self.assertEqual(self.names(listing.find, path=".", type="link"), ["d/up"])
        self.assertEqual(self.names(listing.find, path=".", type="file", minSize=6, maxSize=100), ["a.csv"])
        self.assertEqual(self.names(listing.find, path=".", type="file", newer=150), ["d/b.csv", "d/e/c.csv"])
        self.assertEqual(self.names(listing.find, path=".", maxDepth=1), ["a.csv", "d"])
        self.refused("NOT_DIRECTORY", lambda: self.ask(listing.find, path="a.csv"))
        self.refused("BAD_REQUEST", lambda: self.ask(listing.find, path=".", type="fifo"))

    def test_what_a_folder_takes_with_every_file_once(self):
        os.link(self.path("a.csv"), self.path("d", "again.csv"))
        sizes = {one["path"]: one for one in self.entries(listing.usage, path=".", depth=1)}
        self.assertEqual(list(sizes), ["d", ""])
        self.assertEqual((sizes[""]["files"], sizes["d"]["files"]), (5, 4))
        folders = sum(os.stat(self.path(*one)).st_size for one in ((), ("d",), ("d", "e")))
        self.assertEqual(sizes[""]["size"], 10 + 2000 + 5 + 1 + 2 + folders)
        self.assertEqual(self.names(listing.usage, path="."), [""])
        self.assertEqual(self.entries(listing.usage, path="a.csv")[0]["size"], 10)

    @unittest.skipIf(not hasattr(os, "getuid") or os.getuid() == 0, "root may read everything")
    def test_what_may_not_be_read_is_told(self):
        os.chmod(self.path("d", "e"), 0)
        answer = self.ask(listing.find, path=".")
        os.chmod(self.path("d", "e"), 0o700)
        self.assertEqual(answer["deniedCount"], 1)

    def test_patterns_stand_for_what_a_shell_would_take(self):
        self.make("odd[1]", b"")
        for pattern, expected in (
            ("*", ["a.csv", "d", "odd[1]"]), ("d/*", ["d/b.csv", "d/e", "d/up"]), ("d/.*", ["d/.h.txt"]), ("odd[1]", ["odd[1]"]),
            ("**/*.csv", ["a.csv", "d/b.csv", "d/e/c.csv"]), ("a.csv", ["a.csv"]), ("nothing*", []), ("nothing", []), ("d/up/a*", ["d/up/a.csv"]),
            ("d/../a*", ["d/../a.csv"]), (self.root + "/a*", [self.root + "/a.csv"]), ("*/", ["a.csv", "d", "odd[1]"]),
        ):
            with self.subTest(pattern=pattern):
                self.assertEqual(self.names(listing.expand, path=pattern), expected)

    def test_all_about_one(self):
        about = self.ask(listing.describe, path="d/b.csv", hash=True)
        self.assertEqual((about["type"], about["size"], about["mtime"], about["links"], len(about["sha256"])), ("file", 2000, 200, 1, 64))
        self.assertEqual(self.ask(listing.describe, path="d/up")["target"], "..")
        self.assertEqual(self.ask(listing.describe, path="d/up", follow=True)["type"], "directory")


class Moving(PlaceCase):
    def test_as_mv_but_nothing_is_replaced_unasked(self):
        self.make("a", b"a")
        self.make("b", b"b")
        self.make("d/x")
        self.refused("EXISTS", lambda: self.ask(files.move, path="a", to="b"))
        self.refused("EXISTS", lambda: self.ask(files.move, path="a", to="a", force=True))
        self.ask(files.move, path="a", to="b", force=True)
        with open(self.path("b")) as file:
            self.assertEqual(file.read(), "a")
        self.assertEqual(self.ask(files.move, path="b", to="d"), {"path": self.path("d", "b")})
        self.assertEqual(self.ask(files.move, path="d/b", to="new"), {"path": self.path("new")})
        self.assertEqual(os.stat(self.path("new")).st_nlink, 1)
        self.refused("NOT_DIRECTORY", lambda: self.ask(files.move, path="new", to="other", into=True))
        self.refused("NOT_DIRECTORY", lambda: self.ask(files.move, path="new", to="other/"))
        self.refused("BAD_REQUEST", lambda: self.ask(files.move, path="d", to="d/d2"))
        self.refused("DENIED", lambda: self.ask(files.move, path=".", to="/tmp/x"))
        self.make("other/d/keep")
        self.refused("EXISTS", lambda: self.ask(files.move, path="d", to="other", force=True))
        self.ask(files.move, path="d", to="d3")
        self.assertEqual(sorted(os.listdir(self.root)), ["d3", "new", "other"])

    def test_to_another_disk_it_is_carried_whole(self):
        self.make("d/x", b"1")
        os.symlink("x", self.path("d", "link"))
        os.makedirs(self.path("far"))
        files._carry(self.path("d"), self.path("far", "d"), True)
        self.assertEqual(sorted(os.listdir(self.path("far", "d"))), ["link", "x"])
        self.assertEqual(os.listdir(self.root), ["far"])
        self.make("f", b"1")
        os.makedirs(self.path("far", "f", "full"))
        with self.assertRaises(OSError):
            files._carry(self.path("f"), self.path("far", "f"), False)
        self.assertEqual(sorted(os.listdir(self.path("far"))), ["d", "f"], "nothing half is left")
        self.assertTrue(os.path.exists(self.path("f")))

    def test_folders_are_made_one_or_all(self):
        self.ask(files.make, path="a")
        with self.assertRaises(FileExistsError):
            self.ask(files.make, path="a")
        with self.assertRaises(FileNotFoundError):
            self.ask(files.make, path="b/c")
        self.ask(files.make, path="b/c", parents=True)
        self.ask(files.make, path="b/c", parents=True)

    def test_a_file_is_replaced_only_as_it_was_known(self):
        self.make("f", b"old")
        os.symlink("f", self.path("link"))
        known = agent.describe(self.path("f"), True)["sha256"]
        self.make("new", b"new")
        self.ask(files.replace, path="link", **{"from": "new", "sha256": known})
        self.assertTrue(os.path.islink(self.path("link")))
        with open(self.path("f")) as file:
            self.assertEqual(file.read(), "new")
        for sha256 in (known, None):
            self.make("new", b"newer")
            self.refused("CHANGED", lambda: self.ask(files.replace, path="f", **{"from": "new", "sha256": sha256}))
            self.assertFalse(os.path.exists(self.path("new")))
        self.make("new", b"newer")
        self.ask(files.replace, path="fresh", **{"from": "new"})
        self.assertTrue(os.path.exists(self.path("fresh")))


class Growing(PlaceCase):
    def text(self):
        return b"".join(buffers[0] for _, buffers in list(self.control.sent) if buffers).decode()

    def test_lines_and_bytes_from_the_end(self):
        big = b"".join(b"%d %s\n" % (number, b"x" * 99) for number in range(5000))
        for data, lines, start in ((b"a\nb\nc\n", 2, 2), (b"a\nb\nc", 2, 2), (b"", 3, 0), (b"\n\n", 1, 1), (b"a", 5, 0), (b"a\n", 0, 2), (big, 4000, None)):
            with self.subTest(data=data[:10], lines=lines), open(self.make("f", data), "rb", buffering=0) as file:
                expected = start if start is not None else len(b"".join(data.splitlines(True)[:-lines]))
                self.assertEqual(reading.last_lines(file, len(data), lines), expected)
        self.make("f", b"0123456789")
        self.ask(reading.read, path="f", tailBytes=3)
        self.ask(reading.read, path="f", offset=2, length=2)
        self.assertEqual(self.text(), "78923")

    def test_on_after_a_lost_link_unless_it_is_another_file(self):
        self.make("f", b"0123456789")
        self.ask(reading.read, path="f", length=4)
        identity = self.control.sent[0][0]["identity"]
        self.ask(reading.read, path="f", offset=4, expect=identity)
        self.assertEqual(self.text(), "0123456789")
        os.rename(self.path("f"), self.path("g"))
        self.make("f", b"other")
        self.refused("CHANGED", lambda: self.ask(reading.read, path="f", offset=4, expect=identity))

    def test_what_comes_is_read_and_a_file_in_its_place_too(self):
        self.make("f", b"one\n")
        reading.NAME_LOOK = 0.05
        worker = threading.Thread(target=lambda: self.ask(reading.read, path="f", follow=True, tailLines=1))
        worker.start()
        wait_until(lambda: self.text() == "one\n", what="what is there")
        with open(self.path("f"), "a") as file:
            file.write("two\n")
        wait_until(lambda: self.text() == "one\ntwo\n", what="what came")
        os.rename(self.path("f"), self.path("f.1"))
        self.make("f", b"three\n")
        wait_until(lambda: self.text() == "one\ntwo\nthree\n", what="the new file")
        with open(self.path("f"), "w"):
            pass
        wait_until(lambda: any(sent.get("restarted") == "truncated" for sent, _ in self.control.sent), what="its emptying")
        self.make("f", b"four\n")
        wait_until(lambda: self.text().endswith("four\n"), what="what came then")
        self.control.streams[1].stop()
        worker.join(10)
        self.assertEqual([sent["restarted"] for sent, _ in self.control.sent if "restarted" in sent], ["replaced", "truncated"])

    def test_what_blocks_is_refused(self):
        os.mkfifo(self.path("p"))
        self.refused("NOT_REGULAR", lambda: self.ask(reading.read, path="p"))
        self.refused("IS_DIRECTORY", lambda: self.ask(reading.read, path="."))


if __name__ == "__main__":
    unittest.main()
