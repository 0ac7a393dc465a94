"""Long work outside the page: a queue that wakes the worker, the worker, and the child process that does one job after the other.

The job rows of the store are the truth; the queue (huey) only says "there is work". So nothing is lost when a message is, and several
machines may share one queue and one database.
"""
