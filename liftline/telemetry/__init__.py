"""What services tell operators: logs, metrics, traces."""
