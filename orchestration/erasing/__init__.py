"""Forgetting a learner everywhere under the home folder, for ever."""
