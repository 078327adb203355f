"""scripts/tag_folds: whole documents in each fold, every sentence measured once, and the interval by hand."""

import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import textwrap
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parent.parent.parent / "scripts" / "tag_folds"

# Stands for attend: `train` keeps its arguments, `eval` says an F1 of a hundredth of the fold's number.
PROGRAM = textwrap.dedent("""\
    #!/usr/bin/env python3
    import json, pathlib, re, sys
    if sys.argv[1] == "train":
        if "--fail" in sys.argv:
            sys.exit("attend: no such option")
        out = pathlib.Path(sys.argv[sys.argv.index("--out") + 1])
        out.mkdir(parents=True)
        (out / "arguments").write_text("\\n".join(sys.argv[1:]))
    else:
        print(json.dumps({"accuracy": 0.5, "spans": {"f1": int(re.search(r"model(\\d)", sys.argv[2])[1]) / 100}}))
    """)


class TagFolds(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.program = self.folder / "attend"
        self.program.write_text(PROGRAM)
        self.program.chmod(0o755)
        self.data = self.folder / "names.iob2"

    def run_script(self, *options):
        return subprocess.run([sys.executable, SCRIPT, "--attend", self.program, "--work", self.folder / "work", self.data,
                               *options], capture_output=True, text=True)

    def write(self, documents):
        """Documents of one to three sentences; sentence s of document d has the only word d.s."""
        text = ""
        for d in range(documents):
            for s in range(1 + d % 3):
                text += (f"# newdoc id = {d}\n" if s == 0 else "") + f"1\t{d}.{s}\tO\t-\t-\n\n"
        self.data.write_text(text)

    def words(self, part, fold):
        return re.findall(r"^1\t(\S+)", (self.folder / "work" / f"{part}{fold}.iob2").read_text(), re.M)

    def test_every_sentence_is_measured_once_and_documents_stay_whole(self):
        self.write(25)
        self.assertEqual(self.run_script().returncode, 0)
        everything = [f"{d}.{s}" for d in range(25) for s in range(1 + d % 3)]
        self.assertEqual(sorted(word for fold in range(10) for word in self.words("test", fold)), sorted(everything))
        for fold in range(10):
            parts = [self.words(part, fold) for part in ("train", "valid", "test")]
            self.assertEqual(sorted(sum(parts, [])), sorted(everything))
            documents = [{word.split(".")[0] for word in part} for part in parts]
            self.assertFalse(documents[0] & documents[1] or documents[0] & documents[2] or documents[1] & documents[2])
            self.assertEqual(self.words("valid", fold), self.words("test", (fold + 1) % 10))

    def test_mean_and_interval(self):
        self.write(10)
        ended = self.run_script("--steps", "7")
        figures = [fold / 100 for fold in range(10)]
        half = 2.262 * statistics.stdev(figures) / 10**0.5
        self.assertIn(f"span F1 0.0450 +- {half:.4f} (95 %, 10 folds, 10 documents", ended.stdout)
        self.assertIn("\n--steps\n7", (self.folder / "work" / "model3" / "arguments").read_text())

    def test_one_line_for_what_goes_wrong(self):
        self.write(9)
        few = self.run_script()
        self.assertNotEqual(few.returncode, 0)
        self.assertIn("has 9 documents; 10 folds need as many", few.stderr)
        self.write(10)
        failed = self.run_script("--fail")
        self.assertNotEqual(failed.returncode, 0)
        self.assertEqual(failed.stderr, "tag_folds: fold 0: attend: no such option\n")


if __name__ == "__main__":
    unittest.main()
