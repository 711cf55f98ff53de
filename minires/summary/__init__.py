"""What a net is made of, and what it costs: `print(minires.summary(net, (3, 32, 32)))`."""

from .report import Summary, summary

__all__ = ["Summary", "summary"]
