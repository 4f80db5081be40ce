"""Pictures: what their files say, the renditions made of them, and the stamp inside JPEG, PNG and WebP."""
