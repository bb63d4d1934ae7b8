# SPDX-License-Identifier: MIT
"""A build of its own, and what a fault changes in it.

The library and the tests are built once. For a fault its file alone is
compiled again, outside the sources (a header: every file that includes it),
and the tests are linked one by one, as they are needed, with the new objects
before the library: the linker then takes nothing from there that these have.
"""

import json
import os
import pathlib
import shlex
import subprocess

OPTIONS = ["--buildtype=plain", "-Doptimization=1", "-Dwerror=false",
           "-Ddefault_library=static", "-Dtests=enabled", "-Dbench=disabled",
           "-Ddocs=disabled"]
LIBRARY = "src/libasyncio-whole.a.p/"


class BuildError(Exception):
    pass


def run(command, cwd):
    r = subprocess.run(command, cwd=cwd, text=True, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT)
    if r.returncode != 0:
        raise BuildError(r.stdout)
    return r.stdout


class Build:
    def __init__(self, root, directory):
        self.root = root
        self.dir = directory / "build"
        if not (self.dir / "build.ninja").exists():
            run(["meson", "setup", str(self.dir), str(root), *OPTIONS],
                directory)
        run(["ninja", "build.ninja"], self.dir)
        self.tests = json.loads(
            run(["meson", "introspect", "--tests", str(self.dir)], directory))

    def make(self, targets):
        run(["ninja", *targets], self.dir)
        self.commands = {
            entry["output"]: shlex.split(entry["command"])
            for entry in json.loads(run(["ninja", "-t", "compdb", "-x"],
                                        self.dir))
            if entry["output"].startswith((LIBRARY, "test/"))}

    def object_of(self, file):
        """The library's object that is made of a source."""
        for output, command in self.commands.items():
            if output.startswith(LIBRARY) \
                    and (self.dir / command[-1]).resolve() == self.root / file:
                return output
        raise BuildError(f"nothing is made of {file}")

    def objects_with(self, header):
        objects, current = [], None
        for line in run(["ninja", "-t", "deps"], self.dir).splitlines():
            if not line.startswith(" "):
                current = line.split(":")[0]
            elif current and current.startswith(LIBRARY) \
                    and (self.dir / line.strip()).resolve() \
                    == self.root / header:
                objects.append(current)
        return objects

    def compile(self, output, where, source=None, include=None):
        command = list(self.commands[output])
        target = where / os.path.basename(output)
        command[command.index("-o") + 1] = str(target)
        command[command.index("-MF") + 1] = str(target) + ".d"
        if source:
            command[-1] = str(source)
        if include:
            command[1:1] = ["-I", str(include)]
        run(command, self.dir)
        return str(target)

    def mutant(self, file, text, where):
        """Compile a changed file; the objects that differ."""
        copy = where / file
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(text)
        if file.endswith(".h"):
            return [self.compile(output, where, include=where / "src")
                    for output in self.objects_with(file)]
        return [self.compile(self.object_of(file), where, source=copy)]

    def link(self, program, objects, where):
        """A test program with these objects instead of the library's."""
        command = list(self.commands[program])
        target = where / os.path.basename(program)
        i = command.index("-o")
        command[i + 1:i + 2] = [str(target), *objects]
        run(command, self.dir)
        return pathlib.Path(target)
