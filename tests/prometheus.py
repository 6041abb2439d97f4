"""A real Prometheus, Debian's package, that scrapes every second what Ray says is to be scraped."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from urllib.request import urlopen

import head_node
import yaml
from queries import FOLDER

if TYPE_CHECKING:
    from pathlib import Path

HERE = shutil.which("prometheus") is not None and shutil.which("promtool") is not None
PATIENCE_SECONDS = 90


@dataclass
class Prometheus:
    """A running server."""

    url: str
    process: subprocess.Popen

    def ask(self, expression):
        """Return the series that an expression has now, each with its labels and its value."""
        with urlopen(f"{self.url}/api/v1/query?{urlencode({'query': expression})}", timeout=PATIENCE_SECONDS) as answer:
            return [(one["metric"], float(one["value"][1])) for one in json.load(answer)["data"]["result"]]

    def rules(self):
        """Return the rules as it has them, each with its health."""
        with urlopen(f"{self.url}/api/v1/rules", timeout=PATIENCE_SECONDS) as answer:
            return [rule for group in json.load(answer)["data"]["groups"] for rule in group["rules"]]

    def stop(self):
        """Stop it."""
        self.process.terminate()
        self.process.wait(PATIENCE_SECONDS)


def start(discovery: Path, folder: Path) -> Prometheus:
    """Start a Prometheus with the configuration that travels with the package, but for its pace and where files are."""
    settings = yaml.safe_load((FOLDER / "prometheus.yml").read_text(encoding="utf-8"))
    settings["global"] = dict.fromkeys(settings["global"], "1s")
    settings["rule_files"] = [str(FOLDER / name) for name in settings["rule_files"]]
    settings["scrape_configs"][0]["file_sd_configs"][0]["files"] = [str(discovery)]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(settings))
    (port,) = head_node.free_ports(1)
    with (folder / "said").open("w") as said:
        process = subprocess.Popen(
            [
                "prometheus", f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            cwd=folder, stdout=said, stderr=subprocess.STDOUT,
        )  # fmt: skip
    return Prometheus(f"http://127.0.0.1:{port}", process)
