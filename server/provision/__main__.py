"""`python3 -m server.provision`: make the named parts ready."""

import sys

from server.provision.making import main

sys.exit(main())
