"""How jobs end: stopped, killed for want of memory, started again; and what is known of them afterwards."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
import unittest

from support import AGENT, JobCase, agent, notices, wait_until

GONE = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"


def alive(pid):
    return agent._process_start(pid) is not None


class EndingCase(JobCase):
    def supervised(self, change, shell, **more):
        """A job whose supervisor was changed so before."""
        order = {"run": "changed", "shell": shell, "cwd": self.work, "stdin": False, "maxLogBytes": 1 << 20, "env": dict(os.environ)}
        order.update(more)
        folder, _ = agent.claim(self.home, "changed", None)
        code = "import sys; sys.path.insert(0, sys.argv[1]); import cgpu_agent as a\n%s\na.supervise(sys.argv[2])" % change
        subprocess.run([sys.executable, "-B", "-c", code, os.path.dirname(AGENT), folder], input=json.dumps(order).encode(),
                       stdout=subprocess.DEVNULL, check=True)
        self.started.append("changed")
        return "changed"


class Stop(EndingCase):
    def up(self, run):
        return wait_until(lambda: self.stdout(run))

    def refused(self, run):
        with self.assertRaises(agent.Refusal) as caught:
            agent.stop_run(self.home, run, 10)
        return caught.exception.code

    def test_a_job_that_takes_sigterm_ends_by_it_and_is_cancelled(self):
        run = self.start(shell="echo up; exec sleep 60")
        self.up(run)
        asked = time.time()
        agent.stop_run(self.home, run, 10)
        status = self.wait(run)
        self.assertEqual((status["cancelled"], status["reason"], status["signal"]), (True, "cancelled", "SIGTERM"))
        self.assertLess(status["endedAt"] - asked, 10)  # else it was the end of the grace time
        self.assertFalse(os.path.exists(os.path.join(self.home, "runs", run, "stop")))
        agent.stop_run(self.home, run, 10)  # again: it is what was asked for

    def test_one_that_does_not_is_killed_after_the_grace_time(self):
        run = self.python("import signal, time\n%s\nprint('up')\ntime.sleep(60)" % GONE)
        self.up(run)
        asked = time.time()
        agent.stop_run(self.home, run, 0.6)
        status = self.wait(run)
        self.assertEqual((status["signal"], status["reason"]), ("SIGKILL", "cancelled"))
        self.assertGreater(status["endedAt"] - asked, 0.5)

    def test_asked_again_with_less_time_it_is_killed_sooner(self):
        run = self.python("import signal, time\n%s\nprint('up')\ntime.sleep(60)" % GONE)
        self.up(run)
        agent.stop_run(self.home, run, 600)
        wait_until(lambda: self.status(run).get("cancelled"))
        self.assertEqual(self.status(run)["state"], "running")
        agent.stop_run(self.home, run, 0)
        self.assertEqual(self.wait(run)["signal"], "SIGKILL")

    def test_the_rest_of_its_session_has_the_grace_time_and_is_killed_then(self):
        stubborn = "import os, signal, time\n%s\nos.setpgid(0, 0) if %%d else None\nos.write(1, b'%%%%d\\n' %%%% os.getpid())\ntime.sleep(60)" % GONE
        code = "import subprocess, sys\n[subprocess.Popen([sys.executable, '-c', %r %% own]) for own in (0, 1)]\nsys.stdin.read()" % stubborn
        run = self.python(code, stdin=True)
        pids = wait_until(lambda: len(self.stdout(run).split()) == 2 and [int(pid) for pid in self.stdout(run).split()])
        agent.stop_run(self.home, run, 0.5)
        self.assertEqual(self.wait(run)["signal"], "SIGTERM")
        self.assertEqual([alive(pid) for pid in pids], [False, False])

    @unittest.skipUnless(sys.platform.startswith("linux"), "elsewhere a session of its own is out of reach")
    def test_what_it_put_into_sessions_of_their_own_ends_with_it(self):
        tell = "import os, signal, time; os.write(1, b'%d\\n' % os.getpid()); "
        daemon = "import os\nif os.fork(): os._exit(0)\nos.setsid()\nif os.fork(): os._exit(0)\n"
        programs = [daemon + tell + "time.sleep(60)", daemon + GONE.replace("signal.signal", "import signal; signal.signal", 1) + "\n" + tell + "time.sleep(60)"]
        code = (
            "import subprocess, sys\nfor each in %r: subprocess.Popen([sys.executable, '-c', each])\n"
            "subprocess.Popen([sys.executable, '-c', %r], start_new_session=True)\nsys.stdin.read()" % (programs, tell + "time.sleep(60)")
        )
        run = self.python(code, stdin=True)
        pids = wait_until(lambda: len(self.stdout(run).split()) == 3 and [int(pid) for pid in self.stdout(run).split()])
        agent.stop_run(self.home, run, 0.5)
        self.assertEqual(self.wait(run)["reason"], "cancelled")
        self.assertEqual([alive(pid) for pid in pids], [False, False, False])

    def test_what_it_leaves_running_on_purpose_goes_on_after_it(self):
        run = self.start(shell="setsid sleep 60 >/dev/null 2>&1 & echo $!")
        self.assertEqual(self.wait(run)["exitCode"], 0)
        pid = int(self.stdout(run))
        self.assertTrue(alive(pid))
        os.kill(pid, signal.SIGKILL)

    def test_a_job_that_ends_by_itself_keeps_its_status(self):
        run = self.start("true")
        status = self.wait(run)
        self.assertEqual(self.refused(run), "NOT_RUNNING")
        self.assertNotIn("cancelled", status)
        self.assertNotIn("reason", status)
        self.assertEqual(self.refused("never"), "NOT_FOUND")

    def test_a_full_disk_is_no_hindrance(self):
        run = self.start(shell="echo up; exec sleep 60")
        self.up(run)

        def full(_path, _data):
            raise OSError(errno.ENOSPC, "no space")

        write, agent.write_private = agent.write_private, full
        try:
            agent.stop_run(self.home, run, 0)
        finally:
            agent.write_private = write
        self.assertEqual(self.wait(run)["signal"], "SIGTERM")

    def test_a_stop_outlives_the_process_that_asked_for_it(self):
        run = self.python("import signal, time\n%s\nprint('up')\ntime.sleep(60)" % GONE)
        self.up(run)
        code = "import runpy, sys; a = runpy.run_path(sys.argv[1]); a['stop_run'](sys.argv[2], sys.argv[3], 0.5)"
        subprocess.run([sys.executable, "-c", code, AGENT, self.home, run], check=True)
        self.assertTrue(self.wait(run)["cancelled"])

    def test_a_job_is_stopped_that_is_only_about_to_start(self):
        folder, _ = agent.claim(self.home, "changed", None)
        agent.stop_run(self.home, "changed", 0)
        os.unlink(os.path.join(folder, "claim"))
        status = self.wait(self.supervised("", "exec sleep 60"))
        self.assertTrue(status["cancelled"])

    def test_what_a_lost_supervisor_left_is_killed(self):
        run = self.start(shell="sleep 61 & echo $!; wait")
        child = int(self.up(run))
        status = self.status(run)
        os.kill(status["owner"]["pid"], signal.SIGKILL)
        self.assertEqual(self.wait(run)["state"], "lost")
        os.kill(status["pid"], signal.SIGKILL)  # only the rest of its group is left
        wait_until(lambda: not alive(status["pid"]))
        agent.stop_run(self.home, run, 10)
        wait_until(lambda: not alive(child))
        self.assertEqual(self.refused(run), "NOT_RUNNING")


class Reasons(EndingCase):
    def test_a_signal_from_outside_is_a_signal(self):
        self.assertEqual(self.wait(self.start(shell="kill -9 $$"))["reason"], "signal")

    def with_kills(self, counts, shell):
        """A job whose supervisor reads these numbers of OOM kills, one after the other."""
        return self.wait(self.supervised("counts = iter(%r); a.oom_kills = lambda: next(counts)" % (counts,), shell))

    def test_sigkill_while_the_counter_rose_is_want_of_memory(self):
        status = self.with_kills([3, 4], "kill -9 $$")
        self.assertEqual((status["reason"], status["exitCode"]), ("oom", 137))

    def test_a_shell_that_passes_the_status_on_is_no_hindrance(self):
        self.assertEqual(self.with_kills([0, 2], "sh -c 'kill -9 $$'; exit $?")["reason"], "oom")

    def test_other_ends_are_not(self):
        self.assertEqual(self.with_kills([3, 4], "kill -15 $$")["reason"], "signal")

    def test_an_exit_of_its_own_has_no_reason(self):
        self.assertNotIn("reason", self.with_kills([3, 4], "exit 1"))

    def test_the_counter_is_read_where_the_system_has_it(self):
        v2 = {
            "/proc/self/cgroup": "0::/a/b\n",
            "/sys/fs/cgroup/a/memory.events": "low 0\noom 9\noom_kill 2\noom_group_kill 7\n",
            "/sys/fs/cgroup/a/b/memory.events": "oom_kill 1\n",
        }
        v1 = {"/proc/self/cgroup": "9:cpu:/x\n4:memory:/docker/1\n0::/\n",
              "/sys/fs/cgroup/memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n"}
        machine = {"/proc/self/cgroup": "0::/\n", "/proc/vmstat": "pgfault 1\noom_kill 8\n"}
        for files, count in ((v2, 3), (v1, 5), (machine, 8), ({}, 0), ({"/proc/self/cgroup": "broken\n::\n"}, 0)):
            self.assertEqual(agent.oom_kills(files.get), count)


class Peaks(EndingCase):
    def test_memory_of_short_jobs_is_measured(self):
        run = self.python("x = b'x' * 90000000")
        self.assertTrue(90e6 < self.wait(run)["peakMemoryBytes"] < 200e6)

    def test_processes_are_added_up(self):
        child = "x = b'x' * 60000000; import sys; sys.stdin.read()"
        code = "import subprocess, sys\nall = [subprocess.Popen([sys.executable, '-c', %r]) for _ in '123']\n[one.wait() for one in all]" % child
        run = self.supervised("a.TELL_PEAKS = 0", "", argv=[sys.executable, "-c", code], stdin=True)
        wait_until(lambda: self.status(run).get("peakMemoryBytes", 0) > 180e6, what="a look at all three")
        agent.feed_stdin(self.home, run, 0, b"", True)
        self.assertGreater(self.wait(run)["peakMemoryBytes"], 180e6)

    def test_a_running_status_has_them_after_a_while_and_a_heartbeat(self):
        run = self.supervised("a.TELL_PEAKS = 0", "exec sleep 60")
        peak = wait_until(lambda: self.status(run).get("peakMemoryBytes"))
        self.assertEqual(self.status(run)["state"], "running")
        self.assertGreater(peak, 100000)
        self.assertLess(abs(time.time() - agent.described(self.home, run)["heartbeatAt"]), agent.STALE)

    def gpu(self, script, work="while [ ! -e again ]; do sleep .1; done"):
        """The end of a job on a machine with this nvidia-smi: when that is asked `again`, what it said before is known."""
        folder = os.path.join(self.home, "bin")
        os.mkdir(folder)
        path = os.path.join(folder, "nvidia-smi")
        with open(path, "w") as file:
            file.write("#!/bin/sh\ncd %s\n%s\n" % (folder, script))
        os.chmod(path, 0o755)
        old = os.environ["PATH"]
        os.environ["PATH"] = folder + os.pathsep + old
        try:
            run = self.supervised("a.GPU_FIRST = a.GPU_EVERY = 1.0", "cd %s; echo $$ > pid; %s" % (folder, work))
        finally:
            os.environ["PATH"] = old
        return self.wait(run)

    def test_gpu_memory_is_that_of_its_own_processes(self):
        status = self.gpu("""
            case "$1" in
            *compute*) [ -e asked ] && touch again; touch asked; echo "$(cat pid), 700"; echo "$(cat pid), 50"; echo "1, 9000"; echo "junk";;
            *) echo 20000;;
            esac""")
        self.assertEqual(status["peakGpuMemoryBytes"], 750 << 20)

    def test_where_processes_are_hidden_it_is_what_the_devices_have_more(self):
        status = self.gpu("""
            case "$1" in
            *compute*) [ -e asked ] && touch again; touch asked; echo "[N/A], [N/A]";;
            *) if [ -e asked ]; then echo 900; echo 300; else echo 100; echo 100; fi;;
            esac""")
        self.assertEqual(status["peakGpuMemoryBytes"], 1000 << 20)

    def test_a_hanging_or_broken_nvidia_smi_delays_nothing(self):
        status = self.gpu("exec sleep 15", "sleep 3")
        self.assertLess(status["endedAt"] - status["startedAt"], 10)
        self.assertNotIn("peakGpuMemoryBytes", status)

    def test_the_disk_is_looked_at_in_the_end(self):
        self.assertGreater(self.wait(self.start("true"))["diskFreeBytes"], 0)


class Restarts(EndingCase):
    def failing(self, times, **options):
        """Fails so often with 3, then succeeds; a line an attempt."""
        return self.start(shell="echo try >> tries; echo attempt; [ $(wc -l < tries) -gt %d ] || exit 3" % times, **options)

    def test_a_program_that_fails_is_run_again_until_it_succeeds(self):
        run = self.failing(1, maxRestarts=5)
        status = self.wait(run)
        self.assertEqual((status["exitCode"], status["attempt"], status["restarts"]), (0, 2, 1))
        self.assertEqual(self.stdout(run), b"attempt\nattempt\n")
        self.assertEqual(notices(self.log(run)), [{"kind": "restart", "bytes": 0, "attempt": 2, "exitCode": 3, "signal": None}])
        self.assertGreater(status["endedAt"] - status["startedAt"], 1)

    def test_no_more_often_than_asked_for(self):
        status = self.wait(self.failing(9, maxRestarts=1))
        self.assertEqual((status["exitCode"], status["attempt"]), (3, 2))
        status = self.wait(self.failing(9))
        self.assertEqual((status["exitCode"], status["attempt"], status["restarts"]), (3, 1, 0))

    def test_the_second_attempt_resumes_from_the_newest_checkpoint(self):
        code = "touch -d @1000 old.ckpt; mkdir -p sub; touch -d @2000 sub/b.ckpt sub/a.ckpt; kill -9 $$"
        run = self.start(shell=code, maxRestarts=1, checkpoint="**/*.ckpt", resume=["echo", "from={latest}", "{latest}"])
        status = self.wait(run)
        latest = os.path.join(os.path.realpath(self.work), "sub", "b.ckpt")
        self.assertEqual(self.stdout(run).decode(), "from=%s %s\n" % (latest, latest))
        self.assertEqual((status["exitCode"], notices(self.log(run))[0]["signal"]), (0, "SIGKILL"))

    def test_without_a_checkpoint_it_begins_anew(self):
        run = self.failing(1, maxRestarts=1, checkpoint="*.ckpt", resume=["echo", "{latest}"])
        self.wait(run)
        self.assertEqual(self.stdout(run), b"attempt\nattempt\n")

    def test_later_attempts_read_what_is_left_of_stdin(self):
        # a shell reads its lines byte by byte, and nothing behind them
        run = self.supervised("a.RESTART_PAUSE = 0", "read line; echo got $line; exit 1", maxRestarts=3, stdin=True)
        agent.feed_stdin(self.home, run, 0, b"one\ntwo\n", False)
        wait_until(lambda: os.path.exists(self.log(run)) and self.stdout(run) == b"got one\ngot two\n")
        agent.feed_stdin(self.home, run, 8, b"three\n", True)
        self.wait(run)
        self.assertEqual(self.stdout(run), b"got one\ngot two\ngot three\ngot\n")

    @unittest.skipUnless(sys.platform.startswith("linux"), "elsewhere what is in the pipe counts as read")
    def test_what_an_attempt_left_of_a_long_stdin_is_the_next_ones(self):
        run = self.supervised("a.RESTART_PAUSE = 0", "head -c 1000 | wc -c; exit 1", maxRestarts=2, stdin=True)
        agent.feed_stdin(self.home, run, 0, b"x" * 300000, True)
        self.wait(run)
        self.assertEqual(self.stdout(run).split(), [b"1000"] * 3)

    def test_attempts_after_the_end_of_stdin_read_its_end(self):
        run = self.start(shell="cat; echo end; exit 1", maxRestarts=1, stdin=True)
        agent.feed_stdin(self.home, run, 0, b"fed ", True)
        self.assertEqual(self.wait(run)["attempt"], 2)
        self.assertEqual(self.stdout(run), b"fed end\nend\n")

    def test_a_stop_during_the_pause_ends_it_at_once(self):
        run = self.supervised("a.RESTART_PAUSE_MOST = a.RESTART_PAUSE = 600", "exit 3", maxRestarts=1000)
        wait_until(lambda: os.path.exists(self.log(run)) and notices(self.log(run)))
        self.assertEqual(self.status(run)["state"], "running")
        agent.stop_run(self.home, run, 10)
        status = self.wait(run)
        self.assertEqual((status["reason"], status["exitCode"], status["attempt"]), ("cancelled", 3, 1))

    def test_a_stopped_program_is_not_run_again(self):
        run = self.start(shell="echo up; sleep 60", maxRestarts=5)
        wait_until(lambda: self.stdout(run))
        agent.stop_run(self.home, run, 10)
        status = self.wait(run)
        self.assertEqual((status["attempt"], status["reason"]), (1, "cancelled"))

    def test_what_cannot_be_started_is_not_tried_again(self):
        status = self.wait(self.start("no-such-command-of-ours", maxRestarts=5))
        self.assertEqual((status["exitCode"], status["attempt"]), (127, 1))
        status = self.wait(self.start("false", maxRestarts=5, resume=["no-such-command-of-ours"]))
        self.assertEqual((status["exitCode"], status["attempt"], status["error"]["code"]), (127, 2, "COMMAND_NOT_FOUND"))

    def test_what_an_attempt_leaves_behind_is_ended_before_the_next(self):
        run = self.start(shell="[ -e tried ] && exit 0; touch tried; sleep 62 & echo $!; exit 1", maxRestarts=1)
        self.assertEqual(self.wait(run)["exitCode"], 0)
        self.assertFalse(alive(int(self.stdout(run))))

    def test_signals_reach_the_attempt_that_runs(self):
        run = self.start(shell="[ -e tried ] || { touch tried; exit 1; }; echo up; exec sleep 60", maxRestarts=1)
        wait_until(lambda: self.stdout(run))
        agent.signal_run(self.home, run, "SIGTERM")
        status = self.wait(run)
        self.assertEqual((status["attempt"], status["signal"], status["reason"]), (2, "SIGTERM", "signal"))

    def test_wrong_requests_are_refused(self):
        for wrong in (
            {"maxRestarts": 1001}, {"maxRestarts": -1}, {"maxRestarts": True}, {"resume": []}, {"resume": "x"}, {"resume": ["{latest}"]},
            {"resume": ["a\0b"]}, {"checkpoint": "/abs/*"}, {"checkpoint": "../*"}, {"checkpoint": ""}, {"fingerprint": 3},
        ):
            with self.assertRaises(agent.Refusal, msg=wrong) as caught:
                agent.start_job(self.home, dict(wrong, run="wrong", argv=["true"]), self.work)
            self.assertEqual(caught.exception.code, "BAD_REQUEST", wrong)
        self.assertEqual(self.status("wrong")["state"], "unknown")


class Description(JobCase):
    def test_a_status_says_what_was_asked_for(self):
        asked = {"maxRestarts": 2, "resume": ["echo", "{latest}"], "checkpoint": "*.pt", "env": {"KEY": "v"}, "fingerprint": "f1"}
        run = self.start("true", **asked)
        self.wait(run)
        status = agent.described(self.home, run)
        found = {name: status[name] for name in ("argv", "cwd", "envNames", "maxRestarts", "resume", "checkpoint", "fingerprint")}
        self.assertEqual(found, {
            "argv": ["true"], "cwd": self.work, "envNames": ["KEY"], "maxRestarts": 2, "resume": ["echo", "{latest}"],
            "checkpoint": "*.pt", "fingerprint": "f1",
        })
        self.assertEqual(agent.list_runs(self.home)[0], status)

    def test_who_asks_for_a_claimed_id_sees_the_fingerprint_of_the_first_request(self):
        self.start("true", run="once", fingerprint="f1")
        answer = agent.start_job(self.home, {"run": "once", "argv": ["false"], "fingerprint": "f2"}, self.work)
        self.assertEqual((answer["attached"], answer["status"]["fingerprint"]), (True, "f1"))
        self.wait("once")


if __name__ == "__main__":
    unittest.main()
