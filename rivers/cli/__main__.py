"""`python -m rivers.cli` is `rivers`."""

from rivers.cli import main

if __name__ == "__main__":
    main()
