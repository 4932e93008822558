"""The configuration of gunicorn for tests: one worker process, and no process outlives the test."""

import os
import threading
import time

bind = "127.0.0.1:0"
# The applications keep revoked token ids in memory, so there must be only one process.
workers = 1
worker_class = "gthread"
threads = 4
keepalive = 30
# The test reads the address from standard output.
errorlog = "/dev/stdout"
control_socket_disable = True


def _end_with_the_parent():
    parent = os.getppid()

    def watch():
        while os.getppid() == parent:
            time.sleep(0.1)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


def on_starting(server):
    _end_with_the_parent()


def post_fork(server, worker):
    _end_with_the_parent()
