"""The core types: frozen values that do no I/O."""
