"""One self-contained page about tracks: opened in any browser, without a network."""

from skandi.report.page import write_report

__all__ = ["write_report"]
