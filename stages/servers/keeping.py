"""Keeps a command running for as long as the process that started this one lives, and no longer, even by SIGKILL.

python keeping.py COMMAND …: standard input is a pipe whose other end that process holds and never writes to. The kernel
closes it when the process ends, however it does; the command and all that it started (one process a GPU, which hold
its memory) are then ended as one group. A signal on the parent's death would reach the command alone.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

GRACE = 30.0
"""Seconds to end in before being killed."""


def main() -> None:
    try:
        command = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)
    except OSError as error:
        sys.exit(f"{sys.argv[1]} cannot be run: {error.strerror}")
    threading.Thread(target=_end_with_input, args=(command.pid,), daemon=True).start()
    os.waitid(os.P_PID, command.pid, os.WEXITED | os.WNOWAIT)
    _signal(command.pid, signal.SIGKILL)  # what it left behind; its number is not given away before it is waited for
    code = command.wait()
    sys.exit(code if code >= 0 else 128 - code)


def _end_with_input(group: int) -> None:
    os.read(sys.stdin.fileno(), 1)  # not by sys.stdin, whose lock a thread that waits would hold to the very end
    _signal(group, signal.SIGTERM)
    time.sleep(GRACE)
    _signal(group, signal.SIGKILL)


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):  # it has ended
        os.killpg(group, number)


if __name__ == "__main__":
    main()
