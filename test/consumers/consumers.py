#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Others can build against what is installed.

With pkg-config (shared and static), with CMake (shared and static), each
against a copy of the installed tree, moved to where nobody expects it; and
with the whole library as a subproject of meson. Every consumer is run.

    consumers.py {pkg-config|cmake|subproject} SOURCE_ROOT BUILD_ROOT WORK_DIR
"""

import os
import pathlib
import shlex
import shutil
import subprocess
import sys

CFLAGS = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]


def run(*command, **options):
    print("+", *map(str, command), flush=True)
    return subprocess.run([str(c) for c in command], check=True, **options)


def install(build, work):
    """Install into `work`; return the prefix that then holds everything."""
    run("meson", "install", "-C", build, "--no-rebuild", "--quiet",
        "--destdir", work / "root")
    config, = (work / "root").rglob("libasyncio.pc")
    prefix = config.parents[2]
    return prefix if prefix.name != "lib" else prefix.parent


def libdir(prefix):
    return next(prefix.rglob("libasyncio.pc")).parents[1]


def pkg_config(source, build, work):
    prefix = install(build, work)
    env = {**os.environ, "PKG_CONFIG_PATH": str(libdir(prefix) / "pkgconfig")}
    for kind, extra in (("shared", []), ("static", ["--static"])):
        flags = run("pkg-config", f"--define-variable=prefix={prefix}",
                    "--cflags", "--libs", *extra, "libasyncio", env=env,
                    capture_output=True, text=True).stdout
        flags = shlex.split(flags)
        if kind == "static":
            flags = ["-l:libasyncio.a" if f == "-lasyncio" else f
                     for f in flags]
        program = work / f"consumer_{kind}"
        run("cc", *CFLAGS, source / "test/consumers/consumer.c", *flags,
            "-o", program)
        run(program, env={**env, "LD_LIBRARY_PATH": str(libdir(prefix))})


def cmake(source, build, work):
    prefix = install(build, work)
    run("cmake", "-G", "Ninja", "-S", source / "test/consumers/cmake",
        "-B", work / "build",
        f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_BUILD_TYPE=Debug",
        f"-DCMAKE_C_FLAGS={' '.join(CFLAGS)}")
    run("cmake", "--build", work / "build")
    for kind in ("asyncio", "static"):
        run(work / "build" / f"consumer_{kind}")


def subproject(source, build, work):
    shutil.copytree(source / "test/consumers/subproject", work / "source")
    shutil.copy(source / "test/consumers/consumer.c", work / "source")
    (work / "source/subprojects").mkdir()
    (work / "source/subprojects/libasyncio").symlink_to(source)
    run("meson", "setup", work / "build", work / "source")
    run("ninja", "-C", work / "build")
    run(work / "build/consumer")


def main():
    kind = sys.argv[1]
    source, build, work = (pathlib.Path(p).resolve() for p in sys.argv[2:])
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    if kind != "subproject" and not shutil.which(kind):
        print(f"{kind} is not here: skipped")
        return 77
    {"pkg-config": pkg_config, "cmake": cmake,
     "subproject": subproject}[kind](source, build, work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
