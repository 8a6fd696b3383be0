"""Tests that need CAN interfaces of a kernel: run in the box, never collected by themselves."""
