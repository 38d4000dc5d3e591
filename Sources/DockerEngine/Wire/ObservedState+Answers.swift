import CLinux
import Compose
import Glibc
import Reconcile

extension ObservedState.Container {
    init(_ details: ContainerDetails) {
        self.init(
            id: details.id, name: details.plainName, labels: details.config?.labels ?? [:],
            state: Self.state(details.state?.status ?? ""))
        // What its last probe said before it ended is no state of it any more.
        if state == .running { health = details.state?.health?.status.flatMap(Health.init(rawValue:)) }
        probe = details.state.flatMap(Probe.init)
        exitCode = details.state?.exitCode ?? 0
        finishedAt = details.state?.finishedAt.flatMap(EngineTime.milliseconds)
        restartCount = details.restartCount ?? 0
        startedAt = details.state?.startedAt.flatMap(EngineTime.milliseconds)
        imageID = details.image ?? ""
        networks = (details.networkSettings?.networks ?? [:]).mapValues { $0.networkID ?? "" }
        mounts = (details.mounts ?? []).map(Mount.init)
        restartPolicy = details.hostConfig?.restartPolicy?.name ?? ""
        ports = Self.ports(details.networkSettings?.ports ?? [:])
    }

    /// What the list tells of a container, if that is what a brief look wants to know: it has run for a minute, and has no
    /// health check. Only an inspection tells more of one that has, and whether one that was just started keeps crashing.
    init?(running summary: ContainerSummary) {
        guard summary.state == "running", let status = summary.status, !status.utf8.contains(UInt8(ascii: "(")),
            !status.contains("second"),
            let name = summary.names?.lazy.compactMap(Self.ownName).first, let labels = summary.labels
        else { return nil }
        self.init(id: summary.id, name: name, labels: labels, state: .running)
        imageID = summary.imageID ?? ""
        networks = (summary.networkSettings?.networks ?? [:]).mapValues { $0.networkID ?? "" }
        mounts = (summary.mounts ?? []).map(Mount.init)
        ports = Self.ports(summary.ports ?? [])
    }

    private init(id: String, name: String, labels: [String: String], state: State) {
        self.init(
            id: ContainerID(hex: id), name: name, service: labels[ComposeLabels.service] ?? "",
            number: labels[ComposeLabels.containerNumber].flatMap { Int($0) } ?? 0, state: state)
        self.labels = labels
        isOneOff = labels[ComposeLabels.oneOff]?.lowercased() == "true"
    }

    /// `/web` is the container's own name, `/proxy/web` one that another gave it by a link.
    private static func ownName(_ name: String) -> String? {
        let name = name.hasPrefix("/") ? name.dropFirst() : name[...]
        return name.isEmpty || name.contains("/") ? nil : String(name)
    }

    /// Podman has states of its own; they become the nearest of Docker's.
    private static func state(_ text: String) -> State {
        switch text {
        case "configured", "initialized": .created
        case "stopping": .running
        default: State(rawValue: text) ?? .exited
        }
    }

    private static func ports(_ ports: [String: [ContainerDetails.Binding]?]) -> [String] {
        ports.sorted { $0.key < $1.key }.flatMap { port, bindings in
            (bindings ?? []).map { text(host: $0.hostIp ?? "", $0.hostPort ?? "", port) }
        }
    }

    private static func ports(_ ports: [ContainerSummary.Port]) -> [String] {
        let published = ports.compactMap { port -> (container: String, ip: String, number: Int)? in
            guard let number = port.publicPort, number > 0, let inside = port.privatePort else { return nil }
            return ("\(inside)/\(port.type ?? "tcp")", port.ip ?? "", number)
        }
        // The list's order changes from call to call.
        return published.sorted { ($0.container, $0.number, $0.ip) < ($1.container, $1.number, $1.ip) }
            .map { text(host: $0.ip, "\($0.number)", $0.container) }
    }

    /// `127.0.0.1:8080->80/tcp`
    private static func text(host: String, _ number: String, _ port: String) -> String {
        "\(host.contains(":") ? "[\(host)]" : host):\(number)->\(port)"
    }
}

