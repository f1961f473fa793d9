"""Copies: frames, listings, batches and large files, whatever the other end says."""

import hashlib
import os
import queue
import shutil
import threading
import types
import unittest

from support import agent, load_part
from test_files import FileCase

part = load_part("copy")


class CopyCase(FileCase):
    def setUp(self):
        super().setUp()
        self.sent = []
        self.control = types.SimpleNamespace(workdir=self.root, streams={}, _gone=lambda: False, send=lambda data, buffers: self.sent.append((data, buffers)))

    def ask(self, op, header, data=(), **fields):
        """(answer, header of its frame, its data)"""
        method = {**part.QUICK, **part.LONG}[op]
        answer = method(self.control, dict(fields, id=1), [part.frame(header, data)])
        answer, buffers = answer if isinstance(answer, tuple) else (answer, None)
        return (answer, *part.parsed(buffers)) if buffers and op != "piece" else (answer, None, buffers)

    def read(self, *names):
        with open(self.path(*names), "rb") as file:
            return file.read()


class Listings(CopyCase):
    def test_a_walk_tells_of_everything_parents_first(self):
        self.make("d/e/f", b"abc")
        os.symlink("f", self.path("d/e/l"))
        os.mkfifo(self.path("d/pipe"))
        self.make("d/.x.cgpu-0123456789ab.part")
        _, header, _ = self.ask("walk", {"root": "d"})
        self.assertEqual([(row[0], row[1], row[2], row[5]) for row in header["entries"]], [
            ("e", "d", 0, 0), ("pipe", "o", 0, 0), ("e/f", "f", 3, 0), ("e/l", "l", 0, "f"),
        ])

    def test_links_that_lead_in_circles_end(self):
        self.make("d/f")
        os.symlink("..", self.path("d/up"))
        _, header, _ = self.ask("walk", {"root": "d", "follow": True})
        self.assertTrue(any(row[1] == "e" for row in header["entries"]))

    def test_patterns_are_as_a_shells_and_a_name_that_is_there_is_none(self):
        for name in ("a/x.csv", "a/.h.csv", "b/y.csv", "b/c/z.csv", "w[1].csv", "w1.csv"):
            self.make(name)
        names = lambda source: [os.path.relpath(row[0], self.root) for row in self.ask("roots", {"source": source})[1]["roots"]]
        self.assertEqual(names("*/*.csv"), ["a/x.csv", "b/y.csv"])
        self.assertEqual(names("**/*.csv"), ["a/x.csv", "b/c/z.csv", "b/y.csv", "w1.csv", "w[1].csv"])
        self.assertEqual(names("w[1].csv"), ["w[1].csv"])
        self.assertEqual(names("a/.*"), ["a/.h.csv"])
        self.assertEqual(names("nothing*"), [])


class Batches(CopyCase):
    def row(self, path, data, sha256=None):
        return [path, len(data), 1_000_000_000_000_000, 0o640, sha256 or hashlib.sha256(data).hexdigest()]

    def test_each_file_is_whole_or_not_there(self):
        rows = [self.row("a", b"one"), self.row("d/e/b", b"two"), self.row("bad", b"bad", "0" * 64)]
        answer, _, _ = self.ask("unpack", {"root": "t", "files": rows}, [b"one", b"two", b"bad"])
        self.assertEqual([failure[:2] for failure in answer["failed"]], [[2, "HASH_MISMATCH"]])
        self.assertEqual((self.read("t/a"), self.read("t/d/e/b"), os.stat(self.path("t/a")).st_mtime), (b"one", b"two", 1e9))
        self.assertEqual(sorted(os.listdir(self.path("t"))), ["a", "d"])
        _, header, data = self.ask("pack", {"root": "t", "paths": ["a", "missing", "d/e/b"]})
        self.assertEqual((bytes(data), header["files"][1][0]), (b"onetwo", "NOT_FOUND"))

    def test_what_is_asked_again_is_not_done_again(self):
        answers = queue.Queue()
        control = agent.Control(types.SimpleNamespace(comm_id="c"), None, {"workdir": self.root, "home": self.path("home")})
        control.send = lambda answer, _buffers=None: answers.put(answer)
        self.addCleanup(control.on_close, None)
        agent._parts["copy"] = part
        self.addCleanup(agent._parts.pop, "copy")
        requests = {
            "unpack": ({"root": "t", "files": [self.row("f", b"one")]}, [b"one"]),
            "folders": ({"root": "t", "paths": ["d"]}, []),
            "settle": ({"root": "t", "links": [["l", "f"]], "folders": []}, []),
        }
        for number, (op, (header, data)) in enumerate(requests.items(), 1):
            message = {"content": {"data": {"id": number, "op": op, "part": "copy"}}, "buffers": [part.frame(header, data)]}
            control.on_msg(message)
            first = answers.get(timeout=10)
            self.assertEqual((first["ok"], first["failed"]), (True, []))
            self.assertEqual(len(os.listdir(self.path("t"))), 1, op)
            shutil.rmtree(self.path("t"))
            control.on_msg(message)
            self.assertEqual(answers.get(timeout=10), first)
            self.assertFalse(os.path.exists(self.path("t")), op)

    def test_names_that_leave_and_links_that_lead_out_are_refused(self):
        os.mkdir(self.path("t"))
        os.mkdir(self.path("outside"))
        os.symlink("../outside", self.path("t/link"))
        rows = [self.row(path, b"x") for path in ("../x", "/x", "a/../../x", "a//b", "", "link/x")]
        answer, _, _ = self.ask("unpack", {"root": "t", "files": rows}, [b"x"] * len(rows))
        self.assertEqual(len(answer["failed"]), len(rows))
        self.assertEqual((os.listdir(self.path("outside")), os.listdir(self.path("t"))), ([], ["link"]))

    def test_what_is_no_frame_is_refused(self):
        for given in (b"", b"\x05\0\0\0abc", b"\x02\0\0\0[]", b"\xff\xff\xff\xff"):
            self.refused("BAD_REQUEST", part.unpack, self.control, {"id": 1}, [given])
        self.refused("BAD_REQUEST", self.ask, "unpack", {"root": "t", "files": [["a", "3", 0, 0, ""]]})


