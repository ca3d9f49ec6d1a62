#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Turn the kernel-doc comments of C headers into the references of mdoc manual pages.

A line "@NAME@" of the template becomes the reference of the header that NAME=HEADER names; "@NAME:errors@" the list
of error codes in the header's first comment. What a header says thus stands in the header alone.

What is taken, in the header's order: kernel-doc comments (/**) with the declaration that follows, and ordinary
comments directly above #define lines, with those lines. Other comments are for readers of the header.
"""
import argparse
import re
import sys
import textwrap

COMMENT = re.compile(r"[ \t]*/\*.*?\*/[ \t]*\n", re.S)
DEFINE = re.compile(r"#define\s+(\w+)\s+(.+?)\s*(?:/\*\s*(.*?)\s*\*/)?$")


def comment_lines(comment):
    """The text of a comment, without its stars."""
    lines = comment.strip()[2:-2].lstrip("*").split("\n")
    return [re.sub(r"^\s*\*? ?", "", line, count=1).rstrip() for line in lines]


def paragraphs(lines):
    """Join lines to paragraphs; blank lines part them, deeper ones stay as they are."""
    result = [[]]
    for line in lines:
        if line.strip():
            result[-1].append(line)
        elif result[-1]:
            result.append([])
    return [p for p in result if p]


def escape(text):
    """Make mdoc of running text: names of arguments, structures and functions get their fonts."""
    text = text.replace("\\", "\\e")
    text = re.sub(r"\b(vmmu_\w+)\(\)", r"\\fB\1\\fP()", text)
    text = re.sub(r"&struct (\w+)", r"\\fIstruct \1\\fP", text)
    return re.sub(r"(?<![\w.])\*?@(\w+)", r"\\fI\1\\fP", text)


def emit_text(text):
    """Print running text: a sentence starts a line, no line starts with a control character."""
    text = escape(" ".join(text.split()))
    for sentence in re.split(r"(?<=[.?!:;])(?<!e\.g\.) (?=\S)", text):
        for line in textwrap.wrap(sentence, 78, break_long_words=False, break_on_hyphens=False):
            print("\\&" + line if line[0] in ".'" else line)


def emit_tags(items, width):
    """Print a list of (tag, text)."""
    print(f".Bl -tag -width {width}")
    for tag, text in items:
        print(f".It {tag}")
        emit_text(text)
    print(".El")


class Block:
    """A kernel-doc comment: title, arguments, paragraphs."""

    def __init__(self, comment, declaration):
        lines = comment_lines(comment)
        while not lines[0].strip():
            lines.pop(0)
        head, _, self.title = lines.pop(0).partition(" - ")
        while lines and lines[0].strip() and not lines[0].startswith("@"):
            self.title += " " + lines.pop(0).strip()
        self.kind, self.name = (head.split() if " " in head else ("function", head.rstrip("()")))
        self.declaration = declaration
        self.arguments = []
        rest = []
        for line in lines:
            argument = re.match(r"@(\w+):\s*(.*)", line)
            if argument:
                self.arguments.append(list(argument.groups()))
            elif self.arguments and not rest and line[:1].isspace():
                self.arguments[-1][1] += " " + line.strip()
            else:
                rest.append(line)
        self.paragraphs = paragraphs(rest)

    def emit(self):
        request, _, title = self.title.partition(": ")
        if re.fullmatch(r"VMMU_IOC_\w+(, VMMU_IOC_\w+)*", request):
            print(f".Ss {request}")
            emit_text(f"{title[0].upper()}{title[1:]}.")
        else:
            print(f".Ss {self.name}()" if self.kind == "function" else f".Ss {self.kind} {self.name}")
            emit_text(f"{self.title[0].upper()}{self.title[1:]}.")
        if self.kind != "enum":
            self.emit_declaration()
        if self.arguments:
            macro = "Dv" if self.kind == "enum" else "Fa"
            emit_tags([(f"{macro} {name}", text) for name, text in self.arguments], "reserved_")
        for paragraph in self.paragraphs:
            if all(line.startswith(" ") for line in paragraph):
                emit_literal(paragraph)
            else:
                print(".Pp")
                emit_text(" ".join(paragraph))

    def emit_declaration(self):
        emit_literal(self.declaration.rstrip("\n").split("\n"))


def emit_literal(lines):
    print(".Bd -literal -offset indent")
    for line in textwrap.dedent("\n".join(lines)).expandtabs(8).split("\n"):
        line = line.replace("\\", "\\e")
        print("\\&" + line if line[:1] in (".", "'") else line)
    print(".Ed")


def emit_defines(lines, defines):
    """A comment above #define lines: its first sentence is the title."""
    print(".Ss " + (re.match(r"\w+", defines[0][0]).group(0).rsplit("_", 1)[0] + "_*"))
    for paragraph in paragraphs(lines):
        emit_text(" ".join(paragraph))
    emit_tags([(f"Dv {name}", f"{value}: {text}" if text else value) for name, value, text in defines], "reserved_")


def declaration_after(text, start):
    """The declaration that starts at the offset: to the semicolon outside of braces."""
    depth = 0
    for at in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if text[at] == ";" and not depth:
            return text[start:at + 1]
    raise SystemExit("kdoc2mdoc: a kernel-doc comment without a declaration")


def defines_after(text, start):
    """The #define lines that directly follow the offset."""
    result = []
    for line in text[start:].split("\n"):
        found = DEFINE.match(line)
        if not found:
            return result
        result.append(found.groups())
    return result


def emit_reference(header):
    text = open(header, encoding="utf-8").read()
    for found in COMMENT.finditer(text):
        if found.group(0).startswith("/**"):
            Block(found.group(0), declaration_after(text, found.end())).emit()
        elif found.group(0).startswith("/*") and defines_after(text, found.end()):
            defines = defines_after(text, found.end())
            if not defines[0][0].startswith("VMMU_IOC_"):
                emit_defines(comment_lines(found.group(0)), defines)


def emit_errors(header):
    """The paragraphs of "ENAME  text" in the header's first long comment."""
    text = open(header, encoding="utf-8").read()
    items = []
    for found in COMMENT.finditer(text):
        for line in comment_lines(found.group(0)):
            error = re.match(r"\s+(E[A-Z0-9]+)\s{2,}(\S.*)", line)
            if error:
                items.append([f"Bq Er {error.group(1)}", error.group(2)])
            elif items and re.match(r"\s{8,}\S", line):
                items[-1][1] += " " + line.strip()
        if items:
            break
    emit_tags([(tag, text[0].upper() + text[1:] + ".") for tag, text in items], "Er")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--template", required=True)
    parser.add_argument("headers", nargs="+", metavar="NAME=HEADER")
    arguments = parser.parse_args()
    headers = dict(pair.split("=", 1) for pair in arguments.headers)
    for line in open(arguments.template, encoding="utf-8"):
        place = re.fullmatch(r"@(\w+)(:errors)?@\n", line)
        if not place:
            sys.stdout.write(line)
        elif place.group(2):
            emit_errors(headers[place.group(1)])
        else:
            emit_reference(headers[place.group(1)])


if __name__ == "__main__":
    main()
