"""The log by itself: faults of the disk, readers, descriptions of what is missing."""

import errno
import os
import random
import shutil
import tempfile
import threading
import unittest

from support import agent, notices, records, text_of


class LogCase(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="cgpu-agent-")
        self.path = os.path.join(self.folder, "log")

    def tearDown(self):
        shutil.rmtree(self.folder)


class Writing(LogCase):
    def test_long_output_is_cut_into_pieces_and_displays_are_not(self):
        log = agent.Log(self.path)
        log.append(agent.STDOUT, b"x" * (agent.PIECE * 2 + 5))
        log.append(agent.DISPLAY, b"y" * (agent.PIECE * 2))
        log.close()
        sizes = [(stream, len(payload)) for stream, payload in records(self.path)]
        self.assertEqual(sizes, [(1, agent.PIECE), (1, agent.PIECE), (1, 5), (3, agent.PIECE * 2)])
        self.assertEqual(log.totals()["stdoutBytes"], agent.PIECE * 2 + 5)

    def test_a_disk_that_fills_and_empties_leaves_a_marked_hole_and_no_torn_record(self):
        log = agent.Log(self.path)
        full = {"after": None}

        def write(fd, data):
            if full["after"] is None:
                return os.write(fd, data)
            if full["after"] == 0:
                raise OSError(errno.ENOSPC, "no space")
            count = os.write(fd, data[: full["after"]])
            full["after"] -= count
            return count

        log.write = write
        log.append(agent.STDOUT, b"before")
        full["after"] = 20  # a header and seven bytes still fit
        log.append(agent.STDOUT, b"lost in the middle")
        log.append(agent.STDERR, b"lost too")
        full["after"] = None
        log.append(agent.STDOUT, b"after")
        log.close()
        self.assertEqual([payload for stream, payload in records(self.path) if stream != agent.NOTICE], [b"before", b"after"])
        self.assertEqual(notices(self.path), [{"kind": "disk-full", "bytes": 26}])
        self.assertEqual(log.totals()["droppedBytes"], 26)

    def test_after_the_limit_nothing_more_is_kept_however_small(self):
        log = agent.Log(self.path, limit=100)
        for payload in (b"a" * 40, b"b" * 60, b"c"):
            log.append(agent.STDOUT, payload)
        log.close()
        self.assertEqual(text_of(self.path, agent.STDOUT), b"a" * 40)
        self.assertEqual(notices(self.path), [{"kind": "limit", "bytes": 100}, {"kind": "gap", "bytes": 61}])

    def test_many_writers_never_mix_their_records(self):
        log = agent.Log(self.path)

        def work(number):
            for size in range(200):
                log.append(agent.STDOUT, bytes([number]) * size)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        log.close()
        found = records(self.path)
        self.assertTrue(all(len(set(payload)) <= 1 for _, payload in found))
        self.assertEqual(sum(len(payload) for _, payload in found), 4 * sum(range(200)))

    def test_appending_to_a_closed_log_is_ignored(self):
        log = agent.Log(self.path)
        log.close()
        log.append(agent.STDOUT, b"late")
        log.close()
        self.assertEqual(os.stat(self.path).st_size, 0)


class Reading(LogCase):
    def test_any_block_size_gives_the_same_bytes(self):
        log, chance = agent.Log(self.path), random.Random(7)
        for _ in range(60):
            log.append(chance.choice([1, 2, 3]), bytes(chance.randrange(256) for _ in range(chance.choice([0, 1, 12, 13, 500]))))
        log.close()
        with open(self.path, "rb") as file:
            expected = file.read()
        for most in (13, 14, 100, 4096, 1 << 20):
            reader, found = agent.Records(self.path, 0), b""
            while True:
                data = reader.next(most)
                if not data:
                    break
                found += data
            reader.close()
            self.assertEqual(found, expected, most)

    def test_an_unfinished_record_is_held_back_until_it_is_whole(self):
        whole = agent.HEADER.pack(1, 5, 0.0) + b"hello"
        for cut in range(1, len(whole)):
            with open(self.path, "wb") as file:
                file.write(whole + whole[:cut])
                file.flush()
                reader = agent.Records(self.path, 0)
                self.assertEqual(reader.next(1 << 20), whole, cut)
                self.assertEqual(reader.next(1 << 20), b"", cut)
                file.write(whole[cut:])
                file.flush()
                self.assertEqual(reader.next(1 << 20), whole, cut)
                reader.close()

    def test_an_offset_inside_a_record_is_refused(self):
        with open(self.path, "wb") as file:
            file.write(agent.HEADER.pack(1, 40, 0.0) + b"\xff" * 40)
        reader = agent.Records(self.path, 14)
        with self.assertRaises(agent.Refusal) as caught:
            reader.next(1000)
        self.assertEqual(caught.exception.code, "BAD_OFFSET")
        reader.close()


class Text(unittest.TestCase):
    def test_what_is_not_utf8_is_kept_as_a_client_reads_it(self):
        cases = {
            "plain \u00e9 \U0001f600": "plain \u00e9 \U0001f600",
            "name-\udcff\udcfe": "name-\ufffd\ufffd",
            "cut \udce2\udc82 short": "cut \ufffd short",
            "lone \ud83d half": "lone \ufffd half",
        }
        for given, expected in cases.items():
            self.assertEqual(agent._utf8(given).decode("utf-8"), expected)


if __name__ == "__main__":
    unittest.main()
