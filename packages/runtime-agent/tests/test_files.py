"""Files: uploads that arrive whole or not at all, patterns that stay inside, nothing that blocks."""

import ast
import glob
import hashlib
import os
import shutil
import socket
import stat
import tempfile
import unittest

from support import AGENT, PARTS, agent


class FileCase(unittest.TestCase):
    def setUp(self):
        self.root = os.path.realpath(tempfile.mkdtemp(prefix="cgpu-agent-"))

    def tearDown(self):
        shutil.rmtree(self.root)

    def path(self, *names):
        return os.path.join(self.root, *names)

    def make(self, name, data=b"x"):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name)

    def refused(self, code, work, *args):
        with self.assertRaises(agent.Refusal) as caught:
            work(*args)
        self.assertEqual(caught.exception.code, code)


class Uploads(FileCase):
    def test_a_file_appears_only_when_it_is_whole(self):
        upload = agent.Upload(self.path("deep", "er", "file"), 6, 0o640)
        upload.chunk(0, b"abc")
        self.assertFalse(os.path.exists(self.path("deep", "er", "file")))
        upload.chunk(3, b"def")
        answer = upload.commit(hashlib.sha256(b"abcdef").hexdigest(), 1000.5)
        self.assertEqual((answer["size"], os.stat(self.path("deep", "er", "file")).st_mtime), (6, 1000.5))
        self.assertEqual(stat.S_IMODE(os.stat(self.path("deep", "er", "file")).st_mode), 0o640)
        self.assertEqual(os.listdir(self.path("deep", "er")), ["file"])

    def test_a_chunk_that_is_sent_again_is_not_doubled(self):
        upload = agent.Upload(self.path("f"), 8, None)
        for offset, data in ((0, b"AAAA"), (0, b"AAAA"), (2, b"AABB"), (6, b"BB"), (4, b"BBBB")):
            upload.chunk(offset, data)
        upload.commit(None, None)
        with open(self.path("f"), "rb") as file:
            self.assertEqual(file.read(), b"AAAABBBB")

    def test_holes_damage_and_wrong_sizes_are_refused_and_the_old_file_stays(self):
        self.make("f", b"old")
        upload = agent.Upload(self.path("f"), 4, None)
        self.refused("GAP", upload.chunk, 1, b"x")
        self.refused("BAD_REQUEST", upload.chunk, 0, b"12345")
        self.refused("GAP", upload.commit, None, None)
        upload.chunk(0, b"1234")
        self.refused("HASH_MISMATCH", upload.commit, "0" * 64, None)
        self.assertEqual(os.listdir(self.root), ["f"])
        with open(self.path("f"), "rb") as file:
            self.assertEqual(file.read(), b"old")

    def test_a_link_is_written_through_and_a_mode_is_kept(self):
        os.chmod(self.make("real", b"old"), 0o750)
        os.symlink("real", self.path("link"))
        upload = agent.Upload(self.path("link"), 3, None)
        upload.chunk(0, b"new")
        upload.commit(None, None)
        self.assertTrue(os.path.islink(self.path("link")))
        with open(self.path("real"), "rb") as file:
            self.assertEqual(file.read(), b"new")
        self.assertEqual(stat.S_IMODE(os.stat(self.path("real")).st_mode), 0o750)

    def test_folders_and_devices_are_no_targets(self):
        os.mkdir(self.path("folder"))
        os.mkfifo(self.path("fifo"))
        self.refused("IS_DIRECTORY", agent.Upload, self.path("folder"), 1, None)
        self.refused("IS_DIRECTORY", agent.Upload, self.path("new") + "/", 1, None)
        self.refused("NOT_REGULAR", agent.Upload, self.path("fifo"), 1, None)
        self.refused("NOT_REGULAR", agent.Upload, "/dev/null", 1, None)

    def test_an_empty_file_is_a_file(self):
        answer = agent.Upload(self.path("empty"), 0, None).commit(hashlib.sha256().hexdigest(), None)
        self.assertEqual((answer["size"], os.stat(self.path("empty")).st_size), (0, 0))


class Reading(FileCase):
    def test_what_would_block_is_refused(self):
        os.mkfifo(self.path("fifo"))
        self.refused("NOT_REGULAR", agent._open_regular, self.path("fifo"))
        self.refused("NOT_REGULAR", agent._open_regular, "/dev/zero")
        self.refused("IS_DIRECTORY", agent._open_regular, self.root)

    def test_descriptions(self):
        self.make("f", b"hello")
        found = agent.describe(self.path("f"), True)
        self.assertEqual((found["type"], found["size"], found["sha256"]), ("file", 5, hashlib.sha256(b"hello").hexdigest()))
        self.assertEqual(agent.describe(self.path("f", "below")), {"exists": False})
        self.assertEqual(agent.describe(self.root)["type"], "directory")

    def test_lists_show_links_as_links(self):
        self.make("a"), self.make("b/c")
        os.symlink("/nowhere", self.path("broken"))
        found = [(entry["name"], entry["type"]) for entry in agent.list_folder(self.root)]
        self.assertEqual(found, [("a", "file"), ("b", "directory"), ("broken", "link")])


