import CLinux
import Compose
import Glibc
import Reconcile

extension ObservedState.Container {
    init(_ details: ContainerDetails) {
        self.init(
            id: details.id, name: details.plainName, labels: details.config?.labels ?? [:],
            state: Self.state(details.state?.status ?? ""))
        health = details.state?.health?.status.flatMap(Health.init(rawValue:))
        exitCode = details.state?.exitCode ?? 0
        restartCount = details.restartCount ?? 0
        startedAt = details.state?.startedAt.flatMap(EngineTime.milliseconds)
        imageID = details.image ?? ""
        networks = (details.networkSettings?.networks ?? [:]).mapValues { $0.networkID ?? "" }
        mounts = (details.mounts ?? []).map(Mount.init)
        restartPolicy = details.hostConfig?.restartPolicy?.name ?? ""
        ports = Self.ports(details.networkSettings?.ports ?? [:])
    }

    /// What the list tells of a container, if that is what a brief look wants to know: it runs, and has no health check,
    /// which only an inspection tells for certain.
    init?(running summary: ContainerSummary) {
        guard summary.state == "running", let status = summary.status, !status.utf8.contains(UInt8(ascii: "(")),
            let name = summary.names?.lazy.compactMap(Self.ownName).first, let labels = summary.labels
        else { return nil }
        self.init(id: summary.id, name: name, labels: labels, state: .running)
        imageID = summary.imageID ?? ""
        networks = (summary.networkSettings?.networks ?? [:]).mapValues { $0.networkID ?? "" }
        mounts = (summary.mounts ?? []).map(Mount.init)
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
            (bindings ?? []).map { binding in
                let host = binding.hostIp ?? ""
                return "\(host.contains(":") ? "[\(host)]" : host):\(binding.hostPort ?? "")->\(port)"
            }
        }
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
    }
}

extension ObservedState.Image {
    init(_ answer: ImageAnswer) {
        let test = answer.config?.healthcheck?.test ?? []
        self.init(
            id: answer.id, volumes: (answer.config?.volumes ?? [:]).keys.sorted(),
            hasHealthcheck: !test.isEmpty && test != ["NONE"], repoDigests: answer.repoDigests ?? [])
        buildHash = answer.config?.labels?[ComposeLabels.watcherBuildHash]
        lastTaggedAt = answer.metadata?.lastTagTime.flatMap(EngineTime.milliseconds)
        if let system = answer.os, let architecture = answer.architecture {
            platform =
                ImagePlatform(system: system, architecture: architecture, variant: answer.variant ?? "").description
        }
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
