"""`make cluster` and `make cluster-down`: starts and stops the cluster on this machine."""

import sys

from orchestration.settings import InvalidSetting, load_settings
from orchestration.spark import cluster, processes


def main() -> None:
    """Do as the first argument says, `up` or `down`; a fault is one sentence and exit code 1."""
    try:
        settings = load_settings()
        if sys.argv[1:] == ["down"]:
            print(f"Stopped {cluster.stop(settings)} processes.")
            return
        print("Starting a master, workers and the Thrift server …", flush=True)
        cluster.start(settings)
    except (cluster.ClusterFailed, InvalidSetting) as error:
        sys.exit(f"Error: {error}")
    print(f"{settings.cluster_workers} workers; pages: http://127.0.0.1:{settings.cluster_ui_port}")
    print(
        f"Thrift server: 127.0.0.1:{settings.spark_port}; logs: {processes.folder(settings)}/logs"
    )
    print("Build there with `learner-progress refresh --engine spark`; stop: `make cluster-down`.")


if __name__ == "__main__":
    main()
