"""``python -m patron.cli``: the command line without its script."""

from patron.cli import main

main()
