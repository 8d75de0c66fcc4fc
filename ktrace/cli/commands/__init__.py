"""The commands, a module each: declare arguments, build a value, pass it on."""
