# SPDX-License-Identifier: MIT
"""Running one case once: a process of its own, pinned to a core, which prints
JSON lines. Servers are loaded from another core."""

import dataclasses
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

SKIPPED = 77
LIMIT_S = 600

# connections, bytes, requests under way in each connection
ECHO = {
    'echo/64B/1': (1, 64, 1),
    'echo/64B/64': (64, 64, 1),
    'echo/64B/1000': (1000, 64, 1),
    'echo/4KiB/1': (1, 4096, 1),
    'echo/4KiB/64': (64, 4096, 1),
    'echo/4KiB/1000': (1000, 4096, 1),
    'echo/pipelined': (64, 64, 16),
}


class Failed(Exception):
    """The case could not be measured; the text says why."""


@dataclasses.dataclass
class Setup:
    quick: bool
    force: bool
    cores: list  # the ones we may use, the last for what is measured
    load: str | None = None  # the echo load generator
    http_port: int | None = None

    def core(self):
        return self.cores[-1]

    def other_core(self):
        return self.cores[0]


def pinned(core):
    return lambda: os.sched_setaffinity(0, {core})


def environment(setup):
    env = dict(os.environ)
    if setup.http_port:
        env['BENCH_HTTP_PORT'] = str(setup.http_port)
    return env


def options_of(job, setup):
    options = ['--case', job.case, '--peer', job.peer, '--json']
    if setup.quick:
        options.append('--quick')
    if setup.force and 'peers' not in job.command[0]:
        options.append('--force')
    return options


def last_line(text):
    lines = text.strip().splitlines()
    return lines[-1] if lines else ''


def run_case(job, setup, samples):
    """The result lines of one process."""
    command = [*job.command, *options_of(job, setup), '--samples',
               str(samples)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=LIMIT_S,
            env=environment(setup), preexec_fn=pinned(setup.core()),
            check=False)
    except subprocess.TimeoutExpired:
        raise Failed(f'did not end in {LIMIT_S} s') from None
    if done.returncode != 0:
        raise Failed(last_line(done.stderr)
                     or f'ended with status {done.returncode}')
    return [json.loads(line) for line in done.stdout.splitlines()
            if line.startswith('{')]


def start_server(job, setup):
    """The process and its port."""
    server = subprocess.Popen(
        [*job.command, *options_of(job, setup)], stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True, env=environment(setup),
        preexec_fn=pinned(setup.core()))
    words = server.stdout.readline().split()
    if len(words) != 2 or words[0] != 'port':
        stop(server)
        raise Failed('the server did not start')
    return server, int(words[1])


def stop(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def server_label(job):
    """serve/echo-protocol of X is "X protocol"; serve/echo is "X"."""
    _, dash, variant = job.case.partition('-')
    return f'{job.peer} {variant}' if dash else job.peer


def run_echo(job, case, setup):
    """Start the server of a job, load it as the case says, stop it."""
    connections, size, depth = ECHO[case]
    server, port = start_server(job, setup)
    try:
        done = subprocess.run(
            [setup.load, '--port', str(port), '--pid', str(server.pid),
             '--connections', str(connections), '--size', str(size),
             '--depth', str(depth),
             '--seconds', '0.4' if setup.quick else '1.0',
             '--name', case, '--peer', server_label(job)],
            capture_output=True, text=True, timeout=60, check=False,
            preexec_fn=pinned(setup.other_core()))
    except subprocess.TimeoutExpired:
        raise Failed('the load did not end') from None
    finally:
        stop(server)
    if done.returncode != 0:
        raise Failed(last_line(done.stderr))
    return [json.loads(line) for line in done.stdout.splitlines()]


NGINX = '''
worker_processes 1;
daemon off;
pid {where}/nginx.pid;
error_log {where}/error.log;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    keepalive_requests 1000000;
    client_body_temp_path {where};
    proxy_temp_path {where};
    fastcgi_temp_path {where};
    uwsgi_temp_path {where};
    scgi_temp_path {where};
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{ return 200 "{body}"; }}
    }}
}}
'''


class Nginx:
    """A web server on a free port of the loopback, gone when it is left."""

    def __init__(self, setup):
        self.setup = setup

    def __enter__(self):
        program = shutil.which('nginx', path=os.environ.get('PATH', '')
                               + ':/usr/sbin')
        if program is None:
            return None
        self.where = tempfile.mkdtemp(prefix='bench-nginx-')
        with socket.socket() as probe:
            probe.bind(('127.0.0.1', 0))
            port = probe.getsockname()[1]
        config = pathlib.Path(self.where, 'nginx.conf')
        config.write_text(NGINX.format(where=self.where, port=port,
                                       body='x' * 256))
        self.process = subprocess.Popen(
            [program, '-p', self.where, '-c', str(config)],
            stderr=subprocess.DEVNULL,
            preexec_fn=pinned(self.setup.other_core()))
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(('127.0.0.1', port)) == 0:
                    return port
            time.sleep(0.05)
        return None

    def __exit__(self, *error):
        if hasattr(self, 'process'):
            stop(self.process)
            shutil.rmtree(self.where, ignore_errors=True)
