# SPDX-License-Identifier: MIT
"""The parts of run.py and report.py. Only Python's standard library."""