class Large(CopyCase):
    def begin(self, size, key="0123456789ab"):
        answer, _, _ = self.ask("begin", {"root": ".", "path": "f", "size": size, "mode": 0o600, "mtime": 0, "key": key})
        return answer["writer"], answer["received"]

    def write(self, writer, offset, runs, data):
        return part.write(self.control, {"writer": writer, "offset": offset, "runs": runs}, [data])

    def test_another_one_goes_on_where_it_was_left_and_takes_it_over(self):
        first, received = self.begin(10)
        self.assertEqual(received, 0)
        self.write(first, 0, [[0, 4]], b"abcd")
        second, received = self.begin(10)
        self.assertEqual(received, 4)
        self.refused("CHANGED", self.write, first, 4, [[0, 1]], b"x")
        self.refused("GAP", self.write, second, 5, [[0, 1]], b"x")
        self.write(second, 4, [[4, 2]], b"ij")
        part.finish(self.control, {"writer": second, "sha256": hashlib.sha256(b"abcd\0\0\0\0ij").hexdigest()}, [])
        self.assertEqual((self.read("f"), os.listdir(self.root)), (b"abcd\0\0\0\0ij", ["f"]))

    def test_what_does_not_match_is_no_file_and_leftovers_of_other_contents_go(self):
        writer, _ = self.begin(3)
        self.write(writer, 0, [[0, 3]], b"abc")
        self.refused("HASH_MISMATCH", part.finish, self.control, {"writer": writer, "sha256": "0" * 64}, [])
        self.assertEqual(os.listdir(self.root), [])
        left, _ = self.begin(3)
        self.write(left, 0, [[0, 1]], b"a")
        part._writers.pop(left)  # as after a restart of the kernel
        self.begin(3, key="ba9876543210")
        self.assertEqual(len(os.listdir(self.root)), 1)

    def test_pieces_in_any_order_have_one_hash(self):
        data = os.urandom(1 << 16)
        self.make("f", data)
        reader = self.ask("open", {"root": ".", "path": "f"})[0]["reader"]
        results = queue.Queue()
        asked = [threading.Thread(target=lambda at=at: results.put(part.piece(self.control, {"reader": reader, "offset": at, "size": 1 << 12}, [])))
                 for at in (1 << 12, 0, 3 << 12, 2 << 12, 0)]
        for thread in asked:
            thread.start()
        for thread in asked:
            thread.join()
        for answer, (piece,) in (results.get() for _ in asked):
            self.assertEqual(piece, data[answer["offset"] : answer["offset"] + (1 << 12)])
        self.assertEqual(part.close_file(self.control, {"reader": reader}, [])["sha256"], hashlib.sha256(data).hexdigest())

    def test_what_is_read_by_another_way_is_hashed_meanwhile_also_between_pieces(self):
        data = os.urandom(10 << 20)
        self.make("f", data)
        reader = self.ask("open", {"root": ".", "path": "f"})[0]["reader"]
        asked = threading.Thread(target=part.ahead, args=(self.control, {"reader": reader}, []))
        asked.start()
        self.assertEqual(part.piece(self.control, {"reader": reader, "offset": 4 << 20, "size": 9}, [])[1], [data[4 << 20 : (4 << 20) + 9]])
        asked.join()
        self.assertEqual(part.close_file(self.control, {"reader": reader}, []), {"sha256": hashlib.sha256(data).hexdigest()})

    def test_hashing_ahead_ends_with_the_file_its_reader_and_the_client(self):
        for end in ("shorter", "dropped", "gone"):
            self.make("f", bytes(9 << 20))
            reader = self.ask("open", {"root": ".", "path": "f"})[0]["reader"]
            if end == "shorter":
                self.make("f", b"x")
            elif end == "dropped":
                part._readers[reader].closed = True
            else:
                self.control._gone = lambda: True
            self.assertEqual(part.ahead(self.control, {"reader": reader}, []), {})
            self.control._gone = lambda: False
            if end != "dropped":
                part.close_file(self.control, {"reader": reader, "drop": True}, [])

    def test_a_file_that_changes_is_said_to(self):
        self.make("f", b"one")
        reader = self.ask("open", {"root": ".", "path": "f"})[0]["reader"]
        self.make("f", b"three")
        self.refused("CHANGED", part.piece, self.control, {"reader": reader, "offset": 0, "size": 3}, [])


del FileCase
if __name__ == "__main__":
    unittest.main()
