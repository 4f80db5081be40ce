"""Rights: partners, mandates, licences and keys."""
