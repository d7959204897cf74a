"""Every speed, memory and accuracy-on-video figure that the README quotes: `python -m benchmarks`."""
