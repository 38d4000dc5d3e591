"""Runs projects for real: watcher over its own work, watcher over docker compose's, docker compose over watcher's."""
import collections
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess

from engine_conformance import projects
from engine_conformance.recorder import Recorder

DEADLINE = 120  # seconds for one command
MOST_REFUSED = 0.02  # of the projects that docker compose can run here


def runnable(project, root, directory):
    """The override with which busybox does for every image, and bind mounts stay below `root` or on what is there.

    Jobs, on whose end another service waits, end at once; everything else sleeps, and is healthy when it has a check or
    another service waits for its health.
    """
    waited = collections.defaultdict(set)
    for service in project["services"].values():
        for name, dependency in (service.get("depends_on") or {}).items():
            waited[dependency["condition"]].add(name)
    services = {}
    for name, service in project["services"].items():
        is_job = name in waited["service_completed_successfully"]
        lines = ["image: busybox:1", "stop_signal: SIGKILL", f"entrypoint: !override [{'true' if is_job else 'sleep'!r}]",
                 "command: !override [" + ("" if is_job else "'3600'") + "]"]
        lines += [f"{key}: !reset null" for key in ("build", "pull_policy", "platform", "post_start", "pre_stop")]
        if is_job:
            lines += ["restart: !override 'no'"]
            if (service.get("deploy") or {}).get("restart_policy"):
                lines += ["deploy: {restart_policy: !reset null}"]
        if (service.get("healthcheck") or name in waited["service_healthy"]) and not is_job:
            lines += ["healthcheck: !override {test: [CMD, 'true'], interval: 1s, timeout: 20s, retries: 9}"]
        if service.get("user") and not re.fullmatch(r"\d+(:\d+)?", str(service["user"])):
            lines += ["user: '1000'"]
        if service.get("volumes"):
            volumes = [placed(mount, root, directory) for mount in service["volumes"]]
            lines += [f"volumes: !override {json.dumps(volumes)}"]
        services[name] = lines
    text = "services:\n" + "".join(
        f"  {json.dumps(name)}:\n" + "".join(f"    {line}\n" for line in lines) for name, lines in services.items())
    return text.replace("$", "$$")


def placed(mount, root, directory):
    """A bind mount relative to the project; one of a path that this host lacks gets a path below the case."""
    source = pathlib.Path(mount.get("source") or "")
    if mount["type"] != "bind":
        return mount
    inside = source == root or root in source.parents
    if not inside and (not source.exists() or str(source).startswith(("/run", "/var/run", str(projects.ROOT)))):
        source = root / "host" / str(source).lstrip("/")
        source.mkdir(parents=True, exist_ok=True)
        inside = True
    if not inside:
        return mount
    if source.is_dir() and not any(source.iterdir()):
        (source / ".keep").touch()
    return {**mount, "source": "./" + os.path.relpath(source, directory)}


