// SPDX-License-Identifier: MIT

//! tokio on its current-thread runtime.

mod bench;
mod micro;
mod net;

use bench::{Bench, Case, CASE};

fn micro(name: &'static str, run: fn(Bench) -> Bench, arg: usize, n: usize) -> Case {
    Case { name, run, arg, n, ..CASE }
}

fn long(name: &'static str, run: fn(Bench) -> Bench, arg: usize, n: usize) -> Case {
    Case { name, run, arg, n, is_macro: true, ..CASE }
}

fn cpu(name: &'static str, run: fn(Bench) -> Bench, arg: usize, n: usize) -> Case {
    let unit = if n == 1 { "s" } else { "us" };
    Case { name, run, arg, n, unit, is_macro: true, by_cpu: true }
}

fn main() {
    bench::main(&[
        micro("yield/2", micro::yielding, 2, 0),
        micro("yield/100", micro::yielding, 100, 0),
        micro("yield/1000", micro::yielding, 1000, 0),
        micro("yield/10000", micro::yielding, 10_000, 100_000),
        long("yield/1000000", micro::yielding, 1_000_000, 4_000_000),
        micro("future", micro::future, 0, 0),
        micro("create", micro::create, 0, 0),
        long("alive/cold", micro::alive, 0, 100_000),
        long("alive/warm", micro::alive, 1, 100_000),
        micro("cancel", micro::cancel, 0, 10_000),
        micro("lock", micro::lock, 0, 0),
        micro("event", micro::event, 0, 0),
        micro("queue", micro::queue, 0, 0),
        micro("to_thread", micro::to_thread, 0, 0),
        micro("gather/10", micro::gather, 10, 10_000),
        micro("gather/10000", micro::gather, 10_000, 10_000),
        Case { unit: "ms", ..long("skynet", micro::skynet, 0, 1) },
        cpu("timers/100000", micro::timers, 100_000, 1),
        cpu("timers/1000000", micro::timers, 1_000_000, 1),
        long("memory/10000", micro::memory, 10_000, 1),
        long("memory/100000", micro::memory, 100_000, 1),
        long("memory/1000000", micro::memory, 1_000_000, 1),
        micro("serve/echo", net::serve_echo, 0, 0),
        cpu("http/keepalive", net::get, 1, 20_000),
        cpu("http/new", net::get, 0, 10_000),
    ]);
}
