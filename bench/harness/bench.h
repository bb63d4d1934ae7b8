/* SPDX-License-Identifier: MIT */
/*
 * The harness: what a benchmark in C or C++ is made of.
 *
 * A program holds one table of cases and calls bench_main(). The harness picks
 * the number of operations, warms up, repeats, and prints one JSON line a
 * result. A case does bench->n operations between bench_start() and
 * bench_stop(); what it sets up outside the two is not timed:
 *
 *     static void
 *     call(struct bench *bench)
 *     {
 *         bench_start(bench);
 *         for (uint64_t i = 0; i < bench->n; i++)
 *             empty();
 *         bench_stop(bench);
 *     }
 *
 *     int
 *     main(int argc, char **argv)
 *     {
 *         static const struct bench_case cases[] = {
 *             {.name = "call", .run = call},
 *             {0},
 *         };
 *         return bench_main(argc, argv, "c", cases);
 *     }
 *
 * The peers written in other languages speak the same protocol: the options
 * --list, --case NAME, --samples N, --quick, and the same lines on stdout.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { BENCH_METRICS_MAX = 8 };

struct bench; /* one run of one case */
typedef void bench_fn(struct bench *bench);

struct bench_case {
    const char *name; /* "yield/1000": a group, and the size when it scales */
    bench_fn *run;
    long arg;         /* the case's own parameter: bench->arg */
    uint64_t n;       /* operations a run; 0: as many as fill 10 ms */
    uint64_t n_quick; /* the same under --quick; 0: as n */
    const char *unit; /* "ns" (default), "us", "ms", "s": an operation */
    const char *peer; /* instead of the program's, for variants */
    bool macro;       /* a run is long: fewer samples, each its own process */
    bool by_cpu;      /* compare CPU time, not wall time */
};

struct bench {
    uint64_t n;   /* operations to do */
    long arg;     /* of the case */
    bool quick;   /* a trial run, for those who scale by themselves */
    bool counted; /* instructions are counted: time must make no difference */

    /* private */
    double wall_ns, cpu_ns; /* between start and stop, summed */
    double wall_start, cpu_start;
    unsigned metrics;
    struct {
        const char *name, *unit;
        double value;
    } metric[BENCH_METRICS_MAX];
};

void bench_start(struct bench *bench);
void bench_stop(struct bench *bench);

/* Report something else than time: bytes, mappings. Literals only. */
void bench_metric(struct bench *bench, const char *name, const char *unit,
                  double value);

/* Say why this case cannot run here and end the program (exit status 77). */
void bench_skip(const char *format, ...)
    __attribute__((format(printf, 1, 2), noreturn));

/* What the process holds now; for memory cases. */
struct bench_memory {
    double rss;        /* bytes resident */
    double page_table; /* bytes of page tables */
    double maps;       /* mappings (VMAs) */
};

struct bench_memory bench_memory(void);

/* Record rss, page tables and mappings since `before`; the first two a task. */
void bench_memory_since(struct bench *bench, struct bench_memory before,
                        uint64_t tasks);

/*
 * A case named "serve/..." is a server: its run() prints its port with this,
 * and never returns. The driver starts it, loads it and ends it.
 */
void bench_serving(int port);

/* The port of the web server that the driver started; skips without one. */
int bench_http_port(void);

/* Keep the compiler from seeing through a value. */
#define bench_keep(value) __asm__ volatile("" : : "g"(value) : "memory")

/* A fixed sequence, so that every peer sleeps for the same times. */
uint32_t bench_random(uint32_t *state);

int bench_main(int argc, char **argv, const char *peer,
               const struct bench_case *cases);

#ifdef __cplusplus
}
#endif

#endif
