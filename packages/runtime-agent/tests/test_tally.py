"""How many cells ran in a kernel's process, as its next one learns of it."""

import os
import shutil
import tempfile
import unittest

from support import agent

KERNEL = "0b8f1f6e-0000-4000-8000-000000000000"


class Process(agent.Tally):
    """As another process would make it."""

    def __init__(self, home, name):
        start, agent.os.getpid = agent.os.getpid, lambda: name
        try:
            super().__init__(home, KERNEL)
        finally:
            agent.os.getpid = start


class Tallies(unittest.TestCase):
    def setUp(self):
        self.home = tempfile.mkdtemp(prefix="cgpu-agent-")

    def tearDown(self):
        shutil.rmtree(self.home)

    def test_the_next_process_learns_of_the_last_one_only(self):
        first = Process(self.home, 11)
        self.assertIsNone(first.former)
        for _ in range(3):
            first.count()
        os.utime(os.path.join(first.folder, first.name), (1, 1))
        second = Process(self.home, 12)
        self.assertEqual(second.former, {"cells": 3})
        second.count()
        third = Process(self.home, 13)
        self.assertEqual(third.former, {"cells": 1})
        self.assertEqual(os.listdir(third.folder), [second.name])
        self.assertEqual(Process(self.home, 13).former, {"cells": 1})

    def test_a_folder_that_cannot_be_written_is_no_trouble(self):
        with open(os.path.join(self.home, "kernels"), "w"):
            pass
        tally = Process(self.home, 11)
        tally.count()
        self.assertIsNone(tally.former)

    def test_a_kernel_is_called_as_its_server_calls_it(self):
        def named(path):
            return agent._kernel_id(type("K", (), {"parent": type("P", (), {"connection_file": path})}))

        self.assertEqual(named("/run/kernel-%s.json" % KERNEL), KERNEL)
        for path in ("/run/kernel-1234.json", "", None, "/run/kernel-%s/../x.json" % KERNEL):
            self.assertIsNone(named(path))
