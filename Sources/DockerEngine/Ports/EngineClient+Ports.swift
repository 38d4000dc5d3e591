import Compose
import Deploy
import FoundationEssentials
import Reconcile

extension EngineClient {
    /// What holds each of these host ports, as far as it can be known: containers of any project, and processes of this
    /// machine where the engine's socket shows that it runs here. Of several holders, one outside of `project` is named.
    func holders(
        of ports: [HostPort], for project: String, besides container: ContainerID? = nil
    ) async throws -> [HostPort: PortHolder] {
        guard !ports.isEmpty else { return [:] }
        let running: [ContainerSummary] = try await connection.decoded(
            .get("/containers/json", to: "list the containers that publish ports"))
        let others = running.filter { $0.id != container?.hex }
            .sorted { ($0.project == project ? 1 : 0, $0.id) < ($1.project == project ? 1 : 0, $1.id) }
        var result: [HostPort: PortHolder] = [:]
        for port in ports {
            result[port] = others.first { $0.publishes(port.normalised) }?.holder
        }
        let rest = ports.filter { result[$0] == nil }
        guard case .unix(let path) = connection.endpoint.address, !rest.isEmpty,
            let sockets = HostSockets(ofEngineAt: path)
        else { return result }
        for (port, owner) in sockets.owners(of: rest) {
            // One that shares the host's network publishes nothing.
            let its = owner.container.flatMap { id in running.first { $0.id == id } }
            result[port] = its?.holder ?? .process(owner.process, name: owner.name)
        }
        return result
    }

    /// Makes a call about a container. Where the engine answers that a host port or an address is in use, the error says
    /// what has it, and whether that is of the container's own project.
    func namingHolders<Value: Sendable>(for id: ContainerID, _ call: () async throws -> Value) async throws -> Value {
        do {
            return try await call()
        } catch let error as EngineError where error.status != nil {
            let text = error.detail.lowercased()
            if EngineError.isPortTaken(text) { throw await namingPort(error, of: id) }
            if EngineError.isAddressTaken(text) { throw await namingAddress(error, of: id) }
            throw error
        }
    }

    private func namingPort(_ error: EngineError, of id: ContainerID) async -> EngineError {
        guard let details = try? await details(of: id.hex) else { return error }
        let wanted = details.wantedPorts
        let told = HostPort(told: error.detail)
        // As it was asked for, not as the engine put it.
        let ports = wanted.filter { port in told.map { $0.port == port.port && $0.overlaps(port) } ?? true }
        let candidates = ports.isEmpty ? told.map { [$0] } ?? [] : ports
        let project = details.project ?? ""
        let holders = (try? await holders(of: candidates, for: project, besides: id)) ?? [:]
        var error = error
        guard let port = candidates.sorted().first(where: { holders[$0] != nil }), let holder = holders[port] else {
            guard let port = candidates.first else { return error }
            error.detail = "port \(port) is in use on the engine's host"
            return error
        }
        return naming(error, "port \(port)", holder, project)
    }

    /// Which containers outside of the project have these addresses in networks that are there.
    func holders(
        of addresses: [NetworkAddress], outside project: String
    ) async throws -> [NetworkAddress: PortHolder] {
        var result: [NetworkAddress: PortHolder] = [:]
        for network in Set(addresses.map(\.network)).sorted() {
            let found: NetworkDetails? = try await connection.decodedIfPresent(
                .get("/networks/\(network.percentEncoded())", to: "inspect network \(network)"))
            for (id, member) in found?.containers ?? [:] {
                let its = [member.ipv4, member.ipv6].compactMap { $0?.prefix { $0 != "/" } }.map(String.init)
                let wanted = addresses.filter { address in
                    address.network == network
                        && its.contains { IPAddressText.bytes($0) == IPAddressText.bytes(address.ip) }
                }
                guard !wanted.isEmpty, let details = try await details(of: id), details.project != project else {
                    continue
                }
                for address in wanted {
                    result[address] = .container(
                        ContainerID(hex: id), name: details.plainName, project: details.project)
                }
            }
        }
        return result
    }

