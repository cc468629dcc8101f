# Each target is one line of work; .venv is made anew when constraints.txt or pyproject.toml change.
.PHONY: setup demo test test-slow test-bi test-spark ui serve api bi bi-bundle metrics spark cluster cluster-down bench lint check lock bi-lock spark-lock bench-lock docs

BIN := .venv/bin
READY := .venv/ready
SPARK_READY := .venv/spark-ready

MANIFEST := dbt_project/target/manifest.json
MODELS := $(shell find dbt_project -name target -prune -o -name logs -prune -o -type f -not -name ".*" -print)

# Who runs the commands may not be allowed to write here: what they import is compiled beforehand.
setup: $(READY) $(MANIFEST)
	@$(BIN)/python -m compileall -q orchestration

$(READY): constraints.txt pyproject.toml
	python3 -m venv --clear .venv
	sed -n '/^uv==/,/^[^ u]/p' constraints.txt | sed '$$d' > .venv/uv.txt
	$(BIN)/pip install --quiet --require-hashes --no-deps -r .venv/uv.txt
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r constraints.txt || $(BIN)/pip install --quiet --require-hashes -r constraints.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --no-index -e .
	touch $(READY)

$(SPARK_READY): $(READY) constraints-spark.txt
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r constraints-spark.txt || $(BIN)/pip install --quiet --require-hashes -r constraints-spark.txt
	touch $(SPARK_READY)

$(MANIFEST): $(READY) $(MODELS)
	$(BIN)/dbt parse --quiet --project-dir dbt_project --profiles-dir dbt_project
	touch $(MANIFEST)

demo: setup
	$(BIN)/learner-progress demo

test: setup
	$(BIN)/pytest -n 2 -m "not slow"

test-slow: setup
	$(BIN)/pytest -n 3 --dist loadfile --durations 15 -m slow --ignore tests/bi --ignore tests/spark

test-bi: setup
	$(BIN)/pytest -m slow tests/bi

test-spark: setup
	! command -v java > /dev/null || $(MAKE) spark
	$(BIN)/pytest -rs $(TESTS) tests/spark

serve: setup
	$(BIN)/learner-progress serve

ui: setup
	$(BIN)/python -m orchestration.ui

api: setup
	$(BIN)/python -m orchestration.service

bi: setup
	$(BIN)/python -m bi.run

metrics: setup
	$(BIN)/python -m orchestration.metrics validate-configs
	$(BIN)/python -m orchestration.metrics list metrics

bi-bundle: setup
	$(BIN)/python -m bi.make_bundle

spark: setup $(SPARK_READY)

cluster: spark
	$(BIN)/python -m orchestration.spark up

cluster-down: setup
	$(BIN)/python -m orchestration.spark down

bench: setup
	$(BIN)/python -m bench.run $(BENCH)

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/sqlfmt --check --quiet dbt_project/models dbt_project/macros dbt_project/tests metrics/models
	$(BIN)/sqlfluff lint --disable-progress-bar dbt_project/models dbt_project/tests

check: lint
	$(BIN)/pytest tests/house

lock: setup
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-strip-extras --no-emit-index-url --no-emit-find-links --no-header --python-version 3.11 --group dev --extra api --extra metrics --extra postgres pyproject.toml -o constraints.txt
	$(MAKE) spark-lock

spark-lock: setup
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-strip-extras --no-emit-index-url --no-emit-find-links --no-header --python-version 3.11 --extra spark --extra spark-cluster -c constraints.txt pyproject.toml -o constraints-spark.txt

bi-lock: setup
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-strip-extras --no-emit-index-url --no-emit-find-links --no-header --python-version 3.11 bi/requirements.in -o bi/constraints.txt

bench-lock: setup
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-strip-extras --no-emit-index-url --no-emit-find-links --no-header --python-version 3.11 bench/requirements.in -o bench/constraints.txt

docs: setup
	$(BIN)/dbt docs generate --quiet --static --no-compile --empty-catalog --project-dir dbt_project --profiles-dir dbt_project
	@echo "Open dbt_project/target/static_index.html"
