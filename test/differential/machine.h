/* SPDX-License-Identifier: MIT */
#ifndef DIFFERENTIAL_MACHINE_H
#define DIFFERENTIAL_MACHINE_H

/*
 * The state of one running program, and the table of operations.
 *
 * An operation returns `>= 0` or an error; what else the trace should show it
 * says with say(). A plain one may stand in callbacks, and its error is only
 * traced; an async one fails the body like any await; a block one runs lines.
 */

#include <asyncio.h>
#include <asyncio/testing.h>
#include <uv.h>

#include "program.h"

enum {
    LINES = 400, /* trace lines after which operations become returns */
    RESULT = 400, /* characters of a result that are shown */
    TASKS = 40,  /* numbers after which no more tasks are made */
    DEPTH = 6,   /* of gathers in gathers, after which one is refused */
    FUTURES = 1024,
    SLOTS = 10,
    HANDLES = 4,
    GROUPS = 3,
    TIMEOUTS = 4,
    TOKENS = 4,
    CONTEXTS = 3,
    VARIABLES = 3,
    CONTEXT_VARS = 2,
    STOP = 1,       /* "leave this body" on its way out of nested blocks */
    TOP = 1 << 30,  /* rank of what never forwards a cancellation */
    ERR_A = UV_EIO, /* the errors of programs: the library has no use for */
    ERR_B = UV_EXDEV, /* them without I/O */
    ERR_C = UV_ENOTDIR,
};

#define FAR 500.0 /* seconds between alarms of the watchdog */

/* What a number stands for. */
enum made {
    MADE_PLAIN,
    MADE_TASK,
    MADE_GATHER, /* its value is the list of its children's */
    MADE_SHIELD, /* its value is that of its inner future */
};

struct entry {
    asyncio_future_t *future; /* owned; NULL until known */
    enum made made;
    int rank;
    int depth;     /* of gathers in gathers */
    int *children; /* numbers, owned */
    size_t count;  /* of children */
};

struct object {
    enum object_kind {
        OBJECT_LOCK,
        OBJECT_EVENT,
        OBJECT_CONDITION,
        OBJECT_SEMAPHORE,
        OBJECT_BOUNDED,
        OBJECT_BARRIER,
        OBJECT_QUEUE,
        OBJECT_PRIORITY,
        OBJECT_LIFO,
    } kind;
    void *it; /* the library's object, owned */
    /* For the invariants. */
    int permits;        /* of what can be acquired: free ones */
    struct turn *turns; /* who is in acquire, the first first */
    int waiting;        /* for an event, or an item */
    int putting;
};

/* One acquire under way, on its task's stack. */
struct turn {
    struct turn *next;
    bool overtaken; /* by one that came later */
};

/* An error with its detail, on its way out of nested blocks. */
struct error {
    int code;
    const asyncio_exception_t *detail; /* a reference, or NULL */
};

/* One run of a body or callback. */
struct frame {
    char who[16];
    int num;
    int ret;
    struct error *error; /* of the task; shared by bodies called in it */
    char text[512];      /* what an operation said */
};

struct machine;

struct callback {
    struct machine *machine;
    int number;
};

struct handle {
    asyncio_handle_t *handle;
    bool timer;
};

struct machine {
    const struct program *program;
    FILE *out;
    asyncio_loop_t *loop;
    asyncio_task_t *main; /* of the run that is on; borrowed */
    int main_number;
    int lines;
    int alarms;
    bool closing, stopped, finished;
    int last; /* number given last */
    struct entry entries[FUTURES];
    int slots[SLOTS]; /* numbers; 0: empty */
    struct handle handles[HANDLES];
    asyncio_task_group_t *groups[GROUPS];
    asyncio_timeout_t *timeouts[TIMEOUTS];
    asyncio_context_token_t tokens[TOKENS];
    bool token_set[TOKENS];
    asyncio_context_t *contexts[CONTEXTS];
    int variables[VARIABLES];
    struct callback callbacks[CALLBACKS_MAX];
    struct object objects[OBJECTS_MAX];
    void **scopes; /* groups and timeouts, owned; freed at the end */
    size_t scope_count;
    int unretrieved[FUTURES]; /* codes of failures nobody looked at */
    const asyncio_exception_t *unretrieved_detail[FUTURES];
};

