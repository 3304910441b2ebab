"""Push in a process of its own, so that a test can end it: `python push_in_another_process.py CONFIG AUDIENCE TO`.

A push that fails is told in a line of its own, and done again for every further line of input.
"""

import sys
from datetime import date
from itertools import chain

from jobs.activation import push
from jobs.config.settings import load_settings
from jobs.errors import StepFailed

if __name__ == "__main__":
    folder, audience, destination = sys.argv[1:4]
    told = None
    for _ in chain(["the first time"], sys.stdin):
        try:
            push.run(audience, destination, date(2017, 6, 1), load_settings(folder))
            told = None
        except StepFailed as error:
            told = str(error)
            sys.stderr.write(told + "\n")
            sys.stderr.flush()
    sys.exit(1 if told else 0)
