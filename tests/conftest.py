"""What every test rests on."""

from __future__ import annotations

import signal

# A suite that was started in the background inherits that Ctrl-C is ignored, and so would every program that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
