"""The server that a news publisher trusts with its exclusive rights."""

__version__ = "0.3.0"
