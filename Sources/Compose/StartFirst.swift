extension Service {
    /// The new container of the service starts beside the old one, which is stopped only when the new one is verified
    /// (`deploy.update_config.order`).
    package var startsFirst: Bool { deploy?.updateConfig?.order == "start-first" }

    /// The services whose network, IPC or PID namespace this one shares.
    package var namespaceOwners: [String] {
        [networkMode, ipc, pid].compactMap { $0 }.filter { $0.hasPrefix("service:") }
            .map { String($0.dropFirst("service:".count)) }
    }
}

extension Project {
    /// Services that ask for `start-first` although two of their containers cannot run side by side.
    func startFirstProblems() -> [ComposeError.Problem] {
        services.values.filter(\.startsFirst).sorted { $0.name < $1.name }.compactMap { service in
            guard let obstacle = obstacleToStartFirst(service) else { return nil }
            return .init(
                .unsupported, at: nil, path: "services.\(service.name).deploy.update_config.order",
                "start-first is not possible: \(obstacle); use stop-first")
        }
    }

    /// What in the files keeps an old and a new container of the service from running at the same time; nil for nothing.
    private func obstacleToStartFirst(_ service: Service) -> String? {
        if let name = service.containerName { return "container_name gives \(name) to one container at a time" }
        if service.networkMode == "host" { return "with network_mode: host both would listen on the same ports" }
        if let owner = service.namespaceOwners.first { return "it shares a namespace with \(owner)" }
        if let mode = [service.networkMode, service.ipc, service.pid].compactMap({ $0 }).first(where: {
            $0.hasPrefix("container:")
        }) {
            return "it shares the namespace of \(mode)"
        }
        let sharers = services.values.filter { $0.namespaceOwners.contains(service.name) }.map(\.name)
        if let sharer = sharers.min() { return "\(sharer) shares its namespace" }
        if let port = service.ports.first(where: { service.hasNoRoom($0) }) {
            return "host port \(port.published ?? "") can be bound by one container at a time"
        }
        for (key, attachment) in service.networks.sorted(by: { $0.key < $1.key }) {
            guard let address = attachment?.fixedAddresses.first else { continue }
            return "address \(address) in network \(key) is for one container at a time"
        }
        return service.macAddress.map { "MAC address \($0) is for one container at a time" }
    }

    /// What `update_config` asks for and does not get; paths without places.
    func updateWarnings() -> [ComposeError.Problem] {
        services.values.sorted { $0.name < $1.name }.flatMap { service in
            guard let update = service.deploy?.updateConfig else { return [ComposeError.Problem]() }
            func warning(_ key: String, _ message: String) -> ComposeError.Problem {
                .init(.unsupported, at: nil, path: "services.\(service.name).deploy.update_config.\(key)", message)
            }
            var warnings: [ComposeError.Problem] = []
            if let action = update.failureAction, action != "rollback" {
                warnings.append(
                    warning("failure_action", "a deployment that fails is undone as a whole, whatever this says"))
            }
            if update.maxFailureRatio > 0 {
                warnings.append(
                    warning("max_failure_ratio", "one container that fails is enough for the deployment to fail"))
            }
            return warnings
        }
    }
}

extension Service {
    /// The port is fixed on the host, and leaves no other for one more container than the service has.
    fileprivate func hasNoRoom(_ port: Port) -> Bool {
        let bounds = (port.published ?? "").split(separator: "-").compactMap { Int($0) }
        guard let first = bounds.first, let last = bounds.last, first > 0 else { return false }
        return last - first + 1 <= max(deploy?.replicas ?? scale ?? 1, 1)
    }
}

extension NetworkAttachment {
    /// Addresses that only one container can have.
    fileprivate var fixedAddresses: [String] {
        [ipv4Address, ipv6Address, macAddress].compactMap { $0 } + linkLocalIPs
    }
}
