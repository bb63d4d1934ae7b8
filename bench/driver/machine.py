# SPDX-License-Identifier: MIT
"""What a figure means nothing without: CPU, kernel, mitigations, governor,
load, and the commit that was measured."""

import os
import pathlib
import platform
import subprocess
import time

SYS_CPU = pathlib.Path('/sys/devices/system/cpu')


def read(path):
    try:
        return pathlib.Path(path).read_text().strip()
    except OSError:
        return 'unknown'


def cpu_model():
    for line in read('/proc/cpuinfo').splitlines():
        if line.startswith('model name'):
            return line.split(':', 1)[1].strip()
    return platform.machine()


def mitigations():
    found = {}
    for path in sorted((SYS_CPU / 'vulnerabilities').glob('*')):
        text = read(path)
        if text != 'Not affected':
            found[path.name] = text
    return found


def memory_gib():
    for line in read('/proc/meminfo').splitlines():
        if line.startswith('MemTotal'):
            return round(int(line.split()[1]) / 2**20, 1)
    return 0


def commit(source):
    try:
        return subprocess.run(
            ['git', 'describe', '--always', '--dirty', '--abbrev=12'],
            cwd=source, capture_output=True, text=True, check=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return 'unknown'


def describe(source):
    release = read('/etc/os-release')
    name = next((line.split('=', 1)[1].strip('"')
                 for line in release.splitlines()
                 if line.startswith('PRETTY_NAME=')), 'unknown')
    return {
        'commit': commit(source),
        'date': time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime()),
        'cpu': cpu_model(),
        'cores': len(os.sched_getaffinity(0)),
        'memory_gib': memory_gib(),
        'kernel': f'{platform.system()} {platform.release()}',
        'system': name,
        'virtual': 'hypervisor' in read('/proc/cpuinfo'),
        'governor': read(SYS_CPU / 'cpu0/cpufreq/scaling_governor'),
        'mitigations': mitigations(),
        'load': os.getloadavg()[0],
    }
