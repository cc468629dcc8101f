"""The settings of the warehouse, and the only place that reads the environment."""

from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError
from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT_ROOT = Path(__file__).resolve().parent.parent
PREFIX = "LEARNER_PROGRESS_"

SECRETS = {
    "alert_webhook",
    "alert_smtp_password",
    "api_token",
    "dagster_postgres_url",
    "spark_password",
}
"""Settings whose values are shown nowhere."""

Limit = Annotated[float | None, BeforeValidator(lambda value: None if value == "" else value)]
"""A number, or nothing: empty switches off what it limits."""


class InvalidSetting(Exception):
    """A setting has a value that can't be used; the message names it and what it takes."""


class Settings(BaseSettings):
    """Every setting with its default, read from `LEARNER_PROGRESS_*` or the project's `.env`.

    Folders are absolute paths. Days are of 24 hours; the time zone is an IANA name and rules
    how dates without a time are read and on which day or month an instant is reported.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=PROJECT_ROOT / ".env",
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
    )

    home: Path = PROJECT_ROOT / "data"
    timezone: str = "UTC"
    grace_days: int = Field(default=14, ge=0, le=36_500)
    max_future_minutes: int = Field(default=60, ge=0, le=5_256_000)
    min_cohort: int = Field(default=5, ge=0)
    keep_snapshots: int = Field(default=3, ge=1)
    rejected_limit: float = Field(default=0.05, ge=0, le=1)
    infer_enrollments: bool = False
    memory_limit: str = Field(default="4GB", pattern=r"^[1-9][0-9]*(MB|GB)$")
    snapshot: Literal["duckdb", "parquet"] = "duckdb"
    snapshot_format: Literal["v2.0.0", "v1.2.0"] = "v2.0.0"
    publish_parquet: bool = False
    xapi_home_page: bool = False
    api_token: SecretStr | None = None
    api_host: str = "127.0.0.1"
    api_port: int = Field(default=8100, ge=1, le=65_535)
    archive_days: int | None = Field(default=None, ge=1, le=36_500)
    history_days: int | None = Field(default=90, ge=1, le=36_500)
    dagster_postgres_url: SecretStr = SecretStr("")
    retries: int = Field(default=3, ge=0, le=10)
    retry_wait_seconds: float = Field(default=30, ge=0, le=3_600)
    max_snapshot_age_hours: Limit = Field(default=26, gt=0, le=876_000)
    max_landing_gap_hours: Limit = Field(default=72, gt=0, le=876_000)
    max_event_gap_hours: Limit = Field(default=72, gt=0, le=876_000)
    volume_factor: Limit = Field(default=3, gt=1)
    volume_weeks: int = Field(default=4, ge=2, le=52)
    ui_url: str = ""
    alert_webhook: SecretStr = SecretStr("")
    alert_smtp_host: str = ""
    alert_smtp_port: int = Field(default=587, ge=1, le=65_535)
    alert_smtp_starttls: bool = True
    alert_smtp_user: str = ""
    alert_smtp_password: SecretStr = SecretStr("")
    alert_from: str = ""
    alert_to: str = Field(default="", validate_default=True)
    refresh_cron: str = "0 * * * *"
    landing_rest_seconds: int | None = Field(default=None, ge=0, le=86_400)
    bi_port: int = Field(default=8088, ge=1, le=65_535)
    engine: Literal["duckdb", "spark"] = "duckdb"
    spark_host: str = "127.0.0.1"
    spark_port: int = Field(default=10_000, ge=1, le=65_535)
    spark_warehouse: str = ""
    spark_prefix: str = Field(default="learner_progress_", pattern=r"^[a-z][a-z0-9_]*$")
    spark_user: str = ""
    spark_password: SecretStr = SecretStr("")
    spark_auth: Literal["NONE", "NOSASL", "LDAP", "CUSTOM", "KERBEROS"] = "NONE"
    spark_kerberos_service: str = ""
    spark_tls: bool = False
    cluster_workers: int = Field(default=2, ge=1, le=64)
    cluster_memory: str = Field(default="2g", pattern=r"^[1-9][0-9]*[mg]$")
    cluster_master_port: int = Field(default=7077, ge=1, le=65_535)
    cluster_ui_port: int = Field(default=8080, ge=1, le=65_400)

    @field_validator("home", mode="before")
    @classmethod
    def _absolute(cls, home: object) -> Path:
        # An empty path would be whatever folder one is in.
        if not str(home).strip():
            raise ValueError("name a folder, or leave the setting out")
        return Path(str(home)).expanduser().absolute()

    @field_validator("archive_days", "history_days", "landing_rest_seconds", mode="before")
    @classmethod
    def _empty_is_none(cls, text: object) -> object:
        return None if text == "" else text

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError("give an IANA time zone name such as Europe/Vienna")
        return name

    @field_validator("ui_url")
    @classmethod
    def _base_url(cls, url: str) -> str:
        if url and not url.startswith(("http://", "https://")):
            raise ValueError("give an address such as https://dagster.example.org")
        return url.rstrip("/")

    @field_validator("alert_webhook")
    @classmethod
    def _web_address(cls, url: SecretStr) -> SecretStr:
        if url and not url.get_secret_value().startswith(("http://", "https://")):
            raise ValueError("give an address that begins with https://")
        return url

    @field_validator("alert_to")
    @classmethod
    def _somebody(cls, addresses: str, info: ValidationInfo) -> str:
        if info.data.get("alert_smtp_host") and "@" not in addresses:
            raise ValueError("say who gets the e-mail, as ops@example.org, ada@example.org")
        return addresses

    @field_validator("refresh_cron")
    @classmethod
    def _cron(cls, cron: str) -> str:
        try:
            if len(cron.split()) == 5:
                next(CronSim(cron, datetime(2025, 1, 1)))
                return " ".join(cron.split())
        except (CronSimError, StopIteration):
            pass
        raise ValueError(
            "give five cron fields (minute, hour, day, month, weekday) such as 0 * * * *"
        )

    @cached_property
    def zone(self) -> ZoneInfo:
        """The reporting time zone."""
        return ZoneInfo(self.timezone)

    @property
    def rest_seconds(self) -> int:
        """For how long the inbox must have rested before files start a refresh."""
        return 60 if self.landing_rest_seconds is None else self.landing_rest_seconds

    @property
    def landing(self) -> Path:
        """The inbox: one folder per source."""
        return self.home / "landing"

    @property
    def archive(self) -> Path:
        """Every landed file, decompressed content kept whole as zstd."""
        return self.home / "archive"

    @property
    def set_aside(self) -> Path:
        """Files that couldn't be read, each beside its reason."""
        return self.home / "set_aside"

    @property
    def warehouse_file(self) -> Path:
        """The private database of refreshes: raw, staging, and the steps of progress."""
        return self.home / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        """The folder of snapshots."""
        return self.home / "published"

    @property
    def snapshot_file(self) -> Path:
        """What readers open: a link to the newest published snapshot."""
        return self.published / "learner_progress.duckdb"

    @property
    def report_file(self) -> Path:
        """The printed report that lies beside the snapshot."""
        return self.published / "report.html"

    @property
    def dagster_home(self) -> Path:
        """Dagster's settings, run history and logs."""
        return self.home / "dagster"

    @property
    def spark_folder(self) -> str:
        """What the cluster shares with this machine: a path, or the URL of a store."""
        return self.spark_warehouse or str(self.home / "spark" / "warehouse")

    @property
    def as_of(self) -> Path:
        """Snapshots as of the past, a folder each."""
        return self.published / "as_of"

    @property
    def figures(self) -> dict[str, object]:
        """The settings that touch figures: a change of one asks for a full refresh."""
        return {
            "timezone": self.timezone,
            "grace_days": self.grace_days,
            "min_cohort": self.min_cohort,
            "infer_enrollments": self.infer_enrollments,
        }


def load_settings(**overrides: object) -> Settings:
    """Read the settings from the environment, with `overrides` before it.

    Raises:
        InvalidSetting: one sentence naming the first bad setting; nothing was opened or written.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0] if first["loc"] else "")
        value = "not usable" if field in SECRETS else repr(first["input"])
        says = first["msg"].removeprefix("Value error, ")
        raise InvalidSetting(f"{PREFIX}{field.upper()} is {value}: {says}.") from error
    except UnicodeDecodeError as error:
        file = Settings.model_config["env_file"]
        raise InvalidSetting(f"{file} is not UTF-8: save it as that.") from error
