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


class Locating(LogCase):
    def setUp(self):
        super().setUp()
        self.index = os.path.join(self.folder, "index")
        self.every = agent.POINT_EVERY
        self.clock = agent.time.time

    def tearDown(self):
        agent.POINT_EVERY = self.every
        super().tearDown()

    def fill(self, chance, count, every=400):
        """A log of records of any size whose clock is set back at times, with a point of the index every few of them."""
        agent.POINT_EVERY = every
        log, when = agent.Log(self.path, index=self.index), [1000.0]
        agent.time.time = lambda: when[0]
        try:
            for _ in range(count):
                when[0] += chance.choice([0, 0.5, 1, 30, -20])
                text = bytes(chance.choice(b"ab\n") for _ in range(chance.choice([0, 1, 3, 20, 90])))
                log.append(chance.choice([agent.STDOUT, agent.STDERR]), text)
                if chance.random() < 0.05:
                    log.notice("restart", attempt=2)
        finally:
            agent.time.time = self.clock
        log.close()

    def all_records(self):
        """[(offset, stream, payload, time)]"""
        with open(self.path, "rb") as file:
            data = file.read()
        found, at = [], 0
        while at < len(data):
            stream, size, when = agent.HEADER.unpack_from(data, at)
            found.append((at, stream, data[at + 13 : at + 13 + size], when))
            at += 13 + size
        return found, len(data)

    def check(self, chance):
        known, size = self.all_records()
        boundaries = [at for at, *_ in known] + [size]
        for lines in (0, 1, 2, 7, chance.randrange(200), 10**9):
            for stream in (None, agent.STDOUT, agent.STDERR):
                offset, end = agent.locate(self.folder, lines=lines, stream=stream)
                self.assertEqual(end, size)
                self.assertIn(offset, boundaries)
                wanted = (stream,) if stream else (agent.STDOUT, agent.STDERR)
                after = sum(payload.count(b"\n") for at, kind, payload, _ in known if at >= offset and kind in wanted)
                self.assertTrue(after >= lines + len(wanted) or offset == 0 or lines == 0, (lines, stream))
                if lines == 0:
                    self.assertEqual(offset, size)
        times = [chance.choice(known)[3] for _ in range(4)] if known else []
        for since in [0, 1e12] + times + [when + 0.1 for when in times]:
            offset, _ = agent.locate(self.folder, since=since)
            self.assertEqual(offset, next((at for at, _, _, when in known if when >= since), size))
        self.assertEqual(agent.locate(self.folder, lines=10**9, since=1e12), (size, size))
        self.assertEqual(agent.locate(self.folder), (0, size))

    def test_the_last_lines_and_a_time_are_found_whatever_the_log_is_like(self):
        for seed in range(12):
            chance = random.Random(seed)
            self.fill(chance, chance.choice([1, 5, 300]))
            self.check(chance)
            os.unlink(self.path)
            if os.path.exists(self.index):
                os.unlink(self.index)

    def test_an_index_that_is_missing_torn_short_or_damaged_changes_no_answer(self):
        chance = random.Random(3)
        self.fill(chance, 400)
        with open(self.index, "rb") as file:
            whole = file.read()
        self.assertGreater(len(whole), 20 * agent.POINT.size)
        middle = len(whole) // 2
        flipped = bytearray(whole)
        flipped[middle] ^= 1
        beyond = agent.POINT.pack(1 << 40, 0, 0, 0, 0)[:-4]
        beyond += agent.binascii.crc32(beyond).to_bytes(4, "little")
        for content in (None, b"", whole[:-5], whole[: middle + 7], whole[:middle] + whole[middle + 9 :], bytes(flipped),
                        b"\0" * 720, beyond + whole, whole + beyond, whole + whole):
            if content is None:
                os.unlink(self.index)
            else:
                with open(self.index, "wb") as file:
                    file.write(content)
            self.check(chance)

    def test_a_torn_record_at_the_end_is_not_counted(self):
        self.fill(random.Random(5), 50)
        size = os.stat(self.path).st_size
        with open(self.path, "ab") as file:
            file.write(agent.HEADER.pack(1, 500, 0.0) + b"\n" * 20)
        self.assertEqual(agent.locate(self.folder, lines=0), (size, size))

    def test_only_so_much_of_the_end_is_looked_at(self):
        look, agent.LOOK_BACK = agent.LOOK_BACK, 4000
        try:
            agent.POINT_EVERY = 400
            log = agent.Log(self.path, index=self.index)
            for _ in range(300):
                log.append(agent.STDOUT, b"no line ends here" * 5)
            log.close()
            for _ in range(2):
                offset, size = agent.locate(self.folder, lines=1)
                self.assertTrue(4000 <= size - offset < 5000, size - offset)
                os.unlink(self.index) if os.path.exists(self.index) else None
        finally:
            agent.LOOK_BACK = look

    def test_a_log_of_few_huge_records_and_one_without_any(self):
        log = agent.Log(self.path, index=self.index)
        self.assertEqual(agent.locate(self.folder, lines=1, since=3), (0, 0))
        log.append(agent.STDOUT, b"first\n")
        log.append(agent.DISPLAY, b"\n" * (5 << 20))
        log.append(agent.STDERR, b"x" * agent.PIECE * 9 + b"\nlast\n")
        log.close()
        self.assertEqual(agent.locate(self.folder, lines=10)[0], 0)
        offset, size = agent.locate(self.folder, lines=1, stream=agent.STDERR)
        self.assertLess(size - offset, 100)
        os.unlink(self.path)
        self.assertEqual(agent.locate(self.folder, lines=1), (0, 0))

    def test_the_index_says_what_was_kept_before_its_points(self):
        agent.POINT_EVERY = 400
        log = agent.Log(self.path, limit=5000, index=self.index)
        for _ in range(100):
            log.append(agent.STDOUT, b"o" * 60)
            log.append(agent.STDERR, b"e" * 30)
        log.close()
        known, size = self.all_records()
        with open(self.index, "rb") as file:
            data = file.read()
        for at in range(0, len(data), agent.POINT.size):
            offset, latest, out, err, _ = agent.POINT.unpack_from(data, at)
            before = [record for record in known if record[0] < offset]
            self.assertEqual(out, sum(len(payload) for _, stream, payload, _ in before if stream == agent.STDOUT))
            self.assertEqual(err, sum(len(payload) for _, stream, payload, _ in before if stream == agent.STDERR))
            self.assertEqual(latest, max(when for *_, when in before))
        self.assertEqual(len(agent.load_index(self.index, size)), len(data) // agent.POINT.size + 1)


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
