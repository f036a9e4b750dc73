"""``python -m patron``: the command line without its script."""

from patron.cli import main

if __name__ == "__main__":
    main()
