"""scripts/run_readme runs what is marked, in order, and stops at the first failure."""

import pathlib
import subprocess
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parent.parent.parent / "scripts" / "run_readme"


class RunReadme(unittest.TestCase):
    def run_page(self, text, *options):
        with tempfile.TemporaryDirectory() as folder:
            page = pathlib.Path(folder, "page.md")
            page.write_text(text)
            return subprocess.run([SCRIPT, *options, page], capture_output=True, text=True)

    def test_runs_marked_blocks_only(self):
        result = self.run_page("```text\nexit 3\n```\n\n```sh\n# remark\necho on\\\ne; echo two\n```\n")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("on e\ntwo\n", result.stdout)

    def test_stops_at_the_first_failure(self):
        result = self.run_page("```sh\necho one\nfalse | cat\necho three\n```\n")
        self.assertEqual(result.returncode, 1)
        self.assertNotIn("\nthree", result.stdout)
        self.assertIn("false | cat", result.stderr)

    def test_a_page_without_commands_is_a_fault(self):
        self.assertEqual(self.run_page("nothing\n").returncode, 2)

    def test_lists(self):
        self.assertEqual(self.run_page("```sh\nmake test\n```\n", "--list").stdout, "make test\n")


if __name__ == "__main__":
    unittest.main()
