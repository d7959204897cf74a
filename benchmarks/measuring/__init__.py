"""What benchmarks measure with: processes, memory, videos and other people's programs to compare with."""
