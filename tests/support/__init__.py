"""What tests share: factories, servers, databases, commands."""
