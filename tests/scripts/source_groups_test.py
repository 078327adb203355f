"""Groups of scripts/source_groups.py: complete, and without two sources that define the same name for themselves."""

import json
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "scripts"))
import source_groups  # noqa: E402

PLAIN = "namespace attend {\nint value() { return 1; }\n}  // namespace attend\n"


class SourceGroups(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def own(self, name, definition):
        return self.write(name, f"namespace attend {{\nnamespace {{\n\n{definition}\n\n}}  // namespace\n}}\n")

    def groups(self, *files, size=8, **options):
        return source_groups.groups_of(files, size, **options)

    def test_sources_without_names_of_their_own_share_a_group_up_to_its_size(self):
        files = [self.write(f"{name}.cpp", PLAIN) for name in "abcde"]
        self.assertEqual(self.groups(*files, size=2), [files[:2], files[2:4], files[4:]])

    def test_sources_of_different_kinds_are_apart(self):
        files = [self.write(name, PLAIN) for name in ("x/a.cpp", "y/b.cpp", "x/c.cpp")]
        self.assertEqual(self.groups(*files, kind_of=lambda file: file.parent), [[files[0], files[2]], [files[1]]])

    def test_every_sort_of_name_that_two_sources_define_parts_them(self):
        for definition in ("int sum(int a) {\n  return a;\n}", "constexpr int sum = 1;", "struct sum {\n  int a;\n};",
                           "using sum = int;", "enum class sum { a };", "template <typename T>\nT sum(T a) {\n  return a;\n}",
                           "std::vector<std::pair<int, int>> sum(int a) {\n  return {};\n}", "const char* const sum[] = {};",
                           "constexpr int rows = 1, sum = 2;", "[[noreturn]] void sum(int a) {\n  throw a;\n}",
                           "[[maybe_unused]] constexpr int sum = 1;"):
            with self.subTest(definition):
                files = [self.own("a.cpp", definition), self.write("b.cpp", PLAIN)]
                self.assertEqual(source_groups.Source(files[0]).own.keys() - {"rows"}, {"sum"})
                files[1] = self.own("b.cpp", "float sum() {\n  return 1;\n}")
                self.assertEqual(len(self.groups(*files)), 2)

    def test_names_inside_functions_part_nobody(self):
        files = [self.own(f"{name}.cpp", f"int {name}() {{\n  int sum = 1;\n  return sum;\n}}") for name in ("one", "two")]
        self.assertEqual(len(self.groups(*files)), 1)

    def test_a_source_that_might_call_the_function_of_another_is_apart(self):
        own = self.own("a.cpp", "int largest(int a, int b) {\n  return a;\n}")
        calls = self.write("b.cpp", '#include "largest.h"\nnamespace attend {\nint first() { return largest(1, 2L); }\n}\n')
        speaks = self.write("c.cpp", 'namespace attend {\n// The largest.\nconst char* name() { return "the largest"; }\n}\n')
        self.assertEqual(self.groups(own, calls, speaks), [[own, speaks], [calls]])
        self.assertEqual(self.groups(calls, speaks, own), [[calls, speaks], [own]])

    def test_a_name_that_is_looked_for_elsewhere_parts_nobody(self):
        own = self.own("a.cpp", "int largest(int a, int b) {\n  return a;\n}")
        for text in ("int first(Pair pair) { return pair.largest(); }", "int first(Pair* pair) { return pair->largest(); }",
                     "int first() { return other::largest(1, 2); }", "Pair first() { return {.largest = 1}; }"):
            with self.subTest(text):
                file = self.write("b.cpp", f"namespace attend {{\n{text}\n}}  // namespace attend\n")
                self.assertEqual(len(self.groups(own, file)), 1)

    def test_names_are_own_to_their_namespace_and_to_those_within(self):
        def write(name, namespace, definition=""):
            inner = f"namespace {{\n\n{definition}\n\n}}  // namespace\n" if definition else "int a = sum();\n"
            return self.write(name, f"namespace {namespace} {{\n\n{inner}\n}}  // namespace {namespace}\n")
        definition = "int sum() {\n  return 1;\n}"
        for one, other, groups in (("a::b", "a::c", 1), ("a::b", "a::b", 2), ("a", "a::b", 2), ("a::b", "a", 1), ("a", "ab", 1)):
            with self.subTest(f"{one} {other}"):
                files = [write("one.cpp", one, definition), write("other.cpp", other)]
                self.assertEqual(len(self.groups(*files)), groups)
                self.assertEqual(len(self.groups(*files[::-1])), groups)
        files = [write("one.cpp", "a::b", definition), write("other.cpp", "a::c", definition)]
        self.assertEqual(len(self.groups(*files)), 1)

    def test_one_alias_may_stand_in_several_sources(self):
        same = [self.own(f"{name}.cpp", "using Words = std::vector<std::string>;") for name in "ab"]
        other = self.own("c.cpp", "using Words = std::set<std::string>;")
        mentions = self.write("d.cpp", "namespace attend {\nWords words();\n}  // namespace attend\n")
        self.assertEqual(self.groups(*same, other, mentions), [same, [other], [mentions]])

    def test_the_groups_are_few(self):
        # Taken in their order, the first two would share a group and leave the others apart.
        one, two = self.own("a.cpp", "int a();"), self.own("b.cpp", "int b();")
        three = self.own("c.cpp", "int c();\nint d = b();")
        four = self.own("d.cpp", "int e();\nint f = a() + c();")
        self.assertEqual(self.groups(one, two, three, four), [[one, three], [two, four]])

    def test_macros_and_tests_of_one_name_part(self):
        for text in ("#define SIZE 3\n", "TEST(Sum, OfNothing) {}\n", "TEST_F(Sum, OfNothing) {}\n",
                     "INSTANTIATE_TEST_SUITE_P(Sum, OfNothing, Values(1));\n"):
            with self.subTest(text):
                files = [self.write("a.cpp", text), self.write("b.cpp", text)]
                self.assertEqual(len(self.groups(*files)), 2)

    def test_a_build_compiles_the_sources_of_its_groups(self):
        files = [self.write(f"{name}.cpp", PLAIN) for name in "abc"]
        unit = self.write("build/Unity/unity_a_cxx.cxx", f'/* by CMake */\n#include "{files[0]}"\n\n#include "{files[1]}"\n')
        entries = [{"directory": str(self.root), "file": str(file)} for file in (unit, files[2])]
        database = self.write("build/compile_commands.json", json.dumps(entries))
        self.assertEqual(list(source_groups.compile_commands(database)),
                         [(files[0].resolve(), entries[0]), (files[1].resolve(), entries[0]), (files[2].resolve(), entries[1])])


if __name__ == "__main__":
    unittest.main()
