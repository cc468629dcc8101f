"""The Dagster shell: thin, room by room; what it runs lives in the modules beside this folder."""
