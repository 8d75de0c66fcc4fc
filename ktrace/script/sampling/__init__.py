"""Samples of perf events: what each processor did at a time, or what accessed a variable."""
