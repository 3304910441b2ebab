"""Push in a process of its own, so that a test can kill it: `python push_in_another_process.py CONFIG AUDIENCE TO`."""

import sys
from datetime import date

from jobs.activation import push
from jobs.config.settings import load_settings
from jobs.errors import StepFailed

if __name__ == "__main__":
    folder, audience, destination = sys.argv[1:4]
    try:
        push.run(audience, destination, date(2017, 6, 1), load_settings(folder))
    except StepFailed as error:
        sys.exit(str(error))
