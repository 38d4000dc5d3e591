import Reconcile

extension EngineError {
    /// What kind of call it was: the same status means different things to different calls.
    enum Call: Sendable {
        case create
        case start
        case rename
        case pull
        case build
        case other
    }

    /// The reason behind an answer of the engine that is an error: by status first, then by the words it used.
    static func reason(status: Int, message: String, call: Call) -> Reason {
        let text = message.lowercased()
        if text.contains("no space left on device") || text.contains("disk quota exceeded") { return .diskFull }
        return switch call {
        case .create: creationReason(status, text)
        case .start: startReason(status, text)
        case .rename: status == 409 || isNameTaken(text) ? .nameConflict : .engineFailed
        case .pull: pullReason(status: status, text)
        case .build: buildRefusal(status, text)
        case .other: .engineFailed
        }
    }

    private static func creationReason(_ status: Int, _ text: String) -> Reason {
        switch status {
        case 409: .nameConflict
        case 500 where isNameTaken(text): .nameConflict
        case 404 where text.contains("no such image"): .imageNotFound
        case 400: .invalidContainer
        case 500... where isContainersFault(text): .invalidContainer
        default: .engineFailed
        }
    }

    /// Podman says it with status 500.
    private static func isNameTaken(_ text: String) -> Bool {
        text.contains("name is already in use") || text.contains("unique constraint failed: containerconfig.name")
    }

    /// The builder refuses what it cannot read before it begins.
    private static func buildRefusal(_ status: Int, _ text: String) -> Reason {
        let words = ["dockerfile", "failed to reach build target", "failed to parse", "unknown instruction"]
        return status == 400 || words.contains(where: text.contains) ? .buildFailed : .engineFailed
    }

    private static func startReason(_ status: Int, _ text: String) -> Reason {
        let taken = [
            "port is already allocated", "address already in use", "failed to bind host port",
            "ports are not available", "cannot assign requested address",
        ]
        if taken.contains(where: text.contains) { return .portConflict }
        if status == 400 || isContainersFault(text) { return .invalidContainer }
        return .engineFailed
    }

    private static func isContainersFault(_ text: String) -> Bool {
        [
            "executable file not found", "no such file or directory", "oci runtime create failed",
            "runc create failed", "unable to start container process", "exec format error", "invalid mount config",
            "not a directory", "permission denied", "invalid argument", "could not select device driver",
            "no such device", "unable to find user", "unable to find group", "error gathering device information",
            // Addresses are compared with the network's pools only when the container is connected.
            "does not belong to any of this network's subnets", "no configured subnet",
            "networks with user configured subnets", "not in any subnet on network",
            // A limit under which nothing runs, as Podman says it.
            "memory limit could be too low",
        ].contains(where: text.contains)
    }

    /// The reason behind a pull that failed, whether by status or (`status` 200) by a message in the stream.
    static func pullReason(status: Int, _ message: String) -> Reason {
        let text = message.lowercased()
        // What is no JSON of a registry is told with its status: "error parsing HTTP 429 response body".
        let told = text.firstMatch(of: /http (?:response )?(?:status: )?([1-5][0-9][0-9])\b/).flatMap { Int($0.1) }
        let status = told ?? status
        func says(_ words: String...) -> Bool { words.contains { text.contains($0) } }
        if says("no space left on device", "disk quota exceeded") { return .diskFull }
        if status == 429 || says("toomanyrequests", "too many requests", "rate limit") { return .rateLimited }
        if status == 401
            || says("no basic auth credentials", "unauthorized", "authentication required", "incorrect username")
            || says("'docker login': denied", "http request to an https server")
        {
            // The latter is what is left of a 401 from a registry that may be spoken to without TLS.
            return .registryAuthenticationFailed
        }
        if says(
            "manifest unknown", "not found", "no matching manifest", "does not exist", "name unknown", "name invalid")
        {
            return .imageNotFound
        }
        if status == 403 || says("denied", "forbidden") { return .registryAuthenticationFailed }
        if status == 404 { return .imageNotFound }
        let unreachable = [
            "dial tcp", "no such host", "timeout", "connection re", "deadline exceeded", "unexpected eof", ": eof",
            "service unavailable", "bad gateway", "internal server error", "gateway", "server misbehaving", "x509",
            "http response to https", "request canceled", "network is unreachable", "no route to host", "tls:",
            "received unexpected http status",
        ]
        return unreachable.contains(where: text.contains) ? .registryUnreachable : .engineFailed
    }

    /// What to do next about an answer of the engine; `message` is what it said, where that tells more.
    static func advice(for reason: Reason, _ message: String = "") -> String {
        switch reason {
        case .portConflict where message.contains("cannot assign requested address"):
            "No interface of the engine's host has that address; correct host_ip, or give the address to the host."
        case .portConflict:
            "See what holds the port (`ss -lntp`, `docker ps`), or publish another one."
        case .nameConflict:
            "Another container has that name: remove or rename it, or change container_name."
        case .diskFull:
            "Free space where the engine keeps its data (`docker system df`, `docker system prune`)."
        case .imageNotFound:
            "Check the image's name and tag; a private repository needs `docker login` for the user that runs watcher."
        case .registryAuthenticationFailed:
            "Run `docker login` for that registry as the user that runs watcher, or set DOCKER_CONFIG; check the image's "
                + "name too, for many registries refuse what they do not have."
        case .rateLimited:
            "Wait, or log in to the registry for a higher limit; the next run tries again."
        case .buildFailed:
            "The lines before say what went wrong; push a correction. What runs was not touched."
        case .registryUnreachable:
            "Check the engine's network, proxy and DNS; the next run tries again."
        case .invalidContainer:
            "The engine cannot run the service as it is written; correct what it names."
        case .engineFailed: adviceOnRefusal(message.lowercased())
        default: ""
        }
    }

    private static func adviceOnRefusal(_ text: String) -> String {
        func says(_ words: String...) -> Bool { words.contains(where: text.contains) }
        if says("network"), says("not found") { return "Something removed the network; the next run makes it again." }
        if says("plugin", "driver"), says("not found", "no volume plugin", "failed to find") {
            return "Install that plugin where the engine runs, or correct the driver's name."
        }
        if says("overlaps", "already used on the host") {
            return "Choose another subnet, or remove the network that has it (`docker network ls`)."
        }
        return "The engine's own log may say more (`journalctl -u docker`); the next run tries again."
    }
}
