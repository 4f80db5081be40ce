"""What commands share: output, tables, errors, values."""