class Trial:
    """One project in a repository of its own, with watcher and docker compose talking to the engine through a recorder."""

    def __init__(self, case, description, recorder):
        self.recorder = recorder
        host = f"unix://{recorder.path}"
        self.case = projects.lay_out(case, description, host)
        self.root = projects.ROOT / case.name
        project = projects.expected(self.case)
        directory = pathlib.Path(self.case["directory"])
        text = runnable(project, self.root, directory)
        (self.root / "engine-conformance.override.yaml").write_text(text)
        self.state = self.root.with_name(case.name + ".state")
        shutil.rmtree(self.state, ignore_errors=True)
        self.tree = self.state / "projects/p/tree"
        self.environment = {**self.case["environment"], "PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null"}
        self.relative = os.path.relpath(directory, self.root)
        self.files = [os.path.relpath(file, directory) for file in self.case["files"]]
        self.configuration = self.state / "config.yaml"
        self.state.mkdir()
        variables = {name: value for name, value in self.environment.items() if name != "DOCKER_HOST"}
        self.configuration.write_text(json.dumps({"projects": {"p": {
            "repository": f"file://{self.root}", "branch": "main", "directory": self.relative, "files": self.files,
            "project_name": self.case["name"], "environment": variables, "engine": {"host": host},
            "health": {"timeout": "60s", "settle": "10ms"}}}}))

    def commit(self):
        for arguments in (["init", "-q", "-b", "main"], ["add", "-fA"],
                          ["-c", "user.name=n", "-c", "user.email=e@example.test", "commit", "-q", "-m", "begin"]):
            subprocess.run(["git", "-C", self.root, *arguments], env=self.environment, check=True, timeout=DEADLINE)

    def call(self, *command):
        """The exit status, and the last words of what failed."""
        process = subprocess.Popen(
            command, env=self.environment, cwd=self.root, text=True, errors="replace", start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            text, _ = process.communicate(timeout=DEADLINE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return -1, f"no end within {DEADLINE} s"
        lines = [line for line in text.splitlines() if line.strip() and "level=warning" not in line]
        return process.returncode, " | ".join(lines[-3:])[-500:]

    def compose(self, *arguments):
        directory = os.path.normpath(self.tree / self.relative)
        if not os.path.exists(os.path.join(directory, self.files[0])):  # watcher has checked nothing out
            directory = os.path.normpath(self.root / self.relative)
        files = [word for file in self.files for word in ("-f", os.path.normpath(os.path.join(directory, file)))]
        return self.call(os.environ["WATCHER_TEST_COMPOSE"], "-p", self.case["name"], *files, "--project-directory",
                         directory, *arguments)

    def watcher(self, *arguments):
        return self.call(os.environ["WATCHER_BINARY"], *arguments, "--config", str(self.configuration), "--state-dir",
                         str(self.state))

    def run(self):
        """What was not as it should be, by check; None, and why, when docker compose cannot run the project here."""
        self.commit()
        try:
            self.outside("create")
            status, words = self.watcher("deploy")
            if status != 0:
                failure, why = self.compose("up", "-d", "--pull", "never")
                return (None, why) if failure else ({"refused" if status == 65 else "deployed": [words]}, None)
            self.recorder.take()
            found = {"deployed again": self.judged(*self.watcher("deploy"))}
            # docker compose runs a job again, its own or not; that makes nothing anew.
            ended = {f"POST /containers/{name}/start" for name in self.ended()}
            writes = self.judged(*self.compose("up", "-d", "--pull", "never"))
            found["left alone"] = [write for write in writes if write not in ended]
            self.down()
            for path in self.state.glob("watcher.db*"):  # what it knew; the checkout stays where it is
                path.unlink()
            status, words = self.compose("up", "-d", "--pull", "never")
            if status != 0:
                return None, words
            self.recorder.take()
            found["taken over"] = self.judged(*self.watcher("deploy"))
            return found, None
        finally:
            self.down()
            self.outside("rm")
            shutil.rmtree(self.state, ignore_errors=True)
            shutil.rmtree(self.root, ignore_errors=True)

    def judged(self, status, words):
        """Nothing when the command succeeded without a write."""
        writes = self.recorder.take()
        return [f"exit {status}: {words}"] * (status != 0) + writes

    def down(self):
        self.compose("down", "-v", "-t", "0", "--remove-orphans")

    def ask(self, method, path, body=None):
        """The engine's answer, past the recorder."""
        sent = ["-H", "Content-Type: application/json", "-d", json.dumps(body)] if body else []
        return subprocess.run(
            ["curl", "-s", "-g", "--unix-socket", self.recorder.target, "-X", method, *sent,
             f"http://docker{path}"], check=True, timeout=DEADLINE, capture_output=True, text=True).stdout

    def ended(self):
        """The ids of the project's containers that ended."""
        containers = json.loads(self.ask("GET", "/containers/json?all=1"))
        return [one["Id"] for one in containers if one["State"] == "exited"]

    def outside(self, action):
        """Makes or removes the networks and volumes that the project expects."""
        for kind in ("networks", "volumes"):
            for name in self.case[kind]:
                if action == "create":
                    self.ask("POST", f"/{kind}/create", {"Name": name})
                else:
                    self.ask("DELETE", f"/{kind}/{name}")


def run(chosen, say):
    """Tries each project; the text of the report, and whether everything was as it should be."""
    (projects.ROOT / ".home").mkdir(parents=True, exist_ok=True)
    target = os.environ["WATCHER_TEST_DOCKER_HOST"].removeprefix("unix://")
    recorder = Recorder(target, projects.ROOT / "engine.sock")
    good, total, wrong, not_here = collections.Counter(), collections.Counter(), [], collections.Counter()
    refused = []
    for case, description in chosen:
        found, why_not = Trial(case, description, recorder).run()
        if found is None:
            not_here[re.sub(r'"[^"]*"|/\S+|\b[0-9a-f]{12,}\b', "…", why_not)[-160:]] += 1
            say(f"{case.name}: cannot run here: {why_not}")
            continue
        if "refused" in found:
            refused.append(f"  {case.name}: {found['refused'][0]}")
            say(f"{case.name}: {found}")
            continue
        for check, problems in found.items():
            total[check] += 1
            good[check] += not problems
            if problems:
                wrong.append(f"  {case.name}: not {check}: {str(problems)[:600]}")
        say(f"{case.name}: {'ok' if not any(found.values()) else found}")
    recorder.close()
    ran = total["taken over"] + total["deployed"]
    lines = [f"projects run: {ran}; cannot run here: {sum(not_here.values())}"]
    for check, what in (("taken over", "taken over from docker compose without a write"),
                        ("deployed again", "deployed again without a write"),
                        ("left alone", "brought up by docker compose again without a write")):
        lines.append(f"{what}: {good[check]} / {ran}")
    lines += ["", "Otherwise:", *wrong, "", "Refused by watcher, with the place in the file:", *refused, "", "Cannot run here, by docker compose's words:"]
    lines += [f"  {count} {reason}" for reason, count in not_here.most_common()]
    return "\n".join(lines) + "\n", ran > 0 and not wrong and len(refused) <= MOST_REFUSED * ran
