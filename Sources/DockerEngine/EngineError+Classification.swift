import Reconcile

extension EngineError {
    /// What kind of call it was: the same status means different things to different calls.
    enum Call: Sendable {
        /// Creating a container, or connecting one to a network.
        case create
        /// Starting a container, with the files copied before and the hooks run around it.
        case start
        case rename
        /// Creating a network or a volume.
        case resource
        case pull
        case build
        case other
    }

    /// The reason behind an answer of the engine that is an error.
    ///
    /// What a create or start is answered is the container's fault, unless it is known to be the host's: words that only
    /// describe faults of containers would never be complete, and each that is missing stops what works at every run.
    static func reason(status: Int, message: String, call: Call, path: String = "") -> Reason {
        let text = message.lowercased()
        if text.contains("no space left on device") || text.contains("disk quota exceeded") { return .diskFull }
        switch call {
        case .pull: return pullReason(status: status, text)
        case .build: return buildRefusal(status, text)
        case .create, .start, .rename, .resource, .other: if isEngineGoingAway(status, text) { return .engineRestarted }
        }
        return switch call {
        case .create: creationReason(status, text, path)
        case .start: startReason(status, text, path)
        case .resource: resourceReason(status, text, path)
        case .rename: status == 409 || isNameTaken(text) ? .nameConflict : .engineFailed
        default: .engineFailed
        }
    }

    /// An answer that no engine gave: what stands between, a proxy for instance, speaks HTML or nothing.
    static func reason(ofForeignAnswer status: Int) -> Reason {
        [502, 503, 504].contains(status) ? .engineUnreachable : .engineFailed
    }

    /// The engine is being shut down, or has lost what it runs containers with.
    private static func isEngineGoingAway(_ status: Int, _ text: String) -> Bool {
        // What a logging driver could not reach is what the commit names.
        guard !text.contains("failed to initialize logging driver") else { return false }
        if status == 503 || text.contains("is shutting down") { return true }
        // Of containerd, of a container's shim and of plugins.
        if text.contains("dial unix") || text.contains("containerd.sock") {
            return [
                "connection refused", "no such file or directory", "connection reset", "i/o timeout", "broken pipe",
            ]
            .contains(where: text.contains)
        }
        return [
            "context canceled", "context deadline exceeded", "transport is closing", "error reading from server: eof",
            "grpc: ", "ttrpc: ", "code = unavailable", "code = canceled", "code = deadlineexceeded",
        ].contains(where: text.contains)
    }

    private static func creationReason(_ status: Int, _ text: String, _ path: String) -> Reason {
        if status == 409 || isNameTaken(text) { return .nameConflict }
        if status == 404, text.contains("no such image") || text.contains("image not known") { return .imageNotFound }
        return isHostsFault(status, text, path) ? .engineFailed : .invalidContainer
    }

    /// A network or volume that the engine refuses is what the commit says of it, unless the host has no addresses left for it.
    private static func resourceReason(_ status: Int, _ text: String, _ path: String) -> Reason {
        let taken = ["non-overlapping", "overlap", "already used on the host", "fully subnetted", "is being used by"]
        if taken.contains(where: text.contains) { return .networkUnavailable }
        if status == 409 { return .nameConflict }
        return isHostsFault(status, text, path) ? .engineFailed : .invalidContainer
    }

    private static func startReason(_ status: Int, _ text: String, _ path: String) -> Reason {
        if isPortTaken(text) { return .portTaken }
        return isHostsFault(status, text, path) ? .engineFailed : .invalidContainer
    }

    /// Something removed the container or its network meanwhile, may not be asked for, or reset the host's firewall.
    private static func isHostsFault(_ status: Int, _ text: String, _ path: String) -> Bool {
        if status == 404, let id = path.firstMatch(of: /[0-9a-f]{64}/), text.contains(id.0) { return true }
        if status == 409, text.contains("marked for removal") || text.contains("already in progress") { return true }
        return text.contains(/network \S+ not found/) || text.contains("network not found")
            || text.contains("iptables failed") || text.contains("authorization denied by plugin")
    }

    /// A port of the host, not an address in a network: of that the engine says only "Address already in use".
    static func isPortTaken(_ text: String) -> Bool {
        if text.contains("port is already allocated") || text.contains("ports are not available") { return true }
        return text.contains("address already in use")
            && ["bind: ", "bind for ", "bind host port", "listen tcp", "listen udp"].contains(where: text.contains)
    }

    /// An address in a network; Podman says which, and whose it is.
    static func isAddressTaken(_ text: String) -> Bool {
        text.contains("address already in use") && !isPortTaken(text)
            || text.contains(/requested ip address \S+ is already allocated/)
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
        case .portTaken, .portConflict:
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
        case .engineRestarted: "See whether the engine was restarted; the next run tries again."
        case .invalidContainer where message.contains("cannot assign requested address"):
            "No interface of the engine's host has that address; correct host_ip, or give the address to the host."
        case .invalidContainer where message.contains("failed to initialize logging driver"):
            "Start what the logging driver sends to, or correct `logging`."
        case .invalidContainer where message.contains("plugin") && message.contains("not found"):
            "Install that plugin where the engine runs, or correct the driver's name."
        case .invalidContainer:
            "The engine cannot run the service as it is written; correct what it names."
        case .networkUnavailable:
            "Remove networks that nothing uses (`docker network prune`), choose another subnet, or give the engine more "
                + "address pools; the next run tries again."
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
        return "The engine's own log may say more (`journalctl -u docker`); the next run tries again."
    }
}
