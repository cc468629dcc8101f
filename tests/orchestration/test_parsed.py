"""The parsed project is kept from one command to the next, and made anew where anything differs."""

import pytest

from orchestration import models, parsed
from orchestration.settings import load_settings


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "project"
    (folder / "target").mkdir(parents=True)
    for name in ("model.sql", "model.yml", "columns.md", "target/compiled.sql"):
        (folder / name).write_text("as it was", encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", ["model.sql", "model.yml", "columns.md", "another.sql"])
def test_another_text_of_the_project_is_kept_under_another_name(project, tmp_path, name):
    before = parsed.file_for(tmp_path, project, "duckdb", "{}")
    (project / name).write_text("changed", encoding="utf-8")
    assert parsed.file_for(tmp_path, project, "duckdb", "{}") != before


def test_other_variables_and_engines_have_names_of_their_own_and_compiled_files_none(
    project, tmp_path
):
    before = parsed.file_for(tmp_path, project, "duckdb", "{}")
    assert parsed.file_for(tmp_path, project, "duckdb", '{"timezone": "UTC"}') != before
    assert parsed.file_for(tmp_path, project, "spark", "{}") != before
    (project / "target" / "compiled.sql").write_text("changed", encoding="utf-8")
    assert parsed.file_for(tmp_path, project, "duckdb", "{}") == before


def test_a_kept_manifest_is_read_as_it_was_and_older_ones_are_gone(tmp_path, monkeypatch):
    from dbt.contracts.graph.manifest import Manifest

    monkeypatch.setattr(parsed, "_READ", {})
    older, file = tmp_path / "parsed_0.pickle", tmp_path / "parsed_1.pickle"
    parsed.keep(Manifest(), older)
    manifest = Manifest()
    manifest.metadata.project_name = "as it was"
    parsed.keep(manifest, file)
    monkeypatch.setattr(parsed, "_READ", {})
    assert parsed.read(file).metadata.project_name == "as it was"
    assert list(tmp_path.iterdir()) == [file]


def test_one_engines_manifest_stays_when_anothers_is_kept(tmp_path):
    from dbt.contracts.graph.manifest import Manifest

    project = tmp_path / "project"
    files = [parsed.file_for(tmp_path, project, engine, "{}") for engine in ("duckdb", "spark")]
    for file in files:
        parsed.keep(Manifest(), file)
    assert sorted(tmp_path.iterdir()) == sorted(files)


@pytest.mark.parametrize("content", [None, b"", b"\x80\x05}\x94"])
def test_what_is_missing_or_cut_short_counts_as_not_kept(tmp_path, content):
    file = tmp_path / "parsed_1.pickle"
    if content is not None:
        file.write_bytes(content)
    assert parsed.read(file) is None


def test_the_next_command_does_not_parse(tmp_path, monkeypatch):
    settings = load_settings(home=tmp_path, _env_file=None)
    keys = models.keys(settings)
    monkeypatch.setattr(parsed, "_READ", {})
    monkeypatch.setattr("dbt.cli.main.dbtRunner.invoke", None)
    assert models.keys(settings) == keys
    assert keys["marts.course_completion"] == ["course_id"]
