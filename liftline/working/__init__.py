"""Parts of the worker loop (`liftline.worker`)."""
