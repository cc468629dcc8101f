"""What was told and what still has to arrive: `alerts.json` in the home folder."""

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from filelock import FileLock

from orchestration.alerts.delivery import Message, deliver_all, targets
from orchestration.settings import Settings
from orchestration.warehouse import utc_now

KEPT_FOR = timedelta(days=3)
"""A message that didn't arrive for so long is given up."""

_CLAIMED_FOR = timedelta(minutes=3)
_FIRST_WAIT, _LONGEST_WAIT = timedelta(minutes=1), timedelta(minutes=15)
_LOCK_SECONDS = 10


@dataclass
class Outage:
    """Something fails or is stale: since when (UTC), why, and how often it failed so far."""

    since: datetime
    what: str
    times: int = 1


@dataclass
class Letter:
    """A message on its way to one target; instants in UTC."""

    target: str
    message: Message
    made_at: datetime
    due_at: datetime
    claimed_until: datetime = datetime.min
    attempts: int = 0
    letter_id: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass
class State:
    """The outages that were told, when each subject last worked, and the letters under way."""

    outages: dict[str, Outage] = field(default_factory=dict)
    worked: dict[str, datetime] = field(default_factory=dict)
    letters: list[Letter] = field(default_factory=list)

    def begin(self, subject: str, *, since: datetime, what: str) -> None:
        """Note an outage."""
        self.outages[subject] = Outage(since, what)


def tell(settings: Settings, change: Callable[[State], list[Message]]) -> list[str]:
    """Change what is remembered, and deliver the messages that follow and those that wait.

    Two processes never send the same message at once: letters are claimed for some minutes. Where
    the home folder can't be written (a full or missing disk), new messages are sent all the same,
    and told again at the next failure: better twice than never. Without a target nothing is done.

    Returns:
        Why messages didn't arrive, a sentence a target.
    """
    if not targets(settings):
        return []
    now = utc_now()
    try:
        with _remembered(settings) as state:
            new = change(state)
            state.letters += _letters(settings, new, now)
            claimed = _claim(state, settings, now, at_once=bool(new))
    except OSError:
        claimed = _letters(settings, change(State()), now)
    mail: dict[str, list[Letter]] = {}
    for letter in claimed:
        mail.setdefault(letter.target, []).append(letter)
    outcomes = deliver_all(
        settings, {to: [letter.message for letter in letters] for to, letters in mail.items()}
    )
    if mail:
        # What can't be noted as arrived is sent again when its claim has run out.
        with suppress(OSError), _remembered(settings) as state:
            for to, (arrived, problem) in outcomes.items():
                _settle(state, mail[to], arrived, problem)
    return [problem for _, problem in outcomes.values() if problem]


def _letters(settings: Settings, messages: list[Message], now: datetime) -> list[Letter]:
    return [
        Letter(target, message, made_at=now, due_at=now)
        for message in messages
        for target in targets(settings)
    ]


def _claim(state: State, settings: Settings, now: datetime, *, at_once: bool) -> list[Letter]:
    """Take the letters to be sent now; those of a target go in order, by one process."""
    wanted = targets(settings)
    state.letters = [
        letter
        for letter in state.letters
        if letter.target in wanted and letter.made_at > now - KEPT_FOR
    ]
    claimed = []
    for target in wanted:
        letters = [letter for letter in state.letters if letter.target == target]
        if any(letter.claimed_until > now for letter in letters):
            continue
        if letters and (at_once or letters[0].due_at <= now):
            claimed += letters
    for letter in claimed:
        letter.claimed_until = now + _CLAIMED_FOR
    return claimed


def _settle(state: State, claimed: list[Letter], arrived: int, problem: str | None) -> None:
    """Forget what arrived, and let the others wait: twice as long after each attempt."""
    gone = {letter.letter_id for letter in claimed[:arrived]}
    waiting = {letter.letter_id for letter in claimed[arrived:]}
    state.letters = [letter for letter in state.letters if letter.letter_id not in gone]
    for letter in state.letters:
        if letter.letter_id in waiting:
            letter.claimed_until = datetime.min
            letter.due_at = utc_now() + min(_FIRST_WAIT * 2**letter.attempts, _LONGEST_WAIT)
            letter.attempts += 1 if problem else 0


@contextmanager
def _remembered(settings: Settings) -> Iterator[State]:
    """The state, locked against other processes; what the block changes of it is kept.

    Raises:
        OSError: the home folder isn't there or can't be written, or the lock isn't had in time.
    """
    if not settings.home.is_dir():
        raise FileNotFoundError(settings.home)
    file = settings.home / "alerts.json"
    with FileLock(settings.home / "alerts.lock", timeout=_LOCK_SECONDS):
        state = _read(file.read_text(encoding="utf-8") if file.exists() else "")
        before = asdict(state)
        yield state
        if asdict(state) != before:
            building = file.with_suffix(".part")
            building.write_text(json.dumps(asdict(state), default=_iso, indent=1), encoding="utf-8")
            building.replace(file)


def _read(text: str) -> State:
    """The state in a text; an empty one where it can't be read: things are told twice then."""
    try:
        kept = json.loads(text)
        return State(
            {subject: Outage(**_dated(outage)) for subject, outage in kept["outages"].items()},
            {subject: datetime.fromisoformat(at) for subject, at in kept["worked"].items()},
            [Letter(**_dated(letter)) for letter in kept["letters"]],
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return State()


_INSTANTS = {"since", "made_at", "due_at", "claimed_until"}


def _dated(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: datetime.fromisoformat(value) if name in _INSTANTS else value
        for name, value in values.items()
    }


def _iso(instant: datetime) -> str:
    return instant.isoformat()
