/* SPDX-License-Identifier: MIT */
/*
 * The scenarios of the sweeps: small programs that use every part of the core
 * and clean up whatever happens. Each returns the first error it met; frames
 * of tasks hold no pointer into a stack, so tasks may be left running.
 */
#ifndef TEST_SWEEP_SCENARIOS_H
#define TEST_SWEEP_SCENARIOS_H

#include "scenes.h"

struct sweep_scene {
    const char *name;
    int (*run)(void);
    bool swallows; /* a cancellation does not come out */
};

extern const struct sweep_scene sweep_scenes[];
extern const int sweep_scenes_count;

/* An error group with UV_ENOMEM in it counts as that. */
int settle(int r);

/* Shorthands. */
asyncio_task_t *start(double seconds, int result);
/* Cancel and unref. */
void stop(asyncio_task_t **tasks, size_t count);

#endif
