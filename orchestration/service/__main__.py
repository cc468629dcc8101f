"""Starts the HTTP service: `make api`."""

import sys

import uvicorn

from orchestration.service.app import TokenMissing, make_app
from orchestration.settings import InvalidSetting, load_settings


def main() -> None:
    """Serve until stopped; a missing token or a bad setting is one sentence and exit code 1."""
    try:
        settings = load_settings()
        app = make_app(settings)
    except (TokenMissing, InvalidSetting) as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(1)
    uvicorn.run(app, host=settings.api_host, port=settings.api_port, access_log=False)


if __name__ == "__main__":
    main()
