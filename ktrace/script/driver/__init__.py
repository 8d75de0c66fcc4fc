"""Run a compiled script on a kernel or a recording. Only this part of `script` uses `session`."""
