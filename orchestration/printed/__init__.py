"""The printed report: the four answers as one page that needs no server and no network."""

from orchestration.printed.page import page, write_page

__all__ = ["page", "write_page"]
