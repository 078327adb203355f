"""Objects made up for scripts/check_kernel_symbols: one that keeps to its namespace, and each way not to."""

import os
import pathlib
import subprocess
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parent.parent.parent / "scripts" / "check_kernel_symbols"
GOOD = """
#include <vector>
namespace attend { template <class F> void loop(F&& f) { f(1); } }
namespace attend::avx512 {
struct Cell { virtual ~Cell() = default; float x = 0; };
static int hidden(int x) { return x + 1; }
namespace { int also_hidden(int x) { return x + 2; } }
int add(int a) { return hidden(a) + also_hidden(a); }
Cell* make() { return new Cell; }
void run(int& sum) { loop([&](int i) { sum += i; }); }
}
"""


class CheckKernelSymbols(unittest.TestCase):
    def check(self, source, isa="avx512"):
        with tempfile.TemporaryDirectory() as folder:
            file, made = pathlib.Path(folder, "kernel.cpp"), pathlib.Path(folder, "kernel.o")
            file.write_text(source)
            # Without optimisation inline functions are not inlined away, so that the copy is there to be found.
            subprocess.run([os.environ.get("CXX", "g++"), "-std=c++20", "-O0", "-fopenmp", "-c", file, "-o", made],
                           check=True)
            result = subprocess.run([SCRIPT, "--isa", isa, made], capture_output=True, text=True)
            return result.returncode, result.stdout

    def test_an_object_that_keeps_to_its_namespace(self):
        code, output = self.check(GOOD)
        self.assertEqual(code, 0, output)

    def test_the_namespace_of_another_instruction_set(self):
        code, output = self.check(GOOD, isa="avx512_bf16")
        self.assertEqual(code, 1)
        self.assertIn("attend::avx512::add(int)", output)

    def test_an_inline_function_of_the_standard_library(self):
        code, output = self.check(GOOD + "namespace attend::avx512 { int size(std::vector<int>& v) { return v.size(); } }")
        self.assertEqual(code, 1)
        self.assertIn("std::vector<int", output)

    def test_a_function_of_the_project_outside(self):
        code, output = self.check("namespace attend { void kernel() {} }")
        self.assertEqual(code, 1)
        self.assertIn("attend::kernel()", output)

    def test_code_before_main(self):
        code, output = self.check("namespace attend::avx512 { int f(); static int x = f(); int g() { return x; } }")
        self.assertEqual(code, 1)
        self.assertIn("before main()", output)

    def test_a_build_folder_without_kernels(self):
        with tempfile.TemporaryDirectory() as folder:
            result = subprocess.run([SCRIPT, folder], capture_output=True, text=True)
        self.assertEqual(result.returncode, 1)
        self.assertIn("no object of attend_avx2", result.stdout)


if __name__ == "__main__":
    unittest.main()
