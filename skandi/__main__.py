"""``python -m skandi``, for where the command is not on the path."""

from skandi.cli import main

if __name__ == "__main__":
    main()