extension ObservedState.Container.Probe {
    /// The last of the probes that the engine remembers; those of the time before a restart it keeps.
    init?(_ state: ContainerDetails.State) {
        guard let health = state.health, let log = health.log, let last = log.last else { return nil }
        self.init(
            exitCode: last.exitCode ?? 0, output: Self.end(of: last.output ?? ""),
            endedAt: last.end.flatMap(EngineTime.milliseconds))
        let startedAt = state.startedAt.flatMap(EngineTime.milliseconds) ?? 0
        if let endedAt, endedAt < startedAt { return nil }
        let failed = log.suffix(from: (log.lastIndex { $0.exitCode == 0 } ?? -1) + 1)
        let times = failed.compactMap { $0.start.flatMap(EngineTime.milliseconds) }
        guard let first = times.first, let latest = times.last else { return }
        var since = first
        // Of a long row it remembers the count, and the last few: those before were as far apart.
        if let streak = health.failingStreak, streak > times.count, times.count > 1, failed.count == log.count {
            since -= (streak - times.count) * (latest - first) / (times.count - 1)
        }
        failingSince = max(since, startedAt)
    }

    /// The last lines of what a probe printed, as much as a person wants to read.
    private static func end(of output: String) -> String {
        let clean = output.strippingControlCharacters()
        let lines = clean.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
            .map { String($0.reversed().drop(while: \.isWhitespace).reversed()) }
        let text = lines.drop(while: \.isEmpty).reversed().drop(while: \.isEmpty).reversed()
            .suffix(20).joined(separator: "\n")
        return String(text.suffix(2000))
    }
}

extension ObservedState.Container.Mount {
    init(_ answer: ContainerDetails.MountPoint) {
        self.init(
            type: answer.type ?? "", name: answer.name.flatMap { $0.isEmpty ? nil : $0 }, source: answer.source ?? "",
            target: answer.destination ?? "", isReadOnly: answer.rw == false ? true : nil)
    }
}

extension ObservedState.Network {
    init(_ answer: NetworkAnswer) { self.init(id: answer.id, name: answer.name, labels: answer.labels ?? [:]) }
}

extension ObservedState.Volume {
    init(_ answer: VolumeListAnswer.Element) {
        self.init(name: answer.name, driver: answer.driver ?? "", labels: answer.labels ?? [:])
        options = answer.options ?? [:]
    }
}

extension ObservedState.Image {
    init(_ answer: ImageAnswer) {
        let test = answer.config?.healthcheck?.test ?? []
        self.init(
            id: answer.id, volumes: (answer.config?.volumes ?? [:]).keys.sorted(),
            hasHealthcheck: !test.isEmpty && test != ["NONE"], repoDigests: answer.repoDigests ?? [])
        if hasHealthcheck { healthcheck = answer.config?.healthcheck.map(ObservedState.HealthcheckTimes.init) }
        buildHash = answer.config?.labels?[ComposeLabels.watcherBuildHash]
        lastTaggedAt = answer.metadata?.lastTagTime.flatMap(EngineTime.milliseconds)
        createdAt = answer.created.flatMap(EngineTime.milliseconds)
        if let system = answer.os, let architecture = answer.architecture {
            platform =
                ImagePlatform(system: system, architecture: architecture, variant: answer.variant ?? "").description
        }
    }
}

extension ObservedState.HealthcheckTimes {
    init(_ check: ImageAnswer.Config.Healthcheck) {
        func time(_ nanoseconds: Int?) -> Duration? {
            nanoseconds.flatMap { $0 > 0 ? .nanoseconds($0) : nil }
        }
        self.init(
            interval: time(check.interval), timeout: time(check.timeout), startPeriod: time(check.startPeriod),
            retries: check.retries.flatMap { $0 > 0 ? $0 : nil })
    }
}

/// Times as the engine writes them.
enum EngineTime {
    /// Unix milliseconds of an RFC 3339 time; nil for Go's zero time and for anything else.
    ///
    /// By the C library: Foundation's format style brings calendars and time zones along, and drops the fraction.
    static func milliseconds(_ text: String) -> Int? {
        guard !text.hasPrefix("0001-") else { return nil }
        var time = tm()
        return text.withCString { start in
            guard var rest = strptime(start, "%Y-%m-%dT%H:%M:%S", &time) else { return nil }
            var milliseconds = 0
            if rest.pointee == UInt8(ascii: ".") {
                rest += 1
                var worth = 100
                while (0x30...0x39).contains(rest.pointee) {
                    milliseconds += Int(rest.pointee - 0x30) * worth
                    worth /= 10
                    rest += 1
                }
            }
            guard let end = strptime(rest, "%z", &time), end.pointee == 0 else { return nil }
            let offset = time.tm_gmtoff
            return (timegm(&time) - offset) * 1000 + milliseconds
        }
    }
}
