"""``python -m choreoscope``: the command line."""

from choreoscope.cli.main import main

if __name__ == "__main__":
    main()
