"""Files of media items, kept under the hash of their bytes: in a folder or an S3-compatible store."""
