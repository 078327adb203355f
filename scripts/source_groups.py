#!/usr/bin/env python3
"""Which sources may share one translation unit, and which do in a build.

Headers that many sources include, and what they instantiate, take a large part of the time to compile: the build
(cmake/unity.cmake) and the linter (scripts/lint) put several sources into one translation unit. A source that defines
a name for itself, in an anonymous namespace or as a macro, is kept apart from those that mention this name.

  scripts/source_groups.py --size N SOURCE...    a line for each group of several: its sources, separated by semicolons
"""

import argparse
import json
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
TEST_CASE = re.compile(r"^(?:(?:TYPED_)?TEST(?:_F|_P)?|INSTANTIATE_TEST_SUITE_P)\((\w+),\s+(\w+)[,)]", re.M)
MACRO = re.compile(r"^#define (\w+)", re.M)
# Where a namespace begins or ends; the first group is its name, empty for an anonymous one and for an end.
NAMESPACE = re.compile(r"^(?:namespace(?: ([\w:]+))? \{|\}  // namespace.*)$", re.M)
# What stands at the beginning of a line: a type, a function, a constant, an alias.
DEFINED = re.compile(r"^(?:(?:struct|class|enum class|enum|union) (\w+)|^using (\w+) =|"
                     r"(?:\[\[\w+\]\] )?(?!template|struct|class|enum|using|union|namespace|static_assert|TEST|TYPED|INSTANTIATE)"
                     r"(?=\w)[\w:<>,&*\[\] ]*?\b(\w+)(?=\(| = |\{|\[|;))", re.M)
# Further constants of one declaration: "constexpr int kRows = 2, kColumns = 3;" defines two.
CONSTANTS = re.compile(r"^(?:static )?const(?:expr)? .*;", re.M)
CONSTANT = re.compile(r"(?<![.\w])(\w+)(?= = |\{)")
ALIAS = re.compile(r"^using (\w+) = [^;]+;", re.M)
# A name behind ".", "->" or "::" is looked for in what stands before it.
WORD = re.compile(r"(?<![\w.])(?<!->)(?<!::)[A-Za-z_]\w*")
# Comments and texts, on one line each as the format has them.
NO_CODE = re.compile(r'//[^\n]*|"(?:[^"\\\n]|\\.)*"')
GROUP_INCLUDE = re.compile(r'^#include "([^"]+\.cpp)"', re.M)


class Source:
    """What a source defines for itself, and what it mentions that may mean a definition of another source.

    own      name -> for each namespace that holds an anonymous one with this name, how it is defined there: the text
             of an alias, which another source may repeat, or nothing
    words    the words of its code that may be names, without those of comments and texts
    shared   macros and tests: names without a namespace
    """

    def __init__(self, file):
        text = file.read_text()
        self.shared = {f"{suite} {name}" for suite, name in TEST_CASE.findall(text)} | set(MACRO.findall(text))
        self.words = set(WORD.findall(NO_CODE.sub(" ", text)))
        self.namespaces = {""}
        self.own = {}
        opened = []
        begin = 0
        for mark in NAMESPACE.finditer(text):
            if opened and opened[-1] == "":
                self.define("::".join(opened[:-1]), text[begin:mark.start()])
            if mark[0].startswith("namespace"):
                opened.append(mark[1] or "")
                self.namespaces.add("::".join(filter(None, opened)))
            elif opened:
                opened.pop()
            begin = mark.end()

    def define(self, namespace, part):
        aliases = {match[1]: match[0] for match in ALIAS.finditer(part)}
        names = {name for found in DEFINED.findall(part) for name in found if name}
        names.update(name for line in CONSTANTS.findall(part) for name in CONSTANT.findall(line))
        for name in names:
            self.own.setdefault(name, {})[namespace] = aliases.get(name)

    def may_change(self, other):
        """Whether a definition of this source could take the place of what the other one means by the same name."""
        for name in self.own.keys() & other.words:
            for namespace, alias in self.own[name].items():
                if alias is not None and other.own.get(name, {}).get(namespace) == alias:
                    continue
                if any(inner == namespace or inner.startswith(f"{namespace}::") for inner in other.namespaces):
                    return True
        return False

    def gets_along_with(self, other):
        return not (self.shared & other.shared or self.shared & other.words or self.words & other.shared or
                    self.may_change(other) or other.may_change(self))


def groups_of(files, size, kind_of=lambda file: None):
    """The files in groups of at most `size`, each of one kind. What one of a group defines for itself, no other of it
    mentions where it would be found: neither defines it too, nor could come to call it instead of a function of the
    same name. An alias of one type may stand in several. Those that get along with the fewest are placed first, which
    leaves fewer groups."""
    kinds = {}
    for place, file in enumerate(files):
        kinds.setdefault(kind_of(file), []).append((place, Source(file)))
    groups = []
    for members in kinds.values():
        foes = {place: {other for other, its in members if other != place and not source.gets_along_with(its)}
                for place, source in members}
        of_kind = []
        for place in sorted(foes, key=lambda place: -len(foes[place])):
            for group in of_kind:
                if len(group) < size and foes[place].isdisjoint(group):
                    group.append(place)
                    break
            else:
                of_kind.append([place])
        groups += of_kind
    return sorted(([files[place] for place in sorted(group)] for group in groups), key=lambda group: files.index(group[0]))


def compile_commands(database):
    """Pairs of a source and the entry of compile_commands.json that compiles it, alone or in a group."""
    for entry in json.loads(database.read_text()):
        file = pathlib.Path(entry["directory"], entry["file"]).resolve()
        if file.parent.name == "Unity":
            for member in GROUP_INCLUDE.findall(file.read_text()):
                yield pathlib.Path(member).resolve(), entry
        else:
            yield file, entry


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, required=True, help="most sources of a group")
    parser.add_argument("sources", nargs="+", type=pathlib.Path)
    options = parser.parse_args()
    # A floor has translation units of its own, so that a change there compiles sources of that floor and no other.
    for group in groups_of(options.sources, options.size, lambda file: file.relative_to(ROOT).parts[:2]):
        if len(group) > 1:
            print(";".join(map(str, group)))


if __name__ == "__main__":
    main()
