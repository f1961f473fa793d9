"""The lease: a machine that nobody uses asks to be taken back, and one that is used never does."""

import contextlib
import errno
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
import unittest
from unittest import mock

from support import AGENT, JobCase, agent, wait_until


class Owner(http.server.BaseHTTPRequestHandler):
    """Who takes machines back."""

    def do_POST(self):
        self.server.asked.append((self.path, self.headers.get("Content-Length")))
        self.send_response(self.server.answers.pop(0) if self.server.answers else 200)
        self.end_headers()

    def log_message(self, *_):
        pass


class LeaseCase(JobCase):
    def setUp(self):
        super().setUp()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Owner)
        self.server.asked, self.server.answers = [], []
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        os.environ["TBE_RUNTIME_ADDR"] = "127.0.0.1:%d" % self.server.server_port
        agent._noted.clear()

    def tearDown(self):
        agent.set_lease(self.home, 0)
        for pid in self.watchers():
            with contextlib.suppress(ProcessLookupError):  # it ends by itself
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not self.watchers(), what="the end of the watchers")
        os.environ.pop("TBE_RUNTIME_ADDR", None)
        self.server.shutdown()
        self.server.server_close()
        super().tearDown()

    def watchers(self):
        """Watchers of our home that really run, by their command line."""
        found = []
        for name in os.listdir("/proc"):
            try:
                with open("/proc/%s/cmdline" % name, "rb") as file:
                    argv = file.read().split(b"\0")
            except OSError:
                continue
            if b"watch" in argv and os.fsencode(self.home) in argv:
                found.append(int(name))
        return found

    def wait_released(self, count=1):
        wait_until(lambda: len(self.server.asked) >= count, what="the release")


