"""Jobs under a real supervisor process."""

import hashlib
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
import unittest
import uuid

from support import AGENT, JobCase, agent, notices, records, wait_until


class Exit(JobCase):
    def test_exit_codes_pass_through(self):
        for code in (0, 1, 3, 63, 255):
            with self.subTest(code=code):
                self.assertEqual(self.wait(self.python("raise SystemExit(%d)" % code))["exitCode"], code)

    def test_a_signal_is_128_plus_n_and_named(self):
        status = self.wait(self.python("import os; os.kill(os.getpid(), 9)"))
        self.assertEqual((status["exitCode"], status["signal"]), (137, "SIGKILL"))

    def test_an_unknown_command_is_127_and_said(self):
        status = self.wait(self.start("no-such-command-of-ours"))
        self.assertEqual(status["exitCode"], 127)
        self.assertEqual(status["error"]["message"], "command not found: no-such-command-of-ours")

    def test_a_file_that_cannot_be_run_is_126(self):
        path = os.path.join(self.work, "plain.txt")
        with open(path, "w") as file:
            file.write("x")
        self.assertEqual(self.wait(self.start(path))["exitCode"], 126)

    def test_a_shell_line_runs_in_a_shell(self):
        run = self.start(shell="echo $((20 + 3)); exit 4")
        self.assertEqual((self.wait(run)["exitCode"], self.stdout(run)), (4, b"23\n"))

    def test_a_missing_folder_is_refused_before_the_id_is_claimed(self):
        with self.assertRaises(agent.Refusal) as caught:
            agent.start_job(self.home, {"run": "a", "argv": ["true"], "cwd": "nowhere"}, self.work)
        self.assertEqual(caught.exception.code, "NOT_FOUND")
        self.assertEqual(agent.load_status(self.home, "a")["state"], "unknown")


class Output(JobCase):
    def test_streams_are_kept_apart_and_binary_bytes_survive(self):
        run = self.python("import os; os.write(1, bytes(range(256))); os.write(2, b'\\xff\\xfe err')")
        status = self.wait(run)
        self.assertEqual(self.stdout(run), bytes(range(256)))
        self.assertEqual(self.stderr(run), b"\xff\xfe err")
        self.assertEqual((status["stdoutBytes"], status["stderrBytes"]), (256, 6))
        self.assertEqual(status["logBytes"], os.stat(self.log(run)).st_size)

    def test_output_of_grandchildren_and_c_code_is_kept(self):
        run = self.python("import ctypes, subprocess; subprocess.run(['echo', 'grandchild'])\n"
                          "libc = ctypes.CDLL(None); libc.puts(b'from c'); libc.fflush(None)")
        self.wait(run)
        self.assertEqual(self.stdout(run), b"grandchild\nfrom c\n")

    def test_python_jobs_are_unbuffered_unless_told_otherwise(self):
        code = "import os; print(os.environ.get('PYTHONUNBUFFERED'))"
        unset, given = self.python(code), self.python(code, env={"PYTHONUNBUFFERED": ""})
        self.wait(unset), self.wait(given)
        self.assertEqual((self.stdout(unset), self.stdout(given)), (b"1\n", b"\n"))

    def test_thirty_megabytes_arrive_whole(self):
        run = self.python("import sys\nfor i in range(300): sys.stdout.buffer.write(b'%08d' % i * 12500)")
        self.wait(run)
        expected = hashlib.sha256(b"".join(b"%08d" % i * 12500 for i in range(300))).hexdigest()
        self.assertEqual(hashlib.sha256(self.stdout(run)).hexdigest(), expected)

    def test_a_grandchild_that_holds_the_pipes_delays_the_end_for_the_grace_time_only(self):
        code = "import subprocess, sys; p = subprocess.Popen(['sleep', '60']); print(p.pid); raise SystemExit(5)"
        run = self.python(code)
        status = self.wait(run)
        os.kill(int(self.stdout(run)), signal.SIGKILL)
        self.assertEqual(status["exitCode"], 5)
        self.assertLess(status["endedAt"] - status["startedAt"], agent.GRACE + 15)  # the grandchild has the pipes for 60 s

    def test_a_full_log_keeps_the_beginning_and_says_what_is_missing(self):
        run = self.python("import sys\nfor i in range(100): sys.stdout.buffer.write(b'x' * 10000)", maxLogBytes=300000)
        status = self.wait(run)
        said = notices(self.log(run))
        kept = len(self.stdout(run))
        self.assertEqual([notice["kind"] for notice in said], ["limit", "gap"])
        self.assertEqual(status["stdoutBytes"], 1000000)
        self.assertEqual(kept + said[1]["bytes"], 1000000)
        self.assertEqual(status["droppedBytes"], said[1]["bytes"])
        self.assertLessEqual(os.stat(self.log(run)).st_size, 300000 + 200)
        self.assertEqual(status["exitCode"], 0)

    @unittest.skipIf(os.name == "nt", "no resource limits there")
    def test_a_disk_that_takes_no_more_does_not_stop_the_job(self):
        code = "import sys\nfor i in range(64): sys.stdout.buffer.write(b'y' * 65536)\nprint('end', file=sys.stderr)"
        order = {"run": "full", "argv": [sys.executable, "-c", code], "cwd": self.work, "stdin": False,
                 "maxLogBytes": 1 << 30, "env": dict(os.environ)}
        folder, _ = agent.claim(self.home, "full", None)
        limit = "import resource, sys, runpy; resource.setrlimit(resource.RLIMIT_FSIZE, (1000000, 1000000));" \
                "sys.argv[:] = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
        done = subprocess.run([sys.executable, "-c", limit, AGENT, "supervise", folder],
                              input=json.dumps(order).encode(), stdout=subprocess.PIPE)
        self.assertEqual(done.stdout, b"ok\n")
        self.started.append("full")
        status = self.wait("full")
        said = notices(self.log("full"))
        self.assertEqual((status["exitCode"], status["stdoutBytes"], status["diskFull"]), (0, 64 * 65536, True))
        self.assertIn("disk-full", {notice["kind"] for notice in said})
        kept = len(self.stdout("full")) + len(self.stderr("full"))
        self.assertEqual(kept + status["droppedBytes"], 64 * 65536 + 4)
        self.assertEqual(sum(notice["bytes"] for notice in said), status["droppedBytes"])


