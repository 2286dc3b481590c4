"""The recipes for clusters: the manifest fits the schema of KubeRay, and the script of Slurm is one of bash.

The models below have the fields of `ray.io/v1` (KubeRay, August 2026) and of Kubernetes' pods that the manifest
uses; any other field is an error, as it is for the operator.
"""

import re
import subprocess
from pathlib import Path
from typing import Literal

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")


class Fields(BaseModel):
    """Fields of an object; no others are allowed, and no value is converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Resources(Fields):
    limits: dict[str, str] = {}
    requests: dict[str, str] = {}


class Mount(Fields):
    name: str
    mountPath: str  # noqa: N815 - the schema's names


class Container(Fields):
    name: str
    image: str
    resources: Resources
    volumeMounts: list[Mount] = []  # noqa: N815


class Claim(Fields):
    claimName: str  # noqa: N815


class Volume(Fields):
    name: str
    persistentVolumeClaim: Claim  # noqa: N815


class Pod(Fields):
    containers: list[Container]
    volumes: list[Volume] = []

    @model_validator(mode="after")
    def _mounts_have_volumes(self) -> "Pod":
        mounted = {mount.name for container in self.containers for mount in container.volumeMounts}
        if mounted != {volume.name for volume in self.volumes}:
            raise ValueError("mounts and volumes differ")
        return self


class Template(Fields):
    spec: Pod


class Group(Fields):
    rayStartParams: dict[str, str]  # noqa: N815
    template: Template


class Workers(Group):
    groupName: str  # noqa: N815
    replicas: int
    minReplicas: int  # noqa: N815
    maxReplicas: int  # noqa: N815


class Authentication(Fields):
    mode: Literal["disabled", "token"]


class Cluster(Fields):
    rayVersion: str  # noqa: N815
    authOptions: Authentication  # noqa: N815
    enableInTreeAutoscaling: bool  # noqa: N815
    headGroupSpec: Group  # noqa: N815
    workerGroupSpecs: list[Workers]  # noqa: N815


class Job(Fields):
    entrypoint: str
    shutdownAfterJobFinishes: bool  # noqa: N815
    backoffLimit: int  # noqa: N815
    rayClusterSpec: Cluster  # noqa: N815


class Metadata(Fields):
    name: str


class Manifest(Fields):
    apiVersion: Literal["ray.io/v1"]  # noqa: N815
    kind: Literal["RayJob"]
    metadata: Metadata
    spec: Job


def block(language: str, word: str) -> str:
    """The block of the page in a language that has a word in it."""
    blocks = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    (found,) = (text for text in blocks if word in text)
    return str(found)


def test_the_manifest_fits_the_schema_and_asks_for_a_token() -> None:
    manifest = Manifest.model_validate(yaml.safe_load(block("yaml", "RayJob")))
    cluster = manifest.spec.rayClusterSpec
    assert cluster.authOptions.mode == "token"
    assert f"\nray=={cluster.rayVersion}\n" in (ROOT / "constraints.txt").read_text(encoding="utf-8")
    (workers,) = cluster.workerGroupSpecs
    assert workers.minReplicas <= workers.replicas <= workers.maxReplicas
    assert cluster.enableInTreeAutoscaling == (workers.minReplicas < workers.maxReplicas)


@pytest.mark.parametrize("change", [("replicas: 4", "replicas: four"), ("backoffLimit", "backofLimit")])
def test_a_manifest_that_does_not_fit_is_refused(change: tuple[str, str]) -> None:
    with pytest.raises(ValidationError):
        Manifest.model_validate(yaml.safe_load(block("yaml", "RayJob").replace(*change)))


@pytest.mark.parametrize("script", [block("bash", "#SBATCH"), None])
def test_shell_scripts_are_shell_scripts(script: str | None) -> None:
    code = script or Manifest.model_validate(yaml.safe_load(block("yaml", "RayJob"))).spec.entrypoint
    subprocess.run(["bash", "-n", "-c", code], check=True)
