#!/usr/bin/env python3
"""The house rules, checked: layers, sizes, banned calls (with what to use instead), loose ends.

    tools/check.py            exit 1 and one line for each finding
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SRC = ROOT / "src"
LINE_MAX = 100
FILE_MAX = 700
FUNCTION_MAX = 70

# What no source of ours may say, what to say instead, and where it is allowed all the same.
BANNED = [
    (r"\bstd::this_thread::sleep", "async::sleep_for, or a ManualCore in tests",
     {"src/async/manual_core.cc", "functions/sdk/clock.cc", "src/sandbox/sandbox_fixture_test.cc"}),
    (r"\bsystem_clock::now\b", "base::Clock", {"src/base/clock.cc", "functions/sdk/clock.cc"}),
    (r"\b(?:rand|srand|drand48)\s*\(", "base::Random", set()),
    (r"\bstd::(?:random_device|mt19937)", "base::Random", set()),
    (r"\b(?:sprintf|strcpy|strcat|gets)\s*\(", "fmt::format or std::string", set()),
    (r"\bstd::regex\b", "a hand-written match or RE2: std::regex recurses over its input", set()),
    (r"\bassert\s*\(", "CHECK, which is on in every build", set()),
    (r"\bstd::cout\b|\bstd::cerr\b", "base::log_* in the server, fmt::print in the command", set()),
    (r"\busing namespace std\s*;", "the names themselves", set()),
    (r"\bprintf\s*\(\"", "fmt::print", set()),
]
LOOSE = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
findings = []


def find(path, line, text):
    findings.append(f"{path.relative_to(ROOT)}:{line}: {text}")


def module_of(path):
    """The folder with the nearest CMakeLists.txt that declares a module."""
    for folder in path.parents:
        if folder == SRC:
            return None
        lists = folder / "CMakeLists.txt"
        if lists.exists() and "millrace_module(" in lists.read_text():
            return str(folder.relative_to(SRC))
    return None


def declared():
    deps = {}
    for lists in SRC.rglob("CMakeLists.txt"):
        for call in re.findall(r"^\s*millrace_module\(\s*([^)]*)\)", lists.read_text(), re.M | re.S):
            words, key, name = call.split(), None, None
            name, groups = words[0], {}
            for word in words[1:]:
                if word in ("DEPS", "LIBS", "TEST_DEPS", "GENERATED"):
                    key = word
                    groups.setdefault(key, [])
                elif key:
                    groups[key].append(word)
            deps[name] = set(groups.get("DEPS", [])), set(groups.get("TEST_DEPS", []))
    return deps


def check_includes(path, lines, deps, modules):
    own = module_of(path)
    if own is None or own not in deps:
        return
    allowed, in_tests = deps[own]
    if path.name.endswith(("_test.cc", "_fuzz.cc", "_fixture.h")):
        allowed = allowed | in_tests
    for number, line in enumerate(lines, 1):
        match = re.match(r'\s*#\s*include "([^"]+)"', line)
        if not match:
            continue
        include = match.group(1)
        target = next((m for m in modules if include.startswith(m + "/")), None)
        if target and target != own and target not in allowed:
            find(path, number, f'{own} includes "{include}" but does not declare {target} in DEPS')


def check_functions(path, lines):
    """A function is a brace that opens at column 0..2 after a ')' line and closes at the same indent."""
    start = None
    for number, line in enumerate(lines, 1):
        if start is None:
            if re.match(r"^( {0,2})(?!namespace|struct|class|enum|union|extern|#|//)\S.*\{$", line) and (
                    ")" in line or re.match(r"^ {4,}.*\)", lines[number - 2] if number > 1 else "")):
                start, indent = number, len(line) - len(line.lstrip())
        elif re.match(rf"^ {{{indent}}}\}}", line):
            if number - start + 1 > FUNCTION_MAX:
                find(path, start, f"a function of {number - start + 1} lines; at most {FUNCTION_MAX}")
            start = None


def check_file(path, deps, modules):
    text = path.read_text()
    lines = text.splitlines()
    relative = str(path.relative_to(ROOT))
    # Tables of test data, scripts for Node and Python in raw strings, and programs that run inside
    # a sandbox without our libraries.
    if path.name.endswith(("_vectors.h", "_expectations.h")) or path.name.startswith("bootstrap_"):
        return
    freestanding = relative.startswith(("src/sandbox/init/", "src/sandbox/subject/"))
    if len(lines) > FILE_MAX:
        find(path, 1, f"{len(lines)} lines; at most {FILE_MAX}: would two ideas be easier to find apart?")
    for number, line in enumerate(lines, 1):
        if len(line) > LINE_MAX and "http" not in line and "R\"" not in line and '"' not in line:
            find(path, number, f"{len(line)} columns; at most {LINE_MAX}")
        if LOOSE.search(line):
            find(path, number, "a loose end: finish it, or write it down in docs/compatibility.md")
        code = line.split("//")[0]
        for pattern, instead, allowed in BANNED:
            if not freestanding and relative not in allowed and re.search(pattern, code):
                find(path, number, f"'{re.search(pattern, code).group(0)}' is banned: use {instead}")
    if path.suffix == ".h":
        if "#pragma once" not in text:
            find(path, 1, "a header without #pragma once")
        elif not re.search(r"#pragma once\n+(//|#include|/\*)", text) or "//" not in text:
            find(path, 1, "a header that does not say what it is")
    check_includes(path, lines, deps, modules)
    if not path.name.endswith("_test.cc"):
        check_functions(path, lines)


def check_format(files):
    done = subprocess.run(["clang-format-19", "--dry-run", "--Werror", *map(str, files)],
                          capture_output=True, text=True, cwd=ROOT)
    if done.returncode != 0:
        bad = sorted({line.split(":")[0] for line in done.stderr.splitlines() if ": error:" in line})
        for name in bad:
            findings.append(f"{name}: not formatted; run ./dev format")


def main():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "src", "functions", "bench"],
                            capture_output=True, text=True, cwd=ROOT, check=True).stdout.split()
    files = [ROOT / name for name in listed if name.endswith((".h", ".cc")) and (ROOT / name).exists()]
    deps = declared()
    modules = sorted(deps, key=len, reverse=True)
    for path in files:
        check_file(path, deps, modules)
    check_format(files)
    print("\n".join(findings) if findings else f"house rules: {len(files)} files, nothing to say")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
