"""The processes that a location starts: `python -m codeloc host|worker LAUNCH`."""

import sys

from codeloc.launch import Launch

if __name__ == "__main__":
    role, launch = sys.argv[1], Launch.decode(sys.argv[2])
    del sys.argv[1:]  # user code has its own ideas about arguments
    if role == "host":
        from codeloc.host import run_host

        run_host(launch)
    else:
        from codeloc.worker import run_spawned

        run_spawned(launch)
