"""`make bi`: Superset in an environment of its own, its assets imported, served on this machine."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from filelock import FileLock

from bi.state import State, state_of
from orchestration.settings import PROJECT_ROOT, InvalidSetting, Settings, load_settings

HERE = PROJECT_ROOT / "bi"
ENVIRONMENT = HERE / ".venv"
CONSTRAINTS = HERE / "constraints.txt"

# Superset's pages ask its maker's server for a counting pixel; only a build of one's own leaves
# it out. An image without content counts nowhere.
_PIXEL = b"https://apachesuperset.gateway.scarf.sh/pixel/"
_NO_PIXEL = b"data:,"


class SetupFailed(Exception):
    """Superset could not be set up; the message says which step, and what to do."""


def prepare_environment() -> Path:
    """Make Superset's own environment from the hashed constraints; nothing where it is current.

    Its pages are rid of the pixel by which its maker counts users.

    Returns:
        Its folder of programs.

    Raises:
        SetupFailed: a package could not be had; the next call begins anew.
    """
    made_by = CONSTRAINTS.read_bytes() + Path(__file__).read_bytes()
    current = hashlib.sha256(made_by).hexdigest()
    mark = ENVIRONMENT / "ready"
    # Two at once would clear each other's half-made environment.
    with FileLock(HERE / ".venv.lock"):
        if not mark.exists() or mark.read_text(encoding="utf-8") != current:
            _make_environment()
            mark.write_text(current, encoding="utf-8")
    return ENVIRONMENT / "bin"


def _make_environment() -> None:
    venv: list[str | Path] = [sys.executable, "-m", "venv", "--clear", ENVIRONMENT]
    _step("Making Superset's environment", venv)
    uv, python = Path(sys.executable).parent / "uv", ENVIRONMENT / "bin" / "python"
    install: list[str | Path] = [
        uv,
        "pip",
        "install",
        "--quiet",
        "--python",
        python,
        "--require-hashes",
        "-r",
    ]
    _step("Installing Superset", [*install, CONSTRAINTS])
    _silence(ENVIRONMENT)


def _silence(environment: Path) -> None:
    """Take the counting pixel out of the pages; the installer's own copy stays as it is."""
    for script in environment.glob("lib/python*/site-packages/superset/static/assets/*.js"):
        content = script.read_bytes()
        if _PIXEL in content:
            script.unlink()  # it may be linked to the installer's cache
            script.write_bytes(content.replace(_PIXEL, _NO_PIXEL))


def superset_environment() -> dict[str, str]:
    """The environment variables under which Superset finds this project's settings."""
    return {
        **os.environ,
        "SUPERSET_CONFIG_PATH": str(HERE / "superset_config.py"),
        "PYTHONPATH": str(PROJECT_ROOT),
        "FLASK_APP": "superset.app:create_app()",
        "SCARF_ANALYTICS": "false",
    }


def install_assets(programs: Path) -> None:
    """Bring Superset's database, administrator, bundle and roles up to date.

    Raises:
        SetupFailed: with what Superset said last.
    """
    command: list[str | Path] = [programs / "python", "-m", "bi.install"]
    _step("Importing the dashboards", command, superset_environment())


def server_command(programs: Path, settings: Settings) -> list[str]:
    """What serves the dashboards, on this machine only."""
    address = f"127.0.0.1:{settings.bi_port}"
    options = ["--workers", "1", "--threads", "8", "--timeout", "120", "--log-level", "warning"]
    return [str(programs / "gunicorn"), *options, "--bind", address, "superset.app:create_app()"]


def _step(name: str, command: list[str | Path], environment: dict[str, str] | None = None) -> None:
    print(f"{name} …", flush=True)
    done = subprocess.run(  # noqa: S603
        command, env=environment, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "no reason").splitlines()
        raise SetupFailed(f"{name} failed: {said[-1].removeprefix('Error: ')}")


def announce(settings: Settings, state: State) -> None:
    """Say where the dashboards are and how to log in."""
    print(f"Dashboards: http://127.0.0.1:{settings.bi_port}/dashboard/list/")
    print(f"User admin, first password {state.admin_password}")
    if not settings.snapshot_file.exists():
        print("Nothing is published yet: run `learner-progress refresh` or `make demo` first.")
    print("Stop with Ctrl+C.", flush=True)


def main() -> None:
    """Set up, import, and become the server; a fault is one sentence and exit code 1."""
    try:
        settings = load_settings()
        programs = prepare_environment()
        install_assets(programs)
    except (SetupFailed, InvalidSetting) as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(1)
    announce(settings, state_of(settings))
    command = server_command(programs, settings)
    os.chdir(PROJECT_ROOT)
    os.execve(command[0], command, superset_environment())  # noqa: S606


if __name__ == "__main__":
    main()