class Claim(JobCase):
    @unittest.skipIf(os.name == "nt", "no resource limits there")
    def test_an_id_that_could_not_be_written_down_is_free(self):
        limit = "import resource, runpy, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);" \
                "resource.setrlimit(resource.RLIMIT_FSIZE, (8, 8));" \
                "runpy.run_path(sys.argv[1])['claim'](sys.argv[2], 'small', None)"
        done = subprocess.run([sys.executable, "-c", limit, AGENT, self.home], stderr=subprocess.PIPE)
        self.assertIn(b"OSError", done.stderr)
        self.assertEqual(agent.load_status(self.home, "small")["state"], "unknown")
        self.assertTrue(agent.claim(self.home, "small", None)[1])

    def test_of_eight_starters_exactly_one_runs(self):
        barrier, answers = threading.Barrier(8), []
        request = {"run": "race", "argv": ["sh", "-c", "echo ran >> %s" % os.path.join(self.work, "ran")]}

        def go():
            barrier.wait()
            answers.append(agent.start_job(self.home, request, self.work)["attached"])

        threads = [threading.Thread(target=go) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.started.append("race")
        self.assertEqual(sorted(answers), [False] + [True] * 7)
        self.assertEqual(self.wait("race")["exitCode"], 0)
        with open(os.path.join(self.work, "ran")) as file:
            self.assertEqual(file.read(), "ran\n")

    def test_of_eight_processes_exactly_one_claims(self):
        code = "import runpy, sys; a = runpy.run_path(sys.argv[1]); print(a['claim'](sys.argv[2], 'x', None)[1])"
        argv = [sys.executable, "-c", code, AGENT, self.home]
        processes = [subprocess.Popen(argv, stdout=subprocess.PIPE) for _ in range(8)]
        answers = sorted(process.communicate()[0] for process in processes)
        self.assertEqual(answers, [b"False\n"] * 7 + [b"True\n"])

    def test_the_same_token_asking_again_is_not_told_that_it_attached(self):
        request = {"run": "again", "argv": ["true"], "token": "t1"}
        answers = [agent.start_job(self.home, dict(request, token=token), self.work) for token in ("t1", "t1", "t2")]
        self.started.append("again")
        self.wait("again")
        self.assertEqual([answer["attached"] for answer in answers], [False, False, True])


class Life(JobCase):
    def test_the_supervisor_survives_the_end_of_its_starters_process_group(self):
        code = ("import runpy, sys, time, os; a = runpy.run_path(sys.argv[1]);"
                "a['start_job'](sys.argv[2], {'run': 'stay', 'argv': ['cat'], 'stdin': True}, '/');"
                "print('up', flush=True); time.sleep(60)")
        starter = subprocess.Popen([sys.executable, "-c", code, AGENT, self.home], stdout=subprocess.PIPE, start_new_session=True)
        self.started.append("stay")
        self.assertEqual(starter.stdout.readline(), b"up\n")
        os.killpg(starter.pid, signal.SIGKILL)
        starter.wait()
        starter.stdout.close()
        self.assertEqual(self.status("stay")["state"], "running")
        agent.feed_stdin(self.home, "stay", 0, b"still here", True)
        self.assertEqual(self.wait("stay")["exitCode"], 0)
        self.assertEqual(self.stdout("stay"), b"still here")

    def test_a_killed_supervisor_is_a_lost_run_and_its_job_can_still_be_ended(self):
        run = self.python("import time; print('up'); time.sleep(60)")
        wait_until(lambda: self.stdout(run) == b"up\n")
        os.kill(self.status(run)["owner"]["pid"], signal.SIGKILL)
        status = self.wait(run)
        self.assertEqual(status["state"], "lost")
        self.assertEqual(self.stdout(run), b"up\n")
        agent.signal_run(self.home, run, "SIGKILL")
        wait_until(lambda: agent._process_start(status["pid"]) is None)
        with self.assertRaises(agent.Refusal):
            agent.signal_run(self.home, run, "SIGKILL")

    def test_a_claim_that_nobody_followed_up_is_lost(self):
        folder, _ = agent.claim(self.home, "early", None)
        self.assertEqual(self.status("early")["state"], "starting")
        old = time.time() - 3600
        os.utime(os.path.join(folder, "claim"), (old, old))
        self.assertEqual(self.status("early")["state"], "lost")

    def test_a_reused_pid_is_not_taken_for_the_owner(self):
        folder, _ = agent.claim(self.home, "reused", None)
        owner = dict(agent.owner_of(os.getpid()), start=1)
        agent.save_status(folder, {"id": "reused", "state": "running", "owner": owner})
        agent.touch(os.path.join(folder, "heartbeat"))
        self.assertEqual(self.status("reused")["state"], "lost")

    def test_the_heartbeat_is_touched(self):
        run = self.start("sleep", "60")
        path = os.path.join(self.home, "runs", run, "heartbeat")
        wait_until(lambda: os.path.exists(path), what="the first heartbeat")
        old = time.time() - 100
        os.utime(path, (old, old))
        wait_until(lambda: os.stat(path).st_mtime > old + 50, what="a heartbeat")


class Signals(JobCase):
    def test_signals_reach_the_whole_group(self):
        run = self.start(shell="sleep 61 & echo $!; wait")
        child = wait_until(lambda: self.stdout(run))
        agent.signal_run(self.home, run, "SIGTERM")
        self.assertEqual(self.wait(run)["exitCode"], 143)
        wait_until(lambda: agent._process_start(int(child)) is None, what="the grandchild's end")

    def test_ctrl_c_reaches_a_job_although_its_starter_ignores_it(self):
        old = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            run = self.python("import time\ntry:\n print('up')\n time.sleep(60)\nexcept KeyboardInterrupt: raise SystemExit(9)")
        finally:
            signal.signal(signal.SIGINT, old)
        wait_until(lambda: self.stdout(run) == b"up\n")
        agent.signal_run(self.home, run, "SIGINT")
        self.assertEqual(self.wait(run)["exitCode"], 9)

    def test_sigterm_of_the_supervisor_is_passed_on(self):
        run = self.python("import signal, time\nsignal.signal(15, lambda *a: (_ for _ in ()).throw(SystemExit(7)))\n"
                          "print('up')\ntime.sleep(60)")
        wait_until(lambda: self.stdout(run) == b"up\n")
        os.kill(self.status(run)["owner"]["pid"], signal.SIGTERM)
        self.assertEqual(self.wait(run)["exitCode"], 7)

    def test_wrong_names_and_ended_runs_are_refused(self):
        run = self.start("true")
        self.wait(run)
        for name, code in (("SIGTERM", "NOT_RUNNING"),):
            with self.assertRaises(agent.Refusal) as caught:
                agent.signal_run(self.home, run, name)
            self.assertEqual(caught.exception.code, code)
        live = self.start("sleep", "60")
        for name in ("TERM", "SIG_DFL", "SIGNOPE", 9, None, ""):
            with self.subTest(name=name), self.assertRaises(agent.Refusal) as caught:
                agent.signal_run(self.home, live, name)
            self.assertEqual(caught.exception.code, "BAD_REQUEST")


class Stdin(JobCase):
    def test_stdin_is_fed_by_offset_and_sent_twice_it_is_read_once(self):
        run = self.start("cat", stdin=True)
        self.assertEqual(agent.feed_stdin(self.home, run, 0, b"hello ", False), 6)
        wait_until(lambda: self.stdout(run) == b"hello ")
        self.assertEqual(agent.feed_stdin(self.home, run, 0, b"hello ", False), 6)
        self.assertEqual(agent.feed_stdin(self.home, run, 3, b"lo world", True), 11)
        self.wait(run)
        self.assertEqual(self.stdout(run), b"hello world")

    def test_a_hole_in_stdin_is_refused(self):
        run = self.start("cat", stdin=True)
        with self.assertRaises(agent.Refusal) as caught:
            agent.feed_stdin(self.home, run, 5, b"x", False)
        self.assertEqual(caught.exception.code, "GAP")

    def test_without_stdin_a_job_reads_its_end_at_once(self):
        run = self.start("cat")
        self.assertEqual(self.wait(run)["exitCode"], 0)

    def test_a_job_that_closes_stdin_is_not_disturbed(self):
        fed = os.path.join(self.work, "fed")
        run = self.python("import os, time; os.close(0); print('closed')\nwhile not os.path.exists(%r): time.sleep(.01)\ntime.sleep(.2)" % fed, stdin=True)
        wait_until(lambda: self.stdout(run) == b"closed\n")
        agent.feed_stdin(self.home, run, 0, b"x" * 1000000, True)
        with open(fed, "w"):
            pass
        self.assertEqual(self.wait(run)["exitCode"], 0)


class Secrets(JobCase):
    def test_env_values_are_in_no_argv_and_no_file(self):
        secret = "s3cret-" + uuid.uuid4().hex
        run = self.python("import os, sys; sys.stdin.read(); assert os.environ['KEY']", env={"KEY": secret}, stdin=True)
        pids = [self.status(run)["owner"]["pid"], self.status(run)["pid"]]
        for pid in pids:
            with open("/proc/%d/cmdline" % pid, "rb") as file:
                self.assertNotIn(secret.encode(), file.read())
        with open("/proc/%d/environ" % pids[0], "rb") as file:
            self.assertNotIn(secret.encode(), file.read())
        agent.feed_stdin(self.home, run, 0, b"", True)
        self.assertEqual(self.wait(run)["exitCode"], 0)
        for folder, _, names in os.walk(self.home):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    self.assertNotIn(secret.encode(), file.read(), name)
        spec = agent._load(os.path.join(self.home, "runs", run, "spec.json"))
        self.assertEqual(spec["envNames"], ["KEY"])

    def test_everything_of_ours_is_private(self):
        run = self.start("sleep", "60")
        for folder, names, files in os.walk(os.path.join(self.home, "runs")):
            self.assertEqual(stat.S_IMODE(os.stat(folder).st_mode), 0o700, folder)
            for name in files:
                if name.endswith(".tmp"):
                    continue
                self.assertEqual(stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode) & 0o077, 0, name)
        self.assertEqual(self.status(run)["state"], "running")

    def test_a_kernels_own_environment_is_not_passed_on(self):
        names = {"MPLBACKEND": "module://matplotlib_inline.backend_inline", "JPY_PARENT_PID": "1", "FORCE_COLOR": "1"}
        os.environ.update(names)
        try:
            env = agent.job_environment({"A": "b"})
        finally:
            for name in names:
                del os.environ[name]
        self.assertEqual([env.get(name) for name in names], [None, None, None])
        self.assertEqual(env["A"], "b")


