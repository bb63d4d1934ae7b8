/* SPDX-License-Identifier: MIT */
/*
 * The bare switch of Boost.Context: its internal jump, and the fiber class that
 * everyone uses. Both go there and back; an operation is one way.
 */
#include "bench.h"

#include <boost/context/detail/fcontext.hpp>
#include <boost/context/fiber.hpp>
#include <boost/context/fixedsize_stack.hpp>

namespace ctx = boost::context;

static void
jumping(ctx::detail::transfer_t from)
{
    for (;;)
        from = ctx::detail::jump_fcontext(from.fctx, nullptr);
}

static void
fcontext(struct bench *bench)
{
    ctx::fixedsize_stack allocator(64 * 1024);
    auto stack = allocator.allocate();
    auto other = ctx::detail::make_fcontext(stack.sp, stack.size, jumping);

    other = ctx::detail::jump_fcontext(other, nullptr).fctx;
    bench_start(bench);
    for (uint64_t i = 0; i < bench->n; i += 2)
        other = ctx::detail::jump_fcontext(other, nullptr).fctx;
    bench_stop(bench);
    allocator.deallocate(stack);
}

static void
fiber(struct bench *bench)
{
    ctx::fiber other([](ctx::fiber &&from) {
        for (;;)
            from = std::move(from).resume();
        return std::move(from);
    });

    other = std::move(other).resume();
    bench_start(bench);
    for (uint64_t i = 0; i < bench->n; i += 2)
        other = std::move(other).resume();
    bench_stop(bench);
}

int
main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {"switch/0", fcontext, 0, 0, 0, nullptr, "boost.context fcontext"},
        {"switch/0", fiber, 0, 0, 0, nullptr, "boost.context fiber"},
        {},
    };
    return bench_main(argc, argv, "boost.context", cases);
}
