"""`python -m modelgate` is the command `modelgate`."""

from modelgate.cli.main import main

if __name__ == "__main__":
    main()
