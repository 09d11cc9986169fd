"""What the programs of the Python clients share: the records that they write, and the lines that they print."""

import sys
import threading

COUNT = 200
PATIENCE_S = 90


def records(name):
    """The records of a topic, as (key, value) in bytes. Each has the header origin=NAME."""
    return [(b"k%d" % at, f"{name} {at} é".encode()) for at in range(COUNT)]


def arguments():
    """The bootstrap servers, and the name that begins those of all topics and groups."""
    return sys.argv[1], sys.argv[2]


def run(version, *steps, others=()):
    """
    Calls the steps in order, or those, also of the others, whose functions the program's further arguments name. Prints
    the client's version, and the name of each step that has passed.
    """
    known = {step.__name__: step for step in (*steps, *others)}
    print("version", version, flush=True)
    for step in [known[name] for name in sys.argv[3:]] or steps:
        step()
        print("ok", step.__doc__, flush=True)


def equal(found, expected):
    if found != expected:
        raise AssertionError(f"expected {expected!r}, found {found!r}")


class Taken:
    """The values that the members of a group have taken, with the commit that makes them theirs."""

    def __init__(self):
        self.changed = threading.Condition()
        self.values = []

    def add(self, values):
        with self.changed:
            self.values.extend(values)
            self.changed.notify_all()

    def until(self, condition, what):
        with self.changed:
            if not self.changed.wait_for(condition, PATIENCE_S):
                raise AssertionError(f"in vain for {PATIENCE_S} s: {what}; {len(self.values)} values taken")