    private func namingAddress(_ error: EngineError, of id: ContainerID) async -> EngineError {
        guard let details = try? await details(of: id.hex) else { return error }
        let told = /requested ip address (\S+) is already allocated to container ID ([0-9a-f]+)/
        if let match = error.detail.firstMatch(of: told),
            let other = try? await self.details(of: String(match.2))
        {
            let holder = PortHolder.container(
                ContainerID(hex: other.id), name: other.plainName, project: other.project)
            return naming(error, "address \(match.1)", holder, details.project ?? "")
        }
        for (network, endpoint) in (details.networkSettings?.networks ?? [:]).sorted(by: { $0.key < $1.key }) {
            let wanted = [endpoint.wanted?.ipv4, endpoint.wanted?.ipv6].compactMap { $0 }.filter { !$0.isEmpty }
            guard !wanted.isEmpty,
                let members = try? await connection.decodedIfPresent(
                    .get("/networks/\(network.percentEncoded())", to: "inspect network \(network)")
                ) as NetworkDetails?
            else { continue }
            for (other, member) in members.containers ?? [:] where other != id.hex {
                let addresses = [member.ipv4, member.ipv6].compactMap { $0?.prefix { $0 != "/" } }.map(String.init)
                guard
                    let address = wanted.first(where: { wanted in
                        addresses.contains { IPAddressText.bytes($0) == IPAddressText.bytes(wanted) }
                    })
                else { continue }
                let holder = PortHolder.container(
                    ContainerID(hex: other), name: member.name ?? "",
                    project: try? await self.details(of: other)?.project)
                return naming(error, "address \(address) in network \(network)", holder, details.project ?? "")
            }
        }
        return error
    }

    private func naming(_ error: EngineError, _ what: String, _ holder: PortHolder, _ project: String) -> EngineError {
        var error = error
        error.detail = "\(what) is held by \(holder)"
        let isOwn = if case .container(_, _, let its?) = holder { its == project } else { false }
        error.reason = isOwn ? .portConflict : .portTaken
        error.advice =
            isOwn
            ? "Only one container can have it: correct the ports and addresses of the project's services."
            : "Free it, or choose another one; the next run tries again."
        return error
    }
}

extension ContainerSummary {
    fileprivate var project: String? { labels?[ComposeLabels.project] }

    fileprivate var holder: PortHolder {
        let name = names?.map { $0.hasPrefix("/") ? String($0.dropFirst()) : $0 }.first { !$0.contains("/") }
        return .container(ContainerID(hex: id), name: name ?? String(id.prefix(12)), project: project)
    }

    fileprivate func publishes(_ wanted: HostPort) -> Bool {
        (ports ?? []).contains { port in
            guard let number = port.publicPort, number > 0 else { return false }
            return HostPort(ip: port.ip ?? "", port: number, proto: port.type ?? "tcp").normalised.overlaps(wanted)
        }
    }
}

extension ContainerDetails {
    var project: String? { config?.labels?[ComposeLabels.project] }

    /// The host ports it was made with, one by one.
    fileprivate var wantedPorts: [HostPort] {
        (hostConfig?.portBindings ?? [:]).flatMap { port, bindings in
            (bindings ?? []).compactMap { binding in
                Int(binding.hostPort ?? "").map { number in
                    HostPort(
                        ip: binding.hostIp ?? "", port: number,
                        proto: port.split(separator: "/").last.map(String.init) ?? "tcp")
                }
            }
        }.sorted()
    }
}

extension HostPort {
    /// The port that an engine says is in use.
    init?(told text: String) {
        // `Bind for 0.0.0.0:80 failed`, `listen tcp4 0.0.0.0:80: bind`, `failed to bind host port for 0.0.0.0:80:…/tcp`
        let pattern =
            /(?:bind for|listen|bind host port(?: for)?) (?:(tcp|udp)[46]? )?(\[[0-9a-f:]*\]|[0-9.]*|[0-9a-f:]*):([0-9]+)\b/
        guard let match = text.lowercased().firstMatch(of: pattern), let port = Int(match.3) else { return nil }
        let proto = match.1.map(String.init) ?? (text.lowercased().contains("/udp") ? "udp" : "tcp")
        self.init(ip: String(match.2.filter { !"[]".contains($0) }), port: port, proto: proto)
    }
}
