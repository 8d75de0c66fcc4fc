"""One module a command: declare arguments, build a value, hand it on."""
