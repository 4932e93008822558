"""gunicorn, as a test starts it: one process that answers, and none that outlives the test."""

import os
import threading
import time

bind = "127.0.0.1:0"
# The revoked ids of the applications are in the memory of one process.
workers = 1
worker_class = "gthread"
threads = 4
keepalive = 30
# The test reads the address from the standard output.
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
