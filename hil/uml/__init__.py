"""The kernel that runs as a process: where it comes from, how it is built, and the first program inside it."""
