"""Run a compiled script on a kernel or a recording: the only part of `script` that knows `session`."""
