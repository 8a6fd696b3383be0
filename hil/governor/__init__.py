"""The C governor inside the bench's own process, so that any rig can stand behind it."""
