# SPDX-License-Identifier: MIT
"""import pure: asyncio without its accelerator, as pure Python.

Import it before anything that imports asyncio. The page that runs the oracle
has imported asyncio already; its modules are forgotten and imported anew.
"""

import sys

for name in [m for m in sys.modules
             if m == "asyncio" or m.startswith("asyncio.")]:
    del sys.modules[name]
sys.modules["_asyncio"] = None

import asyncio    # noqa: E402

assert asyncio.Task is asyncio.tasks._PyTask
assert asyncio.Future is asyncio.futures._PyFuture
