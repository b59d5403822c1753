"""`python -m vision_ft`, which `torchrun -m vision_ft` needs."""

from __future__ import annotations

from vision_ft.cli.app import main

if __name__ == "__main__":
    main()