class Patterns(FileCase):
    def found(self, *patterns, **options):
        return sorted(entry["path"] for entry in agent.glob_files(self.root, patterns, options.get("since")))

    def setUp(self):
        FileCase.setUp(self)
        for name in ("a.txt", "b.log", ".hidden", "out/m.pt", "out/.h/x", "out/sub/n.pt", "deep/1/2/3/z.pt", "odd[1].txt"):
            self.make(name)

    def test_patterns_match_as_a_shells_do(self):
        self.assertEqual(self.found("*.txt"), ["a.txt", "odd[1].txt"])
        self.assertEqual(self.found("**/*.pt"), ["deep/1/2/3/z.pt", "out/m.pt", "out/sub/n.pt"])
        self.assertEqual(self.found("out/*.pt"), ["out/m.pt"])
        self.assertEqual(self.found("*/[mn].pt", "a.txt", "./a.txt"), ["a.txt", "out/m.pt"])
        self.assertEqual(self.found("odd[[]1].txt"), ["odd[1].txt"])
        self.assertEqual(self.found("*"), [
            "a.txt", "b.log", "deep/1/2/3/z.pt", "odd[1].txt", "out/.h/x", "out/m.pt", "out/sub/n.pt"])
        self.assertEqual(self.found("nothing/**"), [])
        self.assertEqual(self.found(".hidden"), [".hidden"])

    def test_a_folder_stands_for_all_in_it(self):
        self.assertEqual(self.found("out"), ["out/.h/x", "out/m.pt", "out/sub/n.pt"])
        self.assertEqual(self.found("out/**"), ["out/.h/x", "out/m.pt", "out/sub/n.pt"])
        self.assertEqual(self.found("deep/"), ["deep/1/2/3/z.pt"])

    def test_nothing_outside_is_found_whatever_the_links_say(self):
        outside = tempfile.mkdtemp(prefix="cgpu-agent-")
        try:
            with open(os.path.join(outside, "secret.pt"), "w") as file:
                file.write("x")
            os.symlink(outside, self.path("exit"))
            os.symlink(os.path.join(outside, "secret.pt"), self.path("secret.pt"))
            os.symlink("out", self.path("inside"))
            os.symlink(".", self.path("loop"))
            self.assertEqual(self.found("**/*.pt", "exit/*", "*.pt", "secret.pt", "exit"), [
                "deep/1/2/3/z.pt", "out/m.pt", "out/sub/n.pt"])
            self.assertEqual(self.found("inside/*.pt"), ["inside/m.pt"])
        finally:
            shutil.rmtree(outside)
        for pattern in ("../*", "out/../../*", "/etc/*"):
            with self.subTest(pattern=pattern), self.assertRaises(agent.Refusal):
                self.found(pattern)

    def test_since_takes_what_is_new_by_either_clock(self):
        now = os.stat(self.path("a.txt")).st_ctime
        os.utime(self.path("a.txt"), (1000, 1000))
        self.assertEqual(self.found("a.txt", since=now), ["a.txt"])
        self.assertEqual(self.found("*", since=now + 3600), [])

    def test_many_stars_do_not_explode(self):
        self.make("/".join("abcdefghij") + "/f.txt")
        self.assertEqual(len(self.found("**/**/**/**/**/**/**/**/*.txt")), 3)

    def test_sockets_and_our_own_unfinished_files_are_left_out(self):
        self.make(".f.cgpu-0123456789ab.part")
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(self.path("s.txt"))
            self.assertEqual(self.found("*.txt", ".*"), [".hidden", "a.txt", "odd[1].txt"])


class Source(unittest.TestCase):
    def test_it_is_ascii_and_python_3_8(self):
        for path in [AGENT] + glob.glob(os.path.join(PARTS, "*.py")):
            with open(path, encoding="ascii") as file:
                ast.parse(file.read(), feature_version=(3, 8))

    def test_a_part_is_taken_only_as_it_was_sent(self):
        home = tempfile.mkdtemp(prefix="cgpu-agent-")
        try:
            source = b"QUICK = {}\nLONG = {'who': lambda *_: {'version': agent.VERSION}}\n"
            name = "probe-%s" % hashlib.sha256(source).hexdigest()[:16]
            self.assertFalse(agent.load_part(home, name, b""))
            for wrong, code in ((name, "HASH_MISMATCH"), ("../../probe-0123456789abcdef", "BAD_REQUEST")):
                with self.assertRaises(agent.Refusal) as caught:
                    agent.load_part(home, wrong, source + b"#")
                self.assertEqual(caught.exception.code, code)
            self.assertTrue(agent.load_part(home, name, source))
            self.assertTrue(agent.load_part(home, name, b""))
            self.assertEqual(agent._parts[name].LONG["who"](None, {}, []), {"version": agent.VERSION})
            self.assertEqual(stat.S_IMODE(os.stat(os.path.join(home, name + ".py")).st_mode), 0o600)
        finally:
            shutil.rmtree(home)

    def test_devices_are_told(self):
        found = agent.devices()
        self.assertGreater(found["cpus"], 0)
        self.assertIsInstance(found["accelerators"], list)


if __name__ == "__main__":
    unittest.main()
