"""Terminals: hosts that outlive those who started them, output by offset, input once, and how they end."""

import os
import signal
import tempfile
import threading
import time
import types
import unittest

from support import agent, load_part, removed, wait_until

terminal = load_part("terminal")
CLIENT, OTHER = "0123456789abcdef", "fedcba9876543210"


class Reader:
    """What `attach` pushes to one client."""

    def __init__(self, home, session, client=CLIENT, offset=None, rows=24, cols=80, credit=1 << 30):
        self.pushes, self.text, self.answer, self.error = [], b"", None, None
        self.control = types.SimpleNamespace(home=home, workdir=home, streams={}, send=self.push, seen=time.monotonic(), _gone=lambda: False)
        asked = {"id": 1, "terminal": session, "client": client, "offset": offset, "rows": rows, "cols": cols, "credit": credit}
        self.thread = threading.Thread(target=self.run, args=(asked,), daemon=True)
        self.thread.start()

    def run(self, asked):
        try:
            self.answer = terminal.attach(self.control, asked, [])
        except agent.Refusal as error:
            self.error = error

    def push(self, data, buffers=None):
        self.pushes.append(data)
        for one in buffers or []:
            assert data["offset"] == self.at, (data, self.at)
            self.text += bytes(one)

    @property
    def begin(self):
        return next((push for push in self.pushes if "begin" in push), None)

    @property
    def at(self):
        start = [push for push in self.pushes if "begin" in push][-1]
        return start["begin"] + len(self.text)

    def until(self, wanted):
        wait_until(lambda: wanted in self.text or self.answer, what=repr(wanted))
        assert wanted in self.text, self.text[-2000:]

    def begun(self):
        wait_until(lambda: self.begin, what="the beginning")
        return self.begin

    def ended(self):
        wait_until(lambda: self.answer or self.error, what="the end")
        self.thread.join()
        return self.answer

    def stop(self):
        self.control.streams[1].stop()
        return self.ended()


class TerminalCase(unittest.TestCase):
    def setUp(self):
        self.home = os.path.realpath(tempfile.mkdtemp(prefix="cgpu-agent-"))
        self.control = types.SimpleNamespace(home=self.home, workdir=self.home)
        self.typed = {}

    def tearDown(self):
        for line in self.control.__dict__.get("terminal_lines", {}).values():
            line.close()
        for _, status in terminal._terminals(self.home):
            if status["state"] == "running":
                terminal.kill_terminal(self.control, {"terminal": status["id"]}, [])
                wait_until(lambda: not alive(status["owner"]["pid"]), what="the end of a host")
        removed(self.home)

    def open(self, *argv, **more):
        asked = dict({"rows": 24, "cols": 80, "term": "xterm"}, **more)
        if argv:
            asked["argv"] = list(argv)
        return terminal.open_terminal(self.control, asked, [])

    def start(self, *argv, **more):
        return self.open(*argv, **more)["terminal"]["id"]

    def type(self, session, text, client=CLIENT):
        at = self.typed.get((session, client), 0)
        answer = terminal.type_input(self.control, {"terminal": session, "client": client, "offset": at}, [text])
        self.typed[session, client] = answer["size"]
        return answer["size"]

    def resize(self, session, rows, cols, client=CLIENT):
        terminal.resize(self.control, {"terminal": session, "client": client, "rows": rows, "cols": cols}, [])

    def reader(self, session, **more):
        reader = Reader(self.home, session, **more)
        reader.begun()
        return reader


def alive(pid):
    return agent._process_start(pid) is not None


