"""The governor as a firmware image for Cortex-M: sources, build, stack figures, and the image on an emulated board."""
