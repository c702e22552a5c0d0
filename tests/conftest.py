"""What every test shares: how hypothesis searches.

Three profiles. `ci` draws the same examples each time, so that a red run is
red again; `dev`, the default outside CI, draws new ones; `thorough` is for
`make soak`. No example has a deadline: a busy machine is not a failure.
"""

import os

from hypothesis import settings

settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("dev", deadline=None)
settings.register_profile("thorough", deadline=None, max_examples=5_000)
settings.load_profile("ci" if os.environ.get("CI") else "dev")
