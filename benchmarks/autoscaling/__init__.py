"""How KEDA would scale the detectors: `python -m benchmarks.autoscaling`."""
