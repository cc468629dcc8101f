"""The console script `learner-progress`: a module for each kind of command."""

from orchestration.cli.group import cli, main

__all__ = ["cli", "main"]