class Hosts(TerminalCase):
    def test_a_terminal_echoes_knows_its_size_and_ends_with_its_status(self):
        session = self.start("sh", env={"PS1": "ready ", "COLORTERM": "truecolor"}, rows=31, cols=97)
        reader = self.reader(session, rows=31, cols=97)
        self.type(session, b"stty size; echo $TERM-$COLORTERM; tty -s && echo yes\n")
        reader.until(b"31 97\r\n")
        reader.until(b"xterm-truecolor\r\n")
        reader.until(b"yes\r\n")
        self.resize(session, 40, 120)
        self.type(session, b"stty size; exit 7\n")
        reader.until(b"40 120\r\n")
        answer = reader.ended()
        self.assertEqual((answer["exitCode"], answer["signal"], answer["killed"], answer["offset"]), (7, None, False, reader.at))

    def test_a_reader_that_comes_back_lacks_nothing_and_has_nothing_twice(self):
        session = self.start("sh", "-c", "stty -echo; for i in 1 2 3; do read line; echo got $line; done")
        first = self.reader(session)
        self.type(session, b"one\n")
        first.until(b"got one\r\n")
        self.assertEqual(first.stop()["stopped"], True)
        self.type(session, b"two\n")
        second = self.reader(session, offset=first.at)
        self.type(session, b"three\n")
        self.assertEqual(second.ended()["exitCode"], 0)
        self.assertTrue((first.text + second.text).endswith(b"got one\r\ngot two\r\ngot three\r\n"))
        self.assertEqual(second.begin["missed"], 0)

    def test_whoever_comes_after_the_end_has_the_last_of_it_and_the_status(self):
        session = self.start("sh", "-c", "echo last words; kill -TERM $$")
        wait_until(lambda: terminal._status(os.path.join(self.home, "terminals", session))["state"] == "exited", what="the end")
        reader = Reader(self.home, session)
        answer = reader.ended()
        self.assertEqual((answer["exitCode"], answer["signal"]), (143, "SIGTERM"))
        self.assertEqual(reader.text, b"last words\r\n")
        self.assertEqual(terminal.list_terminals(self.control, {}, [])["terminals"], [])

    def test_input_that_is_sent_again_is_taken_once_and_a_hole_is_refused(self):
        session = self.start("cat")
        reader = self.reader(session)
        send = lambda offset, data: terminal.type_input(self.control, {"terminal": session, "client": CLIENT, "offset": offset}, [data])
        self.assertEqual([send(0, b"abc")["size"], send(0, b"abcd")["size"], send(2, b"cde\n")["size"]], [3, 4, 6])
        reader.until(b"abcde\r\nabcde\r\n")
        with self.assertRaises(agent.Refusal) as caught:
            send(9, b"x")
        self.assertEqual(caught.exception.code, "GAP")

    def test_a_program_that_does_not_read_takes_no_more_than_a_megabyte(self):
        session = self.start("sh", "-c", "stty raw -echo; echo set; sleep 60")
        self.reader(session).until(b"set")
        taken = [self.type(session, b"x" * 400_000) for _ in range(4)]
        self.assertLessEqual(taken[-1], terminal.TYPED + 70_000)
        self.assertGreaterEqual(taken[-1], terminal.TYPED)

    def test_names_are_found_again_and_numbers_are_given(self):
        one, work, two = self.open("cat"), self.open("cat", name="work"), self.open("cat")
        self.assertEqual([answer["terminal"]["name"] for answer in (one, work, two)], ["1", "work", "2"])
        again = self.open(name="work")
        self.assertEqual((again["attached"], again["terminal"]["id"]), (True, work["terminal"]["id"]))
        token = self.open("cat", token="same")
        self.assertEqual(self.open("cat", token="same")["terminal"]["id"], token["terminal"]["id"])
        listed = terminal.list_terminals(self.control, {}, [])["terminals"]
        self.assertEqual([one["name"] for one in listed], ["3", "2", "work", "1"])
        self.assertEqual({one["clients"] for one in listed}, {0})
        for name in ("", "../x", "a b", "-x", "x" * 33):
            with self.assertRaises(agent.Refusal):
                self.open(name=name)
        with self.assertRaises(agent.Refusal):
            self.open(name="nobody", there=True)

    def test_an_end_that_is_asked_for_takes_what_ignores_it_too(self):
        session = self.start("sh", "-c", "trap '' HUP; echo on; while :; do sleep 1; done")
        reader = self.reader(session)
        reader.until(b"on")
        started = time.monotonic()
        terminal.kill_terminal(self.control, {"terminal": session}, [])
        self.assertLess(time.monotonic() - started, terminal.GRACE + 7)  # for so long it is waited for one that does not end
        answer = reader.ended()
        self.assertEqual((answer["signal"], answer["killed"]), ("SIGKILL", True))

    def test_a_host_that_was_killed_is_told_as_lost(self):
        session = self.start("cat")
        reader = self.reader(session)
        status = terminal._status(os.path.join(self.home, "terminals", session))
        os.kill(status["owner"]["pid"], signal.SIGKILL)
        self.assertEqual(reader.ended().get("lost"), True)
        wait_until(lambda: not alive(status["pid"]), what="the end of the program")
        with self.assertRaises(agent.Refusal) as caught:
            self.type(session, b"x")
        self.assertEqual(caught.exception.code, "NOT_RUNNING")

    def test_a_client_that_went_without_a_word_does_not_count_for_long(self):
        session = self.start("cat")
        reader = self.reader(session)
        reader.control.seen -= terminal.SILENT
        self.type(session, b"x\n")  # else it is noticed 5 s later
        self.assertEqual(reader.ended()["stopped"], True)
        shown = lambda: terminal.list_terminals(self.control, {}, [])["terminals"][0]
        wait_until(lambda: shown()["clients"] == 0, what="nobody")
        self.assertLess(shown()["idle"], 15)

    def test_two_readers_see_the_same_and_the_last_one_to_type_gives_the_size(self):
        session = self.start("sh", env={"PS1": "$ "})
        big, small = self.reader(session, rows=50, cols=150), self.reader(session, client=OTHER, rows=20, cols=60)
        self.type(session, b"stty size\n", client=OTHER)
        for reader in (big, small):
            reader.until(b"20 60\r\n")
        self.type(session, b"stty size\n")
        for reader in (big, small):
            reader.until(b"50 150\r\n")
        self.assertEqual(terminal.list_terminals(self.control, {}, [])["terminals"][0]["clients"], 2)
        terminal.detach(self.control, {"terminal": session, "client": OTHER}, [])
        self.assertEqual(small.ended().get("detached"), True)

    def test_a_flood_passes_a_reader_whole_and_is_not_stopped_by_one_that_stands_still(self):
        code = "import sys\nsys.stdin.readline()\nfor i in range(100000): sys.stdout.write('%08d\\n' % i)\n"
        session = self.start("python3", "-c", code, env={"PATH": os.environ["PATH"]})
        reader, still = self.reader(session), self.reader(session, client=OTHER, credit=1)
        self.type(session, b"\n")
        self.assertEqual(reader.ended()["exitCode"], 0)
        self.assertEqual(reader.text.split(b"\r\n")[1:-1], [b"%08d" % i for i in range(100000)])
        still.stop()

    def test_who_comes_is_shown_the_end_with_the_modes_that_are_on(self):
        code = (
            "import sys, time\nsys.stdout.write('\\x1b[?1049h\\x1b[?2004;1006h\\x1b[?2004l')\n"
            "for i in range(60000): sys.stdout.write('line %06d\\n' % i)\nprint('done', flush=True)\ntime.sleep(60)"
        )
        session = self.start("python3", "-c", code, env={"PATH": os.environ["PATH"]})
        first = self.reader(session)
        first.until(b"done\r\n")
        later = self.reader(session, client=OTHER)
        later.until(b"done\r\n")
        self.assertTrue(later.text.startswith(b"line "))
        self.assertLess(len(later.text), terminal.SHOWN + terminal.PIECE)
        self.assertEqual(later.begin["modes"], [1049, 1006])

    def test_a_lost_place_is_told(self):
        ring = terminal.Ring(keep=1000)
        for i in range(1000):
            ring.add(b"\x1b[?25l%05d\n" % i if i == 3 else b"%05d\n" % i)
        self.assertGreater(ring.start, 4000)
        self.assertEqual(ring.modes, [])
        self.assertEqual(terminal.modes_of(b"\x1b[?25h\x1b[?7;1000h\x1b[?25l"), [7, 1000])
        self.assertEqual(ring.read(ring.start, 7)[5:6], b"\n")

    def test_nothing_is_left_on_the_disk_but_what_others_may_not_read(self):
        session = self.start("cat")
        self.type(session, b"geheim\n")
        folder = os.path.join(self.home, "terminals", session)
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            self.assertEqual(os.stat(path).st_mode & 0o077, 0, name)
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    self.assertNotIn(b"geheim", file.read())

    def test_a_command_that_is_not_there_ends_with_127(self):
        reader = Reader(self.home, self.start("no-such-program"))
        self.assertEqual(reader.ended()["exitCode"], 127)
        self.assertIn(b"no-such-program: command not found", reader.text)

    def test_a_long_home_is_no_matter(self):
        deep = os.path.join(self.home, "x" * 100)
        control = types.SimpleNamespace(home=deep, workdir=self.home)
        session = terminal.open_terminal(control, {"rows": 24, "cols": 80, "argv": ["cat"]}, [])["terminal"]["id"]
        self.assertEqual(terminal.list_terminals(control, {}, [])["terminals"][0]["name"], "1")
        terminal.kill_terminal(control, {"terminal": session}, [])

    def test_only_one_that_is_attached_or_works_counts_as_use(self):
        session = self.start("sh", env={"PS1": "$ "})
        agent.write_private(os.path.join(self.home, "lease.json"), b'{"seconds": 20}')
        path = os.path.join(self.home, "lease.used")
        looked = lambda: os.stat(path).st_mtime_ns if os.path.exists(path) else 0
        reader = self.reader(session)
        wait_until(looked, what="a use by a reader")
        reader.stop()
        terminal.detach(self.control, {"terminal": session, "client": CLIENT}, [])
        last, since = looked(), time.monotonic()
        while time.monotonic() - since < terminal.TICK + 0.5:
            self.assertEqual(looked(), last)
            time.sleep(0.1)
        self.type(session, b"while :; do :; done\n")
        wait_until(lambda: looked() != last, what="a use by work")


if __name__ == "__main__":
    unittest.main()
