#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""asyncio of CPython, or uvloop with --uvloop."""

import bench
import micro
import net

if __name__ == '__main__':
    bench.main(micro.CASES + net.CASES)
