"""The files that a cluster is made from: valid by Ray's own rules, with the same roles, and with secrets as files."""

from __future__ import annotations

import re

import pytest
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config
from repository import ROOT

from cluster.connect import ROTATION_BACKUP_COUNT, ROTATION_MAX_BYTES

AWS, ON_PREMISE, KUBERNETES = "ray-cluster.yaml", "deploy/on-premise.yaml", "deploy/kuberay.yaml"
ROLES = {"head", "sessions", "sweeps"}
URL_FILE = "PAPERDEX_DATABASE_URL_FILE"


def read(name):
    return yaml.safe_load((ROOT / name).read_text())


@pytest.mark.parametrize("name", [AWS, ON_PREMISE])
def test_ray_takes_the_file(name):
    validate_config(prepare_config(read(name)))


@pytest.mark.parametrize(
    ("mistake", "said"), [({"max_worker": 4}, "max_worker"), ({"head_node_type": "nobody"}, "must be one of")]
)
def test_ray_does_not_take_a_mistake(mistake, said):
    with pytest.raises(Exception, match=said):
        validate_config(prepare_config(read(AWS) | mistake))


def test_each_node_type_is_one_of_the_roles_by_its_label():
    types = read(AWS)["available_node_types"]
    assert {name: one["labels"]["paperdex"] for name, one in types.items()} == {role: role for role in ROLES}
    assert types["head"]["resources"] == {"CPU": 0}
    spec = read(KUBERNETES)["spec"]
    groups = {group["groupName"]: group["labels"]["paperdex"] for group in spec["workerGroupSpecs"]}
    assert groups == {role: role for role in ROLES - {"head"}}
    assert spec["headGroupSpec"]["labels"] == {"paperdex": "head"}
    assert spec["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"


def test_the_version_of_ray_is_the_one_that_is_tested():
    (tested,) = re.findall(r"^ray==(.+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert read(AWS)["docker"]["image"] == f"rayproject/ray:{tested}-py311"
    assert read(KUBERNETES)["spec"]["rayVersion"] == tested


@pytest.mark.parametrize("name", [AWS, ON_PREMISE])
def test_token_and_database_are_files_and_every_node_is_told_of_them(name):
    file = read(name)
    mounted = {target.rpartition("/.")[2] for target in file["file_mounts"]}
    assert {"ray/auth_token", "paperdex/database-url"} <= mounted
    for commands in (file["head_start_ray_commands"], file["worker_start_ray_commands"]):
        (start,) = [command for command in commands if "ray start" in command]
        assert "RAY_AUTH_MODE=token" in start
        assert re.search(rf"{URL_FILE}=\S+/\.paperdex/database-url ", start)
    assert "--dashboard-host=127.0.0.1" in file["head_start_ray_commands"][1]


def test_on_kubernetes_they_are_a_secret_and_the_operator_s_token():
    spec = read(KUBERNETES)["spec"]
    assert spec["authOptions"] == {"mode": "token"}
    for group in (spec["headGroupSpec"], *spec["workerGroupSpecs"]):
        (container,), (volume,) = group["template"]["spec"]["containers"], group["template"]["spec"]["volumes"]
        (mount,) = container["volumeMounts"]
        assert {"name": URL_FILE, "value": f"{mount['mountPath']}/url"} in container["env"]
        assert mount["name"] == volume["name"] == "database"
        assert volume["secret"] == {"secretName": "paperdex-database"}


@pytest.mark.parametrize("name", [AWS, ON_PREMISE, KUBERNETES])
def test_no_secret_stands_in_a_file(name):
    assert not re.search(r"postgres(ql)?://|password", (ROOT / name).read_text())


@pytest.mark.parametrize("name", [AWS, ON_PREMISE, KUBERNETES])
def test_what_actors_print_is_rotated_as_in_a_private_cluster(name):
    text = (ROOT / name).read_text()
    for setting, value in (("MAX_BYTES", ROTATION_MAX_BYTES), ("BACKUP_COUNT", ROTATION_BACKUP_COUNT)):
        found = re.findall(rf'RAY_ROTATION_{setting}(?:=|\s+value: ")(\d+)', text)
        assert set(found) == {str(value)}
        assert len(found) == text.count("ray start --") or name == KUBERNETES
