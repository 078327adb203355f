"""Each rule of scripts/check_floors must be able to fail: a small tree with one fault at a time."""

import importlib.machinery
import importlib.util
import json
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "scripts"))
loader = importlib.machinery.SourceFileLoader("check_floors", str(ROOT / "scripts" / "check_floors"))
check_floors = importlib.util.module_from_spec(importlib.util.spec_from_loader("check_floors", loader))
loader.exec_module(check_floors)

PAGE = """
<!-- floors -->
| floor | what |
|---|---|
| `cli` `serve` | programs |
| `op` | operations |
| `backend` | kernels |
| `base` | errors |
<!-- /floors -->
"""
HEADER = "#pragma once\n"


class CheckFloors(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.write("docs/architecture.md", PAGE)
        self.write("include/attend/base/error.h", HEADER + "#include <string>\n")
        self.write("include/attend/op/add.h", HEADER + '#include "attend/base/error.h"\n')
        self.write("src/op/add.cpp", '#include "attend/op/add.h"\n#include "backend/kernels.h"\n')
        self.write("src/backend/kernels.h", HEADER + "#include <immintrin.h>\n#include <dnnl.hpp>\n")
        self.write("src/cli/main.cpp", '#include "attend/op/add.h"\n#include "serve/server.h"\n')
        self.write("tests/op/add_test.cpp", "TEST(Add, Adds) {}\n")
        self.write("examples/add.cpp", '#include "attend/op/add.h"\n')

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def expect(self, fault, commands=None):
        errors = check_floors.check(self.root, commands).errors
        self.assertEqual(len(errors), 1, errors)
        self.assertIn(fault, errors[0])

    def test_a_tidy_tree_has_no_fault(self):
        faults = check_floors.check(self.root)
        self.assertEqual(faults.errors, [])
        self.assertEqual(faults.remarks, [])

    def test_a_page_without_the_table(self):
        self.write("docs/architecture.md", "nothing")
        with self.assertRaises(SystemExit):
            check_floors.check(self.root)

    def test_a_higher_floor_in_a_source(self):
        self.write("src/base/error.cpp", '\n#include "op/add.h"\n')
        self.expect("src/base/error.cpp:2: 'base' includes 'op/add.h' of the higher floor 'op'")

    def test_a_higher_floor_in_a_public_header(self):
        self.write("include/attend/base/log.h", HEADER + '#  include <attend/op/add.h>\n')
        self.expect("'base' includes 'attend/op/add.h' of the higher floor 'op'")

    def test_a_folder_that_is_no_floor(self):
        self.write("src/util/misc.cpp", "")
        self.expect("folder 'util' is no floor")

    def test_an_include_that_names_no_floor(self):
        self.write("src/op/add.cpp", '#include "add.h"\n')
        self.expect("names no floor")

    def test_an_include_of_an_unknown_floor(self):
        self.write("src/op/add.cpp", '#include "../base/error.h"\n')
        self.expect("'..' is no floor")

    def test_a_source_outside_the_floors(self):
        self.write("src/main.cpp", "")
        self.expect("sources stand in the folder of a floor")

    def test_onednn_above_the_backend(self):
        self.write("src/op/add.cpp", "#include <oneapi/dnnl/dnnl.hpp>\n")
        self.expect("belongs to the backend")

    def test_simd_above_the_backend(self):
        self.write("src/op/add.cpp", "#include <immintrin.h>\n")
        self.expect("belongs to the backend")

    def test_a_library_in_a_public_header(self):
        for name in ("nlohmann/json.hpp", "fmt/format.h", "png.h", "omp.h"):
            self.write("include/attend/op/add.h", HEADER + f"#include <{name}>\n")
            self.expect(f"public header includes <{name}>")

    def test_a_private_header_in_a_public_one(self):
        self.write("include/attend/op/add.h", HEADER + '#include "backend/kernels.h"\n')
        self.expect("which is not installed")

    def test_a_condition_in_a_public_header(self):
        for line in ("#if defined(ATTEND_X)", "#ifdef ATTEND_X", "# ifndef X", "#elif 1", "#else"):
            self.write("include/attend/op/add.h", HEADER + line + "\n")
            self.expect("conditional part")

    def test_a_header_without_guard(self):
        self.write("include/attend/op/add.h", "")
        self.expect("without #pragma once")

    def test_a_header_outside_attend(self):
        self.write("include/add.h", HEADER)
        self.expect("below include/attend/")

    def test_a_header_that_the_whole_leaves_out(self):
        self.write("include/attend/attend.h", HEADER + '#include "attend/op/add.h"\n')
        self.expect('include/attend/attend.h:1: "attend/base/error.h" is missing')
        self.write("include/attend/attend.h",
                   HEADER + '#include "attend/base/error.h"\n#include "attend/op/add.h"\n')
        self.assertEqual(check_floors.check(self.root).errors, [])

    def test_an_example_on_private_headers(self):
        self.write("examples/add.cpp", '#include "backend/kernels.h"\n')
        self.expect("which is no public header")

    def test_a_long_file(self):
        self.write("src/op/add.cpp", "\n" * 801)
        self.expect("801 lines")
        self.write("src/op/add.cpp", "\n" * 800)
        self.assertEqual(len(check_floors.check(self.root).remarks), 1)

    def test_a_test_too_deep(self):
        self.write("tests/op/more/sum_test.cpp", "TEST(Sum, Sums) {}\n")
        self.expect("no test program picks this file up")

    def test_a_test_with_another_name(self):
        self.write("tests/op/sum.cpp", "TYPED_TEST(Sum, Sums) {}\n")
        self.expect("never runs")

    def test_a_source_that_nothing_compiles(self):
        commands = self.root / "compile_commands.json"
        files = ["src/op/add.cpp", "src/cli/main.cpp", "tests/op/add_test.cpp", "examples/add.cpp"]
        for left_out in files:
            commands.write_text(json.dumps([{"directory": str(self.root), "file": str(self.root / file)}
                                            for file in files if file != left_out]))
            self.expect(f"{left_out}:1: no target", commands)


if __name__ == "__main__":
    unittest.main()
