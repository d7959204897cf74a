"""What the services cost beside the work itself: `python -m benchmarks.orchestration`."""
