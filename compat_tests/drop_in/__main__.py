"""Tell what comes of the cases with the version of fetch-artifacts that is here.

    python -m compat_tests.drop_in FOLDER

So this folder imports nothing but the standard library and that.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from compat_tests.drop_in.running import run

sys.stdout.write(json.dumps(run(Path(sys.argv[1]).resolve())))
