"""`python3 -m provision`: make the named parts ready."""

import sys

from provision.making import main

sys.exit(main())
