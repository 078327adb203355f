"""scripts/check_readme_code finds each way in which a document's C++ can differ from the example it shows."""

import importlib.machinery
import importlib.util
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("check_readme_code", str(ROOT / "scripts" / "check_readme_code"))
script = importlib.util.module_from_spec(importlib.util.spec_from_loader("check_readme_code", loader))
loader.exec_module(script)


class CheckReadmeCode(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        (self.root / "examples").mkdir()
        (self.root / "examples" / "add.cpp").write_text("int main() {}\n")
        self.page = self.root / "README.md"

    def check(self, text, **options):
        self.page.write_text(text)
        return script.check(self.root, self.page, **options)

    def test_equal(self):
        self.assertEqual(self.check("<!-- examples/add.cpp -->\n```cpp\nint main() {}\n```\n"), [])

    def test_different(self):
        faults = self.check("a\n<!-- examples/add.cpp -->\n```cpp\nint main() { }\n```\n")
        self.assertEqual(len(faults), 1)
        self.assertIn("README.md:2: differs from examples/add.cpp", faults[0])

    def test_unnamed(self):
        self.assertIn("without the comment", self.check("```cpp\nint main() {}\n```\n")[0])

    def test_unknown(self):
        self.assertIn("there is no example", self.check("<!-- examples/sub.cpp -->\n```cpp\n```\n")[0])

    def test_write(self):
        self.assertEqual(self.check("<!-- examples/add.cpp -->\n```cpp\nold\n```\nend\n", write=True), [])
        self.assertEqual(self.page.read_text(), "<!-- examples/add.cpp -->\n```cpp\nint main() {}\n```\nend\n")


if __name__ == "__main__":
    unittest.main()
