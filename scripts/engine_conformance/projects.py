"""Which projects of a corpus are tried, and how each is laid out so that it can run here."""
import collections
import hashlib
import json
import os
import pathlib
import shutil

ROOT = pathlib.Path(f"/tmp/watcher-engine-conformance.{os.getpid()}")
# What the busybox image and a private engine cannot stand in for.
NOT_HERE = {
    "provider": "runs a program of the host", "models": "needs Docker Model Runner", "runtime": "runtime of the host",
    "credential_spec": "Windows containers only", "isolation": "Windows containers only",
    "gpus": "device of the host",
}


def excluded(project):
    for service in (project.get("services") or {}).values():
        for attribute, reason in NOT_HERE.items():
            if service.get(attribute):
                return f"{attribute}: {reason}"
    for kind in ("configs", "secrets"):
        if any((one or {}).get("external") for one in (project.get(kind) or {}).values()):
            return f"external {kind}: need Swarm"
    return None


def expected(case):
    """The project of a case that was laid out, as docker compose answered, with the paths of this host."""
    text = pathlib.Path(case["expected"]).read_text().replace("@CASE@", str(ROOT / case["id"]))
    return json.loads(text.replace("@HOME@", str(ROOT / ".home")).replace("@WORK@", str(ROOT)))


def override(project):
    lines = ["services:"]
    for name in project["services"]:
        lines += [f"  {json.dumps(name)}:", "    image: busybox:1"]
        lines += [f"    {key}: !reset null" for key in ("build", "pull_policy", "platform")]
    return "\n".join(lines) + "\n"


def provide(project, root):
    """Makes the files and directories that the engine or compose wants to find, below the case only."""
    for kind in ("configs", "secrets"):
        for one in (project.get(kind) or {}).values():
            path = pathlib.Path((one or {}).get("file") or root)
            if root in path.parents and not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("provided\n")
    for service in project["services"].values():
        for mount in service.get("volumes") or []:
            path = pathlib.Path(mount.get("source") or "")
            if mount["type"] == "bind" and root in path.parents and not path.exists():
                path.mkdir(parents=True, exist_ok=True)


def lay_out(case, description, host):
    root = ROOT / case.name
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(case / "files", root, symlinks=True)
    directory = pathlib.Path(os.path.normpath(root / description["project_directory"]))
    directory.mkdir(parents=True, exist_ok=True)
    project = expected({"id": case.name, "expected": str(case / "expected.json")})
    provide(project, root)
    extra = root / "engine-conformance.override.yaml"
    extra.write_text(override(project))
    external = {kind: sorted({one["name"] for one in (project.get(kind) or {}).values() if (one or {}).get("external")})
                for kind in ("networks", "volumes")}
    external["networks"] = [name for name in external["networks"] if name not in ("bridge", "host", "none")]
    variables = {one["environment"]: "provided" for kind in ("configs", "secrets")
                 for one in (project.get(kind) or {}).values() if (one or {}).get("environment")}
    return {
        "id": case.name, "name": project["name"], "directory": str(directory), "expected": str(case / "expected.json"),
        "files": [os.path.normpath(root / file) for file in description["files"]] + [str(extra)],
        "environment": {**variables, "HOME": str(ROOT / ".home"), "PATH": "/usr/bin:/bin", "DOCKER_HOST": host},
        **external,
    }


def select(corpus, sample, only):
    """The cases to try (`sample` of each kind, or all without one), and how many are left out for which reason."""
    chosen, left_out = [], collections.Counter()
    count = collections.Counter()
    for case in sorted((corpus / "given").iterdir(), key=lambda path: hashlib.sha256(path.name.encode()).hexdigest()):
        description = json.loads((case / "case.json").read_text())
        if description["exit"] != 0 or (only and only not in case.name):
            continue
        project = json.loads((case / "expected.json").read_text())
        if not project.get("services"):
            left_out["no service without a profile"] += 1
        elif reason := excluded(project):
            left_out[reason] += 1
        elif not sample or only or count[description["kind"]] < sample[description["kind"]]:
            count[description["kind"]] += 1
            chosen.append((case, description))
    return chosen, left_out