/* How every operation function begins. */
#define OPERATION(name)                                                        \
    static int op_##name(struct machine *m, struct frame *fr,                  \
                         const struct line *line)

typedef int (*operation_fn)(struct machine *m, struct frame *fr,
                            const struct line *line);

struct operation {
    const char *name;
    enum { OPERATION_PLAIN, OPERATION_ASYNC, OPERATION_BLOCK } kind;
    operation_fn run;
    bool calls; /* runs bodies: their errors are remembered already */
};

/* Tables end with a NULL name. */
extern const struct operation operations_flow[];
extern const struct operation operations_task[];
extern const struct operation operations_wait[];
extern const struct operation operations_scope[];
extern const struct operation operations_context[];
extern const struct operation operations_sync[];

const struct operation *operation_find(const char *name);

/* --- trace.c: what lines look like ----------------------------------------- */

void trace(struct machine *m, const char *who, const char *what,
           const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Set the result of the running operation; returns 0. */
int say(struct frame *fr, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* An error as the trace writes it, into `buffer`. */
const char *error_text(char *buffer, size_t size, int code,
                       const asyncio_exception_t *detail);
/* The value of a done future, into `buffer`; lists for gather. */
const char *value_text(struct machine *m, char *buffer, size_t size, int num);
/* say() of the value of a future that succeeded. */
int say_value(struct machine *m, struct frame *fr, int num);

/* --- machine.c: numbers, bodies, callbacks ---------------------------------- */

/* A coroutine function of the library: a body of the program. */
struct body {
    struct machine *machine;
    int body;
    int num;
};
int body(void *arg);
/* Run a body as a part of the running task. */
int call_body(struct machine *m, struct frame *outer, int b, int num);

int block(struct machine *m, struct frame *fr, const struct line *lines);
/* Take over the detail of the error that the library has just returned. */
void error_new(struct frame *fr, int code);
/* Make the error on its way the newest one again; returns its code. */
int error_back(struct frame *fr);
int callback(void *arg);
int done_callback(asyncio_future_t *future, void *arg);
struct callback *callback_of(struct machine *m, int number);
/* The error a line "fail" ends its callback with; 0 for other lines. */
int fail_code(const struct line *line);

int new_number(struct machine *m);
/* Give a future a number and put it into a slot; takes the reference. */
int keep(struct machine *m, int slot, asyncio_future_t *future, enum made made,
         int rank);
/* The number of a future that is known, or 0. */
int number_of(const struct machine *m, const asyncio_future_t *future);
struct entry *slot_entry(struct machine *m, int slot);
bool may_await(const struct frame *fr, const struct machine *m, int num);
bool full(const struct machine *m);
bool eager(const struct machine *m, int how);
asyncio_context_t *context_of(const struct machine *m, int i);
/* Remember memory of a scope until the program has ended. */
void *scope_memory(struct machine *m, size_t size);

static inline double
seconds(int eighths)
{
    return eighths == NO_TIME ? ASYNCIO_NO_TIMEOUT : eighths / 8.0;
}

static inline int
eighths(double time)
{
    return (int) (time * 8);
}

/* --- invariants.c ----------------------------------------------------------- */

void turn_begin(struct object *object, struct turn *turn);
void turn_end(struct machine *m, struct object *object, struct turn *turn,
              int r);
void permit_taken(struct machine *m, struct object *object);
void check_waits(struct machine *m);

/* --- interpret_sync.c ------------------------------------------------------- */

void objects_init(struct machine *m);
void objects_fini(struct machine *m);
/* What the watchdog does to a lock that nobody releases. */
void object_open(struct object *object);

extern asyncio_context_var_t *context_vars[CONTEXT_VARS];
/* The value of the first context variable. */
int context_value(void);

#endif
