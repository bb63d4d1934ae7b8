// SPDX-License-Identifier: MIT

//! The harness in Rust: the same options and lines as harness/bench.c, without
//! the statistics, which the driver computes for everyone.

use std::future::Future;
use std::time::{Duration, Instant};

/// One run of a case: do `n` operations between `start` and `stop`.
pub struct Bench {
    pub n: usize,
    pub arg: usize,
    wall: f64,
    cpu: f64,
    wall_start: Instant,
    cpu_start: f64,
    metrics: Vec<(&'static str, &'static str, f64)>,
}

#[repr(C)]
struct Timespec {
    seconds: i64,
    nanoseconds: i64,
}

// The one call of libc that std does not offer.
extern "C" {
    fn clock_gettime(clock: i32, time: *mut Timespec) -> i32;
}

fn cpu_now() -> f64 {
    const PROCESS_CPU: i32 = 2;
    let mut t = Timespec { seconds: 0, nanoseconds: 0 };
    unsafe { clock_gettime(PROCESS_CPU, &mut t) };
    t.seconds as f64 * 1e9 + t.nanoseconds as f64
}

impl Bench {
    pub fn start(&mut self) {
        self.cpu_start = cpu_now();
        self.wall_start = Instant::now();
    }

    pub fn stop(&mut self) {
        self.wall += self.wall_start.elapsed().as_nanos() as f64;
        self.cpu += cpu_now() - self.cpu_start;
    }

    pub fn memory_since(&mut self, before: Memory) {
        let (now, n) = (Memory::now(), self.arg as f64);
        self.metrics = vec![
            ("rss", "B", (now.rss - before.rss) / n),
            ("page tables", "B", (now.page_tables - before.page_tables) / n),
            ("mappings", "", now.maps - before.maps),
        ];
    }
}

pub struct Memory {
    rss: f64,
    page_tables: f64,
    maps: f64,
}

impl Memory {
    pub fn now() -> Memory {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let bytes = |name: &str| {
            let line = status.lines().find(|l| l.starts_with(name)).unwrap();
            let kib: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
            kib * 1024.0
        };
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        Memory {
            rss: bytes("VmRSS"),
            page_tables: bytes("VmPTE"),
            maps: maps.lines().count() as f64,
        }
    }
}

/// The same sequence as bench_random() in C.
pub fn random(state: &mut u32) -> u32 {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    *state
}

#[derive(Clone, Copy)]
pub struct Case {
    pub name: &'static str,
    pub run: fn(Bench) -> Bench,
    pub arg: usize,
    pub n: usize,
    pub unit: &'static str,
    pub is_macro: bool,
    pub by_cpu: bool,
}

pub const CASE: Case = Case {
    name: "",
    run: |b| b,
    arg: 0,
    n: 0,
    unit: "ns",
    is_macro: false,
    by_cpu: false,
};

/// Run a future on a runtime of one thread, as everywhere in this suite, and in
/// a task: what block_on() itself runs goes through the driver at every wake-up.
pub fn in_task<F>(future: F) -> F::Output
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(async { tokio::spawn(future).await.unwrap() })
}

fn run_once(case: &Case, n: usize) -> Bench {
    (case.run)(Bench {
        n,
        arg: case.arg,
        wall: 0.0,
        cpu: 0.0,
        wall_start: Instant::now(),
        cpu_start: 0.0,
        metrics: vec![],
    })
}

fn choose_n(case: &Case, want: Duration) -> usize {
    let mut n = 64;
    if case.n != 0 {
        return case.n;
    }
    while run_once(case, n).wall < want.as_nanos() as f64 {
        n *= 2;
    }
    n
}

fn print(case: &Case, metric: &str, unit: &str, n: usize, values: &[f64], cpu: &[f64]) {
    let by = if case.by_cpu && !cpu.is_empty() { "cpu" } else { "wall" };
    println!(
        "{{\"v\":1,\"case\":\"{}\",\"metric\":\"{}\",\"peer\":\"tokio\",\
         \"unit\":\"{}\",\"by\":\"{}\",\"macro\":{},\"n\":{},\"values\":{:?},\
         \"cpu\":{:?},\"meta\":{{\"compiler\":\"rustc\"}}}}",
        case.name, metric, unit, by, case.is_macro, n, values, cpu
    );
}

fn run(case: &Case, samples: usize, want: Duration) {
    let n = choose_n(case, want);
    let samples = match samples {
        0 => if case.is_macro { 1 } else { 30 },
        given => given,
    };
    let scale = match case.unit {
        "s" => 1e9,
        "ms" => 1e6,
        "us" => 1e3,
        _ => 1.0,
    } * n as f64;
    if !case.is_macro {
        run_once(case, n);
    }
    let runs: Vec<Bench> = (0..samples).map(|_| run_once(case, n)).collect();
    if runs[0].wall > 0.0 {
        let wall: Vec<f64> = runs.iter().map(|b| b.wall / scale).collect();
        let cpu: Vec<f64> = runs.iter().map(|b| b.cpu / scale).collect();
        print(case, "time", case.unit, n, &wall, &cpu);
    }
    for (i, (name, unit, _)) in runs[0].metrics.iter().enumerate() {
        let values: Vec<f64> = runs.iter().map(|b| b.metrics[i].2).collect();
        print(case, name, unit, n, &values, &[]);
    }
}

pub fn main(cases: &[Case]) {
    let mut wanted = vec![];
    let (mut list, mut samples, mut want) = (false, 0, Duration::from_millis(10));
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--list" => list = true,
            "--case" => wanted.extend(args.next()),
            "--peer" => drop(args.next()),
            "--samples" => samples = args.next().unwrap().parse().unwrap(),
            "--quick" => want = Duration::from_millis(2),
            _ => {}
        }
    }
    for case in cases {
        let server = case.name.starts_with("serve/");
        let asked = wanted.iter().any(|name| name == case.name);
        if list {
            let kind = if server {
                "server"
            } else if case.is_macro {
                "macro"
            } else {
                "micro"
            };
            println!("{}\ttokio\t{}", case.name, kind);
        } else if asked && server {
            run_once(case, 0);
        } else if asked || (wanted.is_empty() && !server) {
            run(case, samples, want);
        }
    }
}
