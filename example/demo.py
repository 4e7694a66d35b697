"""`make demo`: a company's day in a minute, with everything that can go wrong going wrong, on this machine only.

Environment: `DEMO_SECONDS` ends it by itself after so many seconds (without it: Ctrl-C); `DATABASE_URL`, `BROKER_URL`
and `REDIS_URL` point it at servers one already has; `DEMO_PORT` is the web server's first choice of port (8000);
`VAR_DIR` is where data and logs go (`var/` of the project).
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from showcase.main import main

if __name__ == "__main__":
    sys.exit(main())
