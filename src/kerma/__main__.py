"""``python -m kerma``."""

from kerma.cli import main

main()
