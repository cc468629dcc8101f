"""Superset's own settings: where its state lives, how it reads the snapshot, what it may show."""

import re
from pathlib import Path
from typing import Any

from duckdb_engine import ConnectionWrapper
from flask import Flask, Response, jsonify, request
from jinja2 import ChoiceLoader, FileSystemLoader
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from bi.state import state_of
from orchestration.published import connect
from orchestration.settings import load_settings

_settings = load_settings()
_state = state_of(_settings)
_TEMPLATES = Path(__file__).parent / "templates"

APP_NAME = "Learner progress"
SECRET_KEY = _state.secret_key
SQLALCHEMY_DATABASE_URI = f"sqlite:///{_state.metadata_file}?check_same_thread=false"
SQLALCHEMY_TRACK_MODIFICATIONS = False
DATA_DIR = str(_state.folder)
UPLOAD_FOLDER = str(_state.folder / "uploads")

# Nothing is fetched from elsewhere, nothing is sent anywhere.
CONTENT_SECURITY_POLICY_WARNING = False
TALISMAN_ENABLED = True
TALISMAN_CONFIG = {
    "content_security_policy": {
        "base-uri": ["'self'"],
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "worker-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "object-src": "'none'",
        "style-src": ["'self'", "'unsafe-inline'"],
        "script-src": ["'self'", "'strict-dynamic'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    "session_cookie_secure": False,
}
SESSION_COOKIE_SAMESITE = "Lax"
WTF_CSRF_ENABLED = True
AUTH_ROLE_PUBLIC = "Public"
PUBLIC_ROLE_LIKE = None

# No answer is kept: a page reloaded after a refresh shows the new snapshot.
DATA_CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}
RATELIMIT_ENABLED = False

FEATURE_FLAGS = {
    "ALLOW_ADHOC_SUBQUERY": False,
    "RLS_IN_SQLLAB": True,
    "AVOID_COLORS_COLLISION": True,
    "DASHBOARD_RBAC": False,
    "ENABLE_TEMPLATE_PROCESSING": False,
    "DRILL_TO_DETAIL": True,
}
ROW_LIMIT = 10_000
NATIVE_FILTER_DEFAULT_ROW_LIMIT = 1_000
SUPERSET_WEBSERVER_TIMEOUT = 120
ENABLE_UI_THEME_ADMINISTRATION = False
FAB_API_SWAGGER_UI = False
LOGO_TARGET_PATH = "/dashboard/list/"
TALISMAN_DEV_CONFIG = TALISMAN_CONFIG

_PALETTE = ["#0f6e84", "#e08e2b", "#5b8c5a", "#b8475a", "#6a5acd", "#8a6d3b", "#3b7dd8", "#7f8c8d"]
_PALETTE += ["#c2607f", "#2f9e8f", "#a0522d", "#4a5a8c", "#b5a022", "#77559b", "#d1603d", "#3f7f4f"]
EXTRA_CATEGORICAL_COLOR_SCHEMES = [
    {
        "id": "learnerProgress",
        "description": "",
        "label": "Learner progress",
        "isDefault": True,
        "colors": _PALETTE,
    }
]
THEME_DARK = None


def FLASK_APP_MUTATOR(app: Flask) -> None:  # noqa: N802
    """Let this project's templates come first: pages say that they fit a phone.

    The colours that a reader saw are not kept with the dashboard either: they are named after
    courses, and the next reader may not see those.
    """
    app.jinja_loader = ChoiceLoader([FileSystemLoader(_TEMPLATES), app.jinja_loader])
    app.before_request(_forget_colors)


def _forget_colors() -> Response | None:
    is_colors = re.fullmatch(r"/api/v1/dashboard/\d+/colors", request.path)
    return jsonify(result={}) if is_colors and request.method == "PUT" else None


def DB_CONNECTION_MUTATOR(  # noqa: N802
    uri: URL, _params: dict[str, Any], *_: object
) -> tuple[URL, dict[str, Any]]:
    """Give every query a new connection to the snapshot published last, and to nothing else.

    The connection is the project's own: read-only, without access to other files or the network,
    its configuration locked.
    """
    return uri, {"poolclass": NullPool, "creator": lambda: ConnectionWrapper(connect(_settings))}
