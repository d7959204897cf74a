"""What accuracy benchmarks compare with: triangulated people, simulated rooms, marks of identity, and the scoring."""