class Listing(JobCase):
    def test_runs_are_listed_newest_first_with_what_was_asked_for(self):
        first, second = self.start("true"), self.start(shell="exit 2")
        self.wait(first), self.wait(second)
        listed = agent.list_runs(self.home)
        self.assertEqual([run["id"] for run in listed], [second, first])
        self.assertEqual((listed[0]["shell"], listed[1]["argv"]), ("exit 2", ["true"]))
        self.assertNotIn("owner", listed[0])

    def test_old_cells_are_removed_but_for_the_newest(self):
        for number in range(6):
            folder, _ = agent.claim(self.home, "cell%d" % number, None)
            ended = {"id": "cell%d" % number, "kind": "cell", "state": "exited", "startedAt": number, "endedAt": number}
            agent.save_status(folder, dict(ended, endedAt=time.time() if number == 0 else number))
            if number > 1:
                os.utime(folder, (number, number))
        job = self.start("true")
        self.wait(job)
        agent.prune_cells(self.home, keep=3)
        left = sorted(os.listdir(os.path.join(self.home, "runs")))
        self.assertEqual(left, sorted(["cell0", "cell1", "cell3", "cell4", "cell5", job]))

    def test_a_broken_status_file_is_not_an_error(self):
        folder, _ = agent.claim(self.home, "broken", None)
        for content in ("", "{", "[1]", "null"):
            with open(os.path.join(folder, "status.json"), "w") as file:
                file.write(content)
            self.assertIn(self.status("broken")["state"], ("starting", "lost"))


if __name__ == "__main__":
    unittest.main()
