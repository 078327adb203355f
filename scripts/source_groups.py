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
TEST_CASE = re.compile(r"^(?:TYPED_)?TEST(?:_F|_P)?\((\w+), (\w+)\)", re.M)
MACRO = re.compile(r"^#define (\w+)", re.M)
ANONYMOUS = re.compile(r"^namespace \{$(.*?)^\}  // namespace$", re.M | re.S)
# What stands at the beginning of a line: a type, a function, a constant, an alias.
DEFINED = re.compile(r"^(?:(?:struct|class|enum class|enum|union) (\w+)|^using (\w+) =|(?!template|struct|class|enum|using|union|namespace|static_assert|TEST|TYPED)"
                     r"(?=\w)[\w:<>,&*\[\] ]*?\b(\w+)(?=\(| = |\{|\[|;))", re.M)
# Further constants of one declaration: "constexpr int kRows = 2, kColumns = 3;" defines two.
CONSTANTS = re.compile(r"^(?:static )?const(?:expr)? .*;", re.M)
CONSTANT = re.compile(r"\b(\w+)(?= = |\{)")
WORD = re.compile(r"\b[A-Za-z_]\w*")
# Comments and texts, on one line each as the format has them.
NO_CODE = re.compile(r'//[^\n]*|"(?:[^"\\\n]|\\.)*"')
GROUP_INCLUDE = re.compile(r'^#include "([^"]+\.cpp)"', re.M)


def own_names(file):
    """Names that may collide with those of another source in one translation unit: what is defined in anonymous
    namespaces, macros, and the tests."""
    text = file.read_text()
    names = {f"{suite} {name}" for suite, name in TEST_CASE.findall(text)} | set(MACRO.findall(text))
    for part in ANONYMOUS.findall(text):
        names.update(name for pair in DEFINED.findall(part) for name in pair if name)
        names.update(name for line in CONSTANTS.findall(part) for name in CONSTANT.findall(line))
    return names


def words_of(file):
    """The words of the code that may be names, without those of comments and texts."""
    return set(WORD.findall(NO_CODE.sub(" ", file.read_text())))


def groups_of(files, size, kind_of=lambda file: None):
    """The files in groups of at most `size`, each of one kind. What one of a group defines for itself, no other of it
    mentions: neither defines it too, nor could come to call it instead of a function of the same name."""
    groups = []
    open_groups = {}
    for file in files:
        kind = kind_of(file)
        names, words = own_names(file), words_of(file)
        for group, taken, mentioned in open_groups.setdefault(kind, []):
            if len(group) < size and not names & mentioned and not words & taken and not names & taken:
                group.append(file)
                taken |= names
                mentioned |= words
                break
        else:
            group = [file]
            open_groups[kind].append((group, names, words))
            groups.append(group)
    return groups


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
