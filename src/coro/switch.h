/* SPDX-License-Identifier: MIT */
#ifndef AIO_CORO_SWITCH_H
#define AIO_CORO_SWITCH_H

/*
 * Changing stacks: one contract, three back-ends.
 *
 *   aio__switch_make(context, low, size, entry, arg)   prepare a new stack
 *   aio__switch(from, to)                              go there, come back later
 *   aio__switch_select(name)                           once, before the first
 *
 * A context is valid while it is suspended. Only what a function call preserves
 * is saved; the signal mask, errno's location and the floating-point control
 * words belong to the thread.
 *
 * The assembly is inline on purpose. After a switch every `ret` of a frame
 * that was entered before it mispredicts (about 15 ns), so the way from the
 * awaiting call to here is one function, and the switch itself jumps. It leaves
 * nothing on the stack: that would be one more line to miss in the cache.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"

struct aio__context {
    void *sp;   /* of the suspended stack; or what the back-end saved on it */
    void *pc;   /* where it goes on: asm only, as the next */
    void *fp;   /* its frame pointer */
    bool fresh; /* made and never entered: sp is what make left there */
};

enum aio__switch_backend {
    AIO__SWITCH_ASM,
    AIO__SWITCH_SJLJ,
    AIO__SWITCH_UCONTEXT,
    AIO__SWITCH_BACKENDS
};

/* Written once by aio__switch_select(). */
extern enum aio__switch_backend aio__switch_backend;

/* Choose by name: "asm", "sjlj", "ucontext"; "auto" or NULL for the fastest
 * that is safe here. What is not available falls back to what is. */
void aio__switch_select(const char *name);

/* For benchmarks: while no stack exists. False where it is not available. */
bool aio__switch_force(enum aio__switch_backend backend);

const char *aio__switch_name(enum aio__switch_backend backend);

/* `entry` is called on the new stack at the first switch and never returns. */
void aio__switch_make(struct aio__context *context, void *low, size_t size,
                      void (*entry)(void *arg), void *arg);

void aio__switch_sjlj(struct aio__context *from, struct aio__context *to);
void aio__switch_ucontext(struct aio__context *from, struct aio__context *to);

#if defined(__x86_64__) && !AIO__TSAN && !defined(__ILP32__)
#define AIO__SWITCH_HAVE_ASM 1

#ifdef __CET__
#define AIO__LANDING "endbr64\n\t"
#define AIO__NOTRACK "notrack "
#else
#define AIO__LANDING ""
#define AIO__NOTRACK ""
#endif

aio__inline void
aio__switch_asm(struct aio__context *from, struct aio__context *to)
{
    /* The compiler saves what is live around this statement, and only that:
     * everything is clobbered. */
    __asm__ volatile("leaq 1f(%%rip), %%rax\n\t"
                     "movq %%rsp, (%%rdi)\n\t"
                     "movq %%rax, 8(%%rdi)\n\t"
                     "movq %%rbp, 16(%%rdi)\n\t"
                     "movq (%%rsi), %%rsp\n\t"
                     "movq 16(%%rsi), %%rbp\n\t" AIO__NOTRACK
                     "jmpq *8(%%rsi)\n\t"
                     "1:\n\t" AIO__LANDING
                     : "+D"(from), "+S"(to)
                     :
                     : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11",
                       "r12", "r13", "r14", "r15", "xmm0", "xmm1", "xmm2",
                       "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
                       "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15",
#ifdef __AVX512F__
                       "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21",
                       "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27",
                       "xmm28", "xmm29", "xmm30", "xmm31", "k1", "k2", "k3",
                       "k4", "k5", "k6", "k7",
#endif
                       "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)",
                       "st(6)", "st(7)", "memory", "cc");
}

#elif defined(__aarch64__) && !AIO__TSAN
#define AIO__SWITCH_HAVE_ASM 1

aio__inline void
aio__switch_asm(struct aio__context *from, struct aio__context *to)
{
    register struct aio__context *x0 __asm__("x0") = from;
    register struct aio__context *x1 __asm__("x1") = to;

    /* hint #36 is `bti j`: a landing pad where branches are checked. */
    __asm__ volatile("adr x9, 1f\n\t"
                     "mov x10, sp\n\t"
                     "stp x10, x9, [x0]\n\t"
                     "str x29, [x0, #16]\n\t"
                     "ldp x10, x9, [x1]\n\t"
                     "ldr x29, [x1, #16]\n\t"
                     "mov sp, x10\n\t"
                     "br x9\n\t"
                     "1:\n\t"
                     "hint #36\n\t"
                     : "+r"(x0), "+r"(x1)
                     :
                     : "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10",
                       "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x18",
                       "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26",
                       "x27", "x28", "x30", "v0", "v1", "v2", "v3", "v4",
                       "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12",
                       "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20",
                       "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28",
                       "v29", "v30", "v31", "memory", "cc");
}

#else
#define AIO__SWITCH_HAVE_ASM 0
#endif

/* Never the assembly alone: where its only "call" is that, a compiler may take
 * it that no other function of this file runs, and keep what is static. */
aio__inline void
aio__switch(struct aio__context *from, struct aio__context *to)
{
#if AIO__SWITCH_HAVE_ASM
    if (aio__likely(aio__switch_backend == AIO__SWITCH_ASM)) {
        aio__switch_asm(from, to);
        return;
    }
#endif
    if (aio__switch_backend == AIO__SWITCH_SJLJ)
        aio__switch_sjlj(from, to);
    else
        aio__switch_ucontext(from, to);
}

#endif
