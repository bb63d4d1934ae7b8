/* SPDX-License-Identifier: MIT */
/*
 * Warm-up, repetition, and the lines that come out.
 *
 * A micro case runs until one run fills SAMPLE_NS, which also warms it up; then
 * every sample is one such run. A macro case fixes its own n, and every run of it
 * is a process of its own: nothing is warm but what the case itself warms.
 * Samples are never dropped; the median does not mind the few that something
 * else disturbed.
 */
#include "bench.h"
#include "machine.h"
#include "options.h"
#include "stats.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    SAMPLES_MICRO = 30,
    SAMPLES_MACRO = 7,
    EXIT_SKIP = 77, /* as meson and automake have it */
};

static const double SAMPLE_NS = 10e6, SAMPLE_QUICK_NS = 2e6;

static double
now_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double) t.tv_sec * 1e9 + (double) t.tv_nsec;
}

void
bench_start(struct bench *bench)
{
    bench->cpu_start = now_ns(CLOCK_PROCESS_CPUTIME_ID);
    bench->wall_start = now_ns(CLOCK_MONOTONIC);
}

void
bench_stop(struct bench *bench)
{
    bench->wall_ns += now_ns(CLOCK_MONOTONIC) - bench->wall_start;
    bench->cpu_ns += now_ns(CLOCK_PROCESS_CPUTIME_ID) - bench->cpu_start;
}

void
bench_metric(struct bench *bench, const char *name, const char *unit,
             double value)
{
    if (bench->metrics == BENCH_METRICS_MAX)
        abort();
    bench->metric[bench->metrics].name = name;
    bench->metric[bench->metrics].unit = unit;
    bench->metric[bench->metrics++].value = value;
}

void
bench_memory_since(struct bench *bench, struct bench_memory before,
                   uint64_t tasks)
{
    struct bench_memory now = bench_memory();
    double n = (double) tasks;

    bench_metric(bench, "rss", "B", (now.rss - before.rss) / n);
    bench_metric(bench, "page tables", "B",
                 (now.page_table - before.page_table) / n);
    bench_metric(bench, "mappings", "", now.maps - before.maps);
}

void
bench_skip(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    putc('\n', stderr);
    exit(EXIT_SKIP);
}

void
bench_serving(int port)
{
    printf("port %d\n", port);
    fflush(stdout);
}

int
bench_http_port(void)
{
    const char *port = getenv("BENCH_HTTP_PORT");
    if (port == NULL)
        bench_skip("needs a web server: run it by bench/run.py");
    return atoi(port);
}

uint32_t
bench_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static double
unit_ns(const char *unit)
{
    if (strcmp(unit, "s") == 0)
        return 1e9;
    if (strcmp(unit, "ms") == 0)
        return 1e6;
    return strcmp(unit, "us") == 0 ? 1e3 : 1;
}

static void
print_values(const char *name, const double *values, int n)
{
    printf(",\"%s\":[", name);
    for (int i = 0; i < n; i++)
        printf("%s%.6g", i == 0 ? "" : ",", values[i]);
    putchar(']');
}

struct result {
    const struct bench_case *c;
    const char *peer, *metric, *unit;
    uint64_t n;
    int samples;
    double *values, *cpu; /* cpu: NULL if the metric is no time */
};

static void
print_result(const struct options *options, const struct result *result,
             int core)
{
    bool by_cpu = result->c->by_cpu && result->cpu != NULL;

    if (!options->table) {
        printf("{\"v\":1,\"case\":");
        machine_print_string(stdout, result->c->name);
        printf(",\"metric\":\"%s\",\"peer\":", result->metric);
        machine_print_string(stdout, result->peer);
        printf(",\"unit\":\"%s\",\"by\":\"%s\",\"macro\":%s,\"n\":%llu",
               result->unit, by_cpu ? "cpu" : "wall",
               result->c->macro ? "true" : "false",
               (unsigned long long) result->n);
        print_values("values", result->values, result->samples);
        if (result->cpu != NULL)
            print_values("cpu", result->cpu, result->samples);
    }
    struct stats cpu = {0}, stats;
    if (result->cpu != NULL)
        cpu = stats_of(result->cpu, (size_t) result->samples);
    stats = stats_of(result->values, (size_t) result->samples);
    if (options->table) {
        printf("%-24s %-16s %-12s %10.4g %-3s %10.4g..%-10.4g %10.4g %10.4g\n",
               result->c->name, result->peer, result->metric, stats.median,
               result->unit, stats.low, stats.high, stats.p99, cpu.median);
    } else {
        if (by_cpu)
            stats = cpu;
        printf(",\"median\":%.6g,\"low\":%.6g,\"high\":%.6g,\"p99\":%.6g"
               ",\"meta\":",
               stats.median, stats.low, stats.high, stats.p99);
        machine_print(stdout, core);
        puts("}");
    }
    fflush(stdout);
}

static struct bench
run_once(const struct options *options, const struct bench_case *c, uint64_t n)
{
    struct bench bench = {
        .n = n,
        .arg = c->arg,
        .quick = options->quick,
        .counted = options->operations != 0,
    };
    c->run(&bench);
    return bench;
}

