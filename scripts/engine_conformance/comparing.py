"""Compares what the engine says of what docker compose and watcher created, and counts."""
import collections
import json
import re

CONTAINER_OWN = {"Id", "Created", "State", "GraphDriver", "LogPath", "ResolvConfPath", "HostnamePath", "HostsPath"}
RESOURCE_OWN = {"Id", "Created", "CreatedAt", "Mountpoint", "Containers"}
ENDPOINT_OWN = {"NetworkID", "EndpointID", "IPAddress", "GlobalIPv6Address", "Gateway", "IPv6Gateway"}
# Lists in which order means nothing to the engine.
UNORDERED = {"Env", "Binds", "Mounts", "Aliases", "DNSNames", "CapAdd", "CapDrop", "SecurityOpt", "Links", "ExtraHosts",
             "Ulimits", "GroupAdd", "Devices", "DeviceRequests", "VolumesFrom"}
NOTHING = (None, [], {}, "")


def normal(value, key="", names=()):
    if isinstance(value, dict):
        result = {}
        for name, member in value.items():
            if key == "Networks/" and name in ENDPOINT_OWN or name.startswith("watcher."):
                continue
            below = "Networks/" if key == "Networks" else name
            member = normal(member, below, names)
            if member not in NOTHING:
                result[normal(name, "", names)] = member
        return result
    if isinstance(value, list):
        items = [normal(item, "", names) for item in value]
        return sorted(items, key=lambda item: json.dumps(item, sort_keys=True)) if key in UNORDERED else items
    if isinstance(value, str):
        for identity, name in names:
            value = value.replace(identity, name).replace(identity[:12], name)
        if key == "com.docker.compose.depends_on":  # in docker compose's order of the moment
            value = ",".join(sorted(value.split(",")))
        return re.sub(r"\b[0-9a-f]{64}\b", "<id>", value)
    return value


def flat(value, path=""):
    if isinstance(value, dict):
        for key, member in value.items():
            yield from flat(member, f"{path}.{key}" if path else key)
    else:
        yield path, json.dumps(value, sort_keys=True)


def described(answers, fixed):
    """What the engine says, by service or resource and name; `fixed` are the subnets the project gives networks."""
    containers = [json.loads(text) for text in answers["containers"]]
    names = [(one["Id"], f"<{one['Name']}>") for one in containers]
    result = {}
    for one in containers:
        one = {key: value for key, value in one.items() if key not in CONTAINER_OWN}
        labels = one["Config"].get("Labels") or {}
        place = ("service", labels.get("com.docker.compose.service", "?"))
        result.setdefault(place, {})[one["Name"]] = dict(flat(normal(one, "", names)))
    for kind in ("networks", "volumes"):
        for text in answers[kind]:
            one = {key: value for key, value in json.loads(text).items() if key not in RESOURCE_OWN}
            one = normal(one, "", names)
            if kind == "networks":  # without the pools that the engine chose
                pools = one["IPAM"].pop("Config", [])
                one["IPAM"]["Config"] = [pool for pool in pools if pool.get("Subnet") in fixed.get(one["Name"], ())]
            result[(kind[:-1], one["Name"])] = {one["Name"]: dict(flat(one))}
    return result


def differences(theirs, ours):
    for name in sorted(set(theirs) | set(ours)):
        left, right = theirs.get(name), ours.get(name)
        if left is None or right is None:
            yield "(container)", f"{name} only {'compose' if right is None else 'watcher'}"
            continue
        for field in sorted(set(left) | set(right)):
            if left.get(field) != right.get(field):
                yield field, f"compose {left.get(field)}, watcher {right.get(field)}"


def general(field):
    """The field without what a project names."""
    field = re.sub(r"^(NetworkSettings\.Networks)\.[^.]*(\.|$)", r"\1.*\2", field)
    return re.sub(r"^(Config\.Labels|HostConfig\.PortBindings|Config\.ExposedPorts|NetworkSettings\.Ports)\.(?!com\.).*",
                  r"\1.*", field)


class Score:
    def __init__(self):
        self.services = self.equal = self.projects = self.resources = self.equal_resources = 0
        self.left_out, self.fields = collections.Counter(), collections.defaultdict(list)
        self.takeover, self.again, self.giveback = {}, {}, {}
        self.refused = {}

    def add(self, name, result, fixed):
        if result.get("theirError") or "theirs" not in result:
            reason = re.sub(r'"[^"]*"|/\S+|\b[0-9a-f]{12,}\b', "…", result.get("theirError") or "compose fails")
            self.left_out["compose cannot create it here: " + reason[:160]] += 1
            return
        self.projects += 1
        theirs = described(result["theirs"], fixed)
        if result.get("ourError"):
            self.refused[name] = result["ourError"]
            self.services += sum(place[0] == "service" for place in theirs)
            return
        ours = described(result["ours"], fixed)
        for place in sorted(set(theirs) | set(ours)):
            found = list(differences(theirs.get(place, {}), ours.get(place, {})))
            for field, text in found:
                self.fields[general(field)].append(f"{name} {place[0]} {place[1]}: {text[:400]}")
            if place[0] == "service":
                self.services += 1
                self.equal += not found
            else:
                self.resources += 1
                self.equal_resources += not found
        for kind in ("takeover", "again", "giveback"):
            if result.get(kind):
                getattr(self, kind)[name] = result[kind]

    def text(self):
        share = 100 * self.equal / self.services if self.services else 0
        lines = [
            f"projects compared: {self.projects}; left out: {sum(self.left_out.values())}",
            f"services equal: {self.equal} / {self.services} = {share:.2f} %",
            f"networks and volumes equal: {self.equal_resources} / {self.resources}",
            f"taken over from docker compose without a change: {self.projects - len(self.takeover)} / {self.projects}",
            f"its own work left alone by watcher: {self.projects - len(self.again) - len(self.refused)} / "
            f"{self.projects - len(self.refused)}",
            f"left alone by docker compose: {self.projects - len(self.giveback) - len(self.refused)} / "
            f"{self.projects - len(self.refused)}",
        ]
        lines += ["", "Differences by field:"]
        for field, found in sorted(self.fields.items(), key=lambda item: -len(item[1])):
            lines += [f"  {field}: {len(found)}"] + [f"    {one}" for one in found[:4]]
        for title, found in (("Refused by watcher", self.refused), ("watcher would change", self.takeover),
                             ("watcher would change of its own", self.again), ("docker compose changed", self.giveback)):
            lines += ["", f"{title}:"] + [f"  {name}: {str(what)[:600]}" for name, what in sorted(found.items())]
        lines += ["", "Left out:"] + [f"  {count} {reason}" for reason, count in self.left_out.most_common()]
        return "\n".join(lines) + "\n"