class TestLease(LeaseCase):
    def test_a_machine_that_nobody_uses_is_released_by_itself(self):
        answer = agent.set_lease(self.home, 0.5)
        self.assertEqual((answer["set"], answer["seconds"]), (True, 0.5))
        self.wait_released()
        self.assertEqual(self.server.asked[0], ("/unassign", "0"))

    def test_use_puts_it_off(self):
        # by a clock of the test: on a busy machine it may be a second until it is used again
        now, lease, released = [1000.0], os.path.join(self.home, "lease.json"), []
        agent.ensure_home(self.home)
        agent.write_private(lease, b'{"seconds": 1}')

        def sleep(seconds):
            end = now[0] + seconds
            while now[0] < end:
                now[0] += 0.02
                if now[0] < 1002:
                    agent.used(self.home)

        def release():
            released.append(now[0])
            os.unlink(lease)

        with mock.patch.object(agent.time, "monotonic", lambda: now[0]):
            agent.note_use(self.home)
            agent.LeaseWatcher(self.home, release=release, sleep=sleep).run()
        self.assertEqual([2.9 < when - 1000 < 3.5 for when in released], [True])

    def test_a_job_puts_it_off_until_a_lease_after_its_end(self):
        run = self.python("import sys; sys.stdin.read()", stdin=True)
        agent.set_lease(self.home, 0.4)
        wait_until(lambda: self.watchers(), what="the watcher")
        deadline = time.monotonic() + 1.5
        while time.monotonic() < deadline:
            self.assertEqual(self.server.asked, [])
            time.sleep(0.05)
        agent.feed_stdin(self.home, run, 0, b"", True)
        self.assertEqual(self.wait(run)["exitCode"], 0)
        self.wait_released()

    def test_code_from_a_browser_puts_it_off_while_its_kernel_works(self):
        code = "import sys, time\nsys.stdin.readline()\nend = time.monotonic() + 2\nwhile time.monotonic() < end: pass\nsys.stdin.readline()"
        # a process that looks like a kernel of this machine
        kernel = subprocess.Popen([sys.executable, "-c", code, "ipykernel"], stdin=subprocess.PIPE)
        try:
            work = agent.KernelWork()
            self.assertFalse(work.seen())
            wait_until(lambda: not work.seen(), what="an idle kernel")
            kernel.stdin.write(b"go\n")
            kernel.stdin.flush()
            wait_until(work.seen, what="a kernel that works")
            # of another machine
            os.environ["TBE_RUNTIME_ADDR"] = "127.0.0.1:1"
            self.assertNotIn(kernel.pid, [pid for pid, _ in agent.kernel_times("127.0.0.1:1")])
        finally:
            kernel.kill()
            kernel.wait()
            kernel.stdin.close()

    def test_what_a_kernel_started_is_its_work(self):
        code = "import subprocess, sys; child = subprocess.Popen(['sleep', '60']); print(child.pid, flush=True); sys.stdin.readline(); child.kill()"
        kernel = subprocess.Popen([sys.executable, "-c", code, "ipykernel"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            child = int(kernel.stdout.readline())
            found = [pid for pid, _ in agent.kernel_times(os.environ["TBE_RUNTIME_ADDR"])]
            self.assertIn(kernel.pid, found)
            self.assertIn(child, found)
            self.assertNotIn(os.getpid(), found)
        finally:
            kernel.communicate(b"\n")

    def test_a_running_cell_puts_it_off(self):
        status = {"id": "c", "kind": "cell", "state": "running", "startedAt": time.time(), "owner": agent.owner_of(os.getpid())}
        folder, _ = agent.claim(self.home, "c", None, status)
        self.assertTrue(agent.busy(self.home))
        agent.save_status(folder, dict(status, state="exited"))
        self.assertFalse(agent.busy(self.home))

    def test_it_is_asked_again_when_it_is_refused(self):
        self.server.answers = [503]
        agent.set_lease(self.home, 0.3)
        self.wait_released(2)

    def test_there_is_one_watcher_however_often_the_lease_is_set_and_it_is_replaced_when_killed(self):
        for _ in range(5):
            agent.set_lease(self.home, 60)
        wait_until(lambda: agent._watched(self.home), what="the watcher")
        wait_until(lambda: len(self.watchers()) == 1, what="a single watcher")
        [pid] = self.watchers()
        self.assertNotEqual(os.getsid(pid), os.getsid(0))  # it is no child of our session: a kernel's end does not end it
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not agent._watched(self.home), what="the watcher's end")
        agent.watch_lease(agent.ensure_home(self.home), self.home)
        wait_until(lambda: len(self.watchers()) == 1 and self.watchers() != [pid], what="another watcher")

    def test_another_length_counts_at_once_and_no_lease_ends_the_watcher(self):
        agent.set_lease(self.home, 6)  # long enough not to lapse before it is another one, on a busy machine too
        wait_until(lambda: agent._watched(self.home), what="the watcher")
        self.assertAlmostEqual(agent.set_lease(self.home, 3600)["left"], 3600, delta=5)
        self.assertEqual(agent.set_lease(self.home, None)["seconds"], 3600)
        agent.set_lease(self.home, 6)
        self.assertEqual(agent.set_lease(self.home, 0), {"set": False, "seconds": None, "left": None})
        wait_until(lambda: not self.watchers(), 2 * agent.LEASE_LOOK, "the watcher's end")
        self.assertEqual(self.server.asked, [])

    def test_the_clock_of_the_wall_does_not_matter(self):
        agent.set_lease(self.home, 100)
        os.utime(os.path.join(self.home, "lease.used"), (0, 0))
        self.assertGreater(agent.lease_left(self.home, 100), 90)

    def test_a_use_from_before_a_restart_of_the_machine_counts_as_now(self):
        agent.note_use(self.home)
        with open(os.path.join(self.home, "lease.used"), "w") as file:
            file.write("%f" % (time.monotonic() + 1e6))
        self.assertAlmostEqual(agent.lease_left(self.home, 50), 50, delta=1)

    def test_broken_files_are_no_lease(self):
        for text in ("", "{", "[]", '{"seconds": "9"}', '{"seconds": true}', '{"seconds": -1}'):
            with open(os.path.join(self.home, "lease.json"), "w") as file:
                file.write(text)
            self.assertIsNone(agent.load_lease(self.home))
        with open(os.path.join(self.home, "lease.used"), "w") as file:
            file.write("soon")
        self.assertAlmostEqual(agent.lease_left(self.home, 50), 50, delta=1)

    def test_a_machine_that_cannot_release_itself_says_so(self):
        for address in (None, "", "host/path?x=", "a b"):
            os.environ.pop("TBE_RUNTIME_ADDR", None)
            if address is not None:
                os.environ["TBE_RUNTIME_ADDR"] = address
            self.assertEqual(agent.set_lease(self.home, 5)["set"], False)
        self.assertEqual(self.watchers(), [])

    def test_a_full_disk_neither_ends_the_watcher_nor_lets_the_lease_lapse_in_use(self):
        agent.set_lease(self.home, 100)

        def full(*_):
            raise OSError(errno.ENOSPC, "No space left on device")

        with mock.patch.object(agent, "write_private", full):
            with mock.patch.object(agent.time, "monotonic", lambda now=time.monotonic(): now + 50):
                agent.note_use(self.home)
                self.assertAlmostEqual(agent.lease_left(self.home, 100), 100, delta=1)

    def test_a_watcher_outlives_what_goes_wrong_in_one_look(self):
        agent.set_lease(self.home, 0)
        agent.ensure_home(self.home)
        agent.write_private(os.path.join(self.home, "lease.json"), b'{"seconds": 30}')
        looks = []
        watcher = agent.LeaseWatcher(self.home, release=lambda: looks.append("released") or False, sleep=lambda _: None)

        def left():
            looks.append("look")
            if len(looks) < 3:
                raise ValueError("a strange process")
            return None if "released" in looks else 0

        watcher.left = left
        watcher.run()
        self.assertEqual(looks, ["look", "look", "look", "released", "look"])

    def test_the_files_are_the_users_only(self):
        agent.set_lease(self.home, 60)
        for name in ("lease.json", "lease.used", "lease.lock"):
            self.assertEqual(os.stat(os.path.join(self.home, name)).st_mode & 0o777, 0o600)
        with open(os.path.join(self.home, "lease.json")) as file:
            self.assertEqual(json.load(file)["seconds"], 60)

    def test_a_watcher_without_a_lease_ends(self):
        home = os.path.join(self.home, "other")
        agent.set_lease(home, 8)  # long enough not to lapse before it is taken away, on a busy machine too
        os.unlink(os.path.join(home, "lease.json"))
        process = subprocess.run([sys.executable, AGENT, "watch", home], timeout=20)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(self.server.asked, [])


if __name__ == "__main__":
    unittest.main()
