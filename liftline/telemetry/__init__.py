"""What services tell operators: structured `logs`, Prometheus `metrics`, OpenTelemetry `traces`."""
