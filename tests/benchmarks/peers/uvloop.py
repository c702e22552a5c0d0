"""uvloop: asyncio's programs on another loop."""

from __future__ import annotations

import asyncio
import runpy
from pathlib import Path

import uvloop

asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
globals().update(runpy.run_path(str(Path(__file__).with_name("asyncio.py"))))