/* The same in a child, which takes its memory and threads with it. */
static struct bench
run_in_child(const struct options *options, const struct bench_case *c,
             uint64_t n)
{
    struct bench bench;
    int ends[2], status;

    if (pipe(ends) < 0)
        abort();
    pid_t child = fork();
    if (child < 0)
        abort();
    if (child == 0) {
        bench = run_once(options, c, n);
        ssize_t written = write(ends[1], &bench, sizeof bench);
        _exit(written == (ssize_t) sizeof bench ? 0 : 1);
    }
    close(ends[1]);
    ssize_t got = read(ends[0], &bench, sizeof bench);
    close(ends[0]);
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIP)
        exit(EXIT_SKIP);
    if (got != (ssize_t) sizeof bench) {
        fprintf(stderr, "%s: died (%s %d)\n", c->name,
                WIFSIGNALED(status) ? "signal" : "status",
                WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        exit(1);
    }
    return bench;
}

/* Grow n until a run is long enough: the warm-up, too. */
static uint64_t
choose_n(const struct options *options, const struct bench_case *c)
{
    if (c->n != 0)
        return options->quick && c->n_quick != 0 ? c->n_quick : c->n;

    double want = options->quick ? SAMPLE_QUICK_NS : SAMPLE_NS;
    uint64_t n = 64;
    for (;;) {
        struct bench bench = run_once(options, c, n);
        if (bench.wall_ns >= want || n >= UINT64_C(1) << 32)
            return n;
        double grow = 1.3 * want / (bench.wall_ns + 1);
        n = (uint64_t) ((double) n * (grow < 2 ? 2 : grow > 16 ? 16 : grow));
    }
}

static void
run_case(const struct options *options, const struct bench_case *c,
         const char *peer, int core)
{
    static double wall[SAMPLES_MAX], cpu[SAMPLES_MAX];
    static double metric[BENCH_METRICS_MAX][SAMPLES_MAX];
    const char *unit = c->unit == NULL ? "ns" : c->unit;
    struct bench bench = {0};
    int samples = options->samples;

    if (samples == 0)
        samples = c->macro ? SAMPLES_MACRO : SAMPLES_MICRO;
    uint64_t n = choose_n(options, c);
    if (!c->macro)
        run_once(options, c, n);
    for (int i = 0; i < samples; i++) {
        bench = c->macro ? run_in_child(options, c, n)
                         : run_once(options, c, n);
        double scale = unit_ns(unit) * (double) n;
        wall[i] = bench.wall_ns / scale;
        cpu[i] = bench.cpu_ns / scale;
        for (unsigned k = 0; k < bench.metrics; k++)
            metric[k][i] = bench.metric[k].value;
    }

    struct result result = {
        .c = c,
        .peer = c->peer == NULL ? peer : c->peer,
        .n = n,
        .samples = samples,
    };
    if (bench.wall_ns > 0) {
        result.metric = "time";
        result.unit = unit;
        result.values = wall;
        result.cpu = cpu;
        print_result(options, &result, core);
    }
    for (unsigned k = 0; k < bench.metrics; k++) {
        result.metric = bench.metric[k].name;
        result.unit = bench.metric[k].unit;
        result.values = metric[k];
        result.cpu = NULL;
        print_result(options, &result, core);
    }
}

/* So that a case does not find what another one left: stacks, a bigger heap. */
static void
run_case_apart(const struct options *options, const struct bench_case *c,
               const char *peer, int core)
{
    int status;
    pid_t child = fork();
    if (child < 0)
        abort();
    if (child == 0) {
        run_case(options, c, peer, core);
        _exit(0);
    }
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status))
        fprintf(stderr, "%s: died by signal %d\n", c->name, WTERMSIG(status));
}

int
bench_main(int argc, char **argv, const char *peer,
           const struct bench_case *cases)
{
    struct options options;

    if (!options_parse(&options, argc, argv))
        return 2;
    if (options.list) {
        options_list(cases, peer);
        return 0;
    }
    if (machine_refusal() != NULL && !options.force) {
        fprintf(stderr, "%s: %s: its figures would mislead (--force runs it)\n",
                argv[0], machine_refusal());
        return 2;
    }
    int core = options.core == -2 ? -1 : machine_pin(options.core);
    if (options.table)
        printf("%-24s %-16s %-12s %10s %-3s %22s %10s %10s\n", "case", "who",
               "metric", "median", "", "95 % interval", "p99", "CPU");
    int count = 0;
    for (const struct bench_case *c = cases; c->name != NULL; c++)
        count += options_want(&options, c);
    for (const struct bench_case *c = cases; c->name != NULL; c++) {
        if (!options_want(&options, c))
            continue;
        if (is_server(c) || options.operations != 0)
            run_once(&options, c, options.operations);
        else if (count == 1)
            run_case(&options, c, peer, core);
        else
            run_case_apart(&options, c, peer, core);
    }
    return 0;
}
