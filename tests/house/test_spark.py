"""What the engine spark needs is locked beside the main set-up, and changes nothing in it."""

import re

from orchestration.settings import PROJECT_ROOT

PIN = re.compile(r"^([a-z0-9._-]+(?:\[[^\]]*\])?)==(\S+)", re.MULTILINE)


def locked(name: str) -> str:
    return (PROJECT_ROOT / name).read_text(encoding="utf-8")


def test_the_locked_dependencies_of_spark_are_hashed_and_name_no_address():
    text = locked("constraints-spark.txt")
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links", text)
    pins = re.findall(r"^[a-zA-Z0-9].*==.*$", text, re.MULTILINE)
    assert pins
    assert all(pin.endswith("\\") for pin in pins)


def test_what_spark_needs_moves_no_pin_of_the_main_set_up():
    main, spark = (
        {(package.partition("[")[0], version) for package, version in PIN.findall(locked(name))}
        for name in ("constraints.txt", "constraints-spark.txt")
    )
    names = {package for package, _ in main}
    assert {pin for pin in spark - main if pin[0] in names} == set()
    assert {"dbt-spark", "pyspark"} & names == set()
