/* SPDX-License-Identifier: MIT */
/*
 * Runs programs under the library and writes their traces.
 *
 *     differential [--sums] < programs
 *
 * After a line "== SEED" comes the trace of each program; with --sums there is
 * one line "SEED CRC32" for each instead. The Python side of the same is
 * interpret.py, which also says what keeps programs from running for ever.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"

/* The program that runs; loop factories and handlers have no argument. */
static struct machine *running;

/* --- the loop --------------------------------------------------------------- */

static int
watchdog(void *arg)
{
    struct machine *m = arg;

    trace(m, "-", "watchdog", "%d", ++m->alarms);
    check_waits(m);
    if (m->alarms > 40) {
        fprintf(stderr, "program %llu does not end\n",
                (unsigned long long) m->program->seed);
        abort();
    }
    if (m->alarms == 1) {
        if (m->main != NULL)
            asyncio_task_cancel(m->main);
    } else {
        for (int i = 1; i <= m->last; i++)
            if (m->entries[i].made == MADE_TASK && m->entries[i].future != NULL)
                asyncio_task_cancel(m->entries[i].future);
    }
    for (size_t i = 0; m->alarms > 3 && i < m->program->object_count; i++)
        object_open(&m->objects[i]);
    return asyncio_loop_call_later(m->loop, FAR, watchdog, m);
}

static const struct {
    const char *kind, *words;
} reports[] = {
    {"callback", "Exception in callback"},
    {"unretrieved", "exception was never retrieved"},
    {"shield", "exception in shielded future"},
    {"shutdown", "unhandled exception during asyncio"},
    {"orphan", "has errored out but its parent task"},
    {"other", ""},
};

static int
report(asyncio_loop_t *loop, const asyncio_exception_context_t *context,
       void *arg)
{
    struct machine *m = arg;
    char text[512];
    size_t i = 0;

    (void) loop;
    while (strstr(context->message, reports[i].words) == NULL)
        i++;
    if (strcmp(reports[i].kind, "unretrieved") == 0) {
        int num = number_of(m, context->task != NULL ? context->task
                                                     : context->future);

        /* Said at the end, in the order of the numbers. */
        if (m->finished && num != 0) {
            m->unretrieved[num] = context->code;
            m->unretrieved_detail[num] =
                asyncio_exception_ref(context->exception);
        }
        return 0;
    }
    trace(m, "!", reports[i].kind, "%s v%d",
          error_text(text, sizeof text, context->code, context->exception),
          context_value());
    return 0;
}

static int
make_loop(asyncio_loop_t **ret_loop)
{
    struct machine *m = running;
    int r = asyncio_testing_loop_factory(ret_loop);

    if (r < 0)
        return r;
    m->loop = asyncio_loop_ref(*ret_loop);
    asyncio_loop_set_exception_handler(m->loop, report, m);
    if ((m->program->flags & 1) != 0)
        asyncio_loop_set_task_factory(m->loop, asyncio_eager_task_factory);
    return asyncio_loop_call_later(m->loop, FAR, watchdog, m);
}

/* --- one program ------------------------------------------------------------ */

static void
run_mains(struct machine *m, asyncio_runner_t *runner)
{
    for (size_t i = 0; i < m->program->run_count; i++) {
        char place[16], text[512];
        int num = m->main_number = new_number(m);
        int r = asyncio_runner_run(runner,
                                   asyncio_coro(body, .machine = m,
                                                .body = m->program->runs[i],
                                                .num = num));

        snprintf(place, sizeof place, "run %d", m->program->runs[i]);
        if (r < 0)
            trace(m, "-", place, "%s",
                  error_text(text, sizeof text, r,
                             asyncio_current_exception()));
        else
            trace(m, "-", place, "%d", r);
        if (m->stopped) {
            m->stopped = false;
            asyncio_loop_stop(m->loop);
            asyncio_loop_run_forever(m->loop);
        }
    }
}

/* Give everything back; failures that nobody looked at are reported now. */
static void
give_back(struct machine *m)
{
    for (int i = 0; i < HANDLES; i++)
        asyncio_handle_unref(m->handles[i].handle);
    m->finished = true;
    for (int i = 1; i <= m->last; i++)
        asyncio_future_unref(m->entries[i].future);
    m->finished = false;
    for (int i = 1; i <= m->last; i++) {
        const asyncio_exception_t *detail = m->unretrieved_detail[i];
        char text[512];

        if (m->unretrieved[i] != 0)
            trace(m, "!", "unretrieved", "%d %s", i,
                  error_text(text, sizeof text, m->unretrieved[i], detail));
        asyncio_exception_unref(detail);
        free(m->entries[i].children);
    }
    for (int i = 0; i < TOKENS; i++)
        if (m->token_set[i])
            asyncio_context_token_fini(&m->tokens[i]);
    for (int i = 0; i < CONTEXTS; i++)
        asyncio_context_unref(m->contexts[i]);
    for (size_t i = 0; i < m->scope_count; i++)
        free(m->scopes[i]);
    free(m->scopes);
    objects_fini(m);
    asyncio_loop_unref(m->loop);
}

static void
run_program(const struct program *program, FILE *out)
{
    struct machine *m = running = calloc(1, sizeof *m);
    asyncio_runner_t *runner;
    int r;

    if (m == NULL)
        abort();
    m->program = program;
    m->out = out;
    objects_init(m);
    runner = asyncio_runner_new(.loop_factory = make_loop);
    r = asyncio_runner_init(runner);
    if (r < 0) {
        fprintf(stderr, "no loop: %s\n", asyncio_strerror(r));
        exit(1);
    }
    run_mains(m, runner);
    /* A future that nobody finishes would keep others from their end. */
    for (int i = 1; i <= m->last; i++)
        if (m->entries[i].made == MADE_PLAIN && m->entries[i].future != NULL)
            asyncio_future_cancel(m->entries[i].future);
    m->closing = true;
    r = asyncio_runner_close(runner);
    trace(m, "-", "close", "%s", r < 0 ? asyncio_err_name(r) : "ok");
    asyncio_runner_unref(runner);
    give_back(m);
    free(m);
}

/* --- all of them ------------------------------------------------------------ */

/* The sum that Python's zlib.crc32() computes. */
static uint32_t
crc32(const char *text, size_t size)
{
    static uint32_t table[256];
    uint32_t sum = 0xffffffff;

    for (uint32_t i = 0; i < 256 && table[255] == 0; i++) {
        table[i] = i;
        for (int bit = 0; bit < 8; bit++)
            table[i] =
                (table[i] >> 1) ^ ((table[i] & 1) != 0 ? 0xedb88320 : 0);
    }
    for (size_t i = 0; i < size; i++)
        sum = (sum >> 8) ^ table[(sum ^ (unsigned char) text[i]) & 255];
    return ~sum;
}

int
main(int argc, char **argv)
{
    bool sums = argc > 1 && strcmp(argv[1], "--sums") == 0;
    struct program program;

    for (int i = 0; i < CONTEXT_VARS; i++)
        context_vars[i] = asyncio_context_var_new("v", .has_default = true);
    while (program_read(&program, stdin)) {
        char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);

        run_program(&program, out);
        fclose(out);
        if (sums)
            printf("%llu %08x\n", (unsigned long long) program.seed,
                   (unsigned) crc32(text, size));
        else
            printf("== %llu\n%s", (unsigned long long) program.seed, text);
        fflush(stdout);
        free(text);
        program_fini(&program);
    }
    for (int i = 0; i < CONTEXT_VARS; i++)
        asyncio_context_var_unref(context_vars[i]);
    return 0;
}
