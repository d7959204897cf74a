"""What a gateway remembers: `job_repository` is typed access to NATS' key-value buckets."""
