"""What programs that handle data read: Parquet, Rerun's recordings, OpenPose's JSON, calibrations."""
