"""What is measured: one module for each subject, each with a function that yields rows."""
