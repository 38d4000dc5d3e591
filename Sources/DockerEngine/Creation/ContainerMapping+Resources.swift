import Compose
import Reconcile

extension ContainerMapping {
    func setResources(_ host: inout HostConfig) {
        host.cgroupParent = service.cgroupParent
        host.cpuCount = service.cpuCount.orNil
        host.cpuPercent = Int(service.cpuPercent * 100).orNil
        host.cpuShares = service.cpuShares.orNil
        host.cpuPeriod = service.cpuPeriod.orNil
        host.cpuQuota = service.cpuQuota.orNil
        host.cpuRealtimePeriod = service.cpuRTPeriod.orNil
        host.cpuRealtimeRuntime = service.cpuRTRuntime.orNil
        host.cpusetCpus = service.cpuset
        host.nanoCpus = Self.nanoCPUs(service.cpus)
        host.memory = service.memLimit.orNil
        host.memoryReservation = service.memReservation.orNil
        host.memorySwap = service.memswapLimit.orNil
        host.memorySwappiness = service.memSwappiness.orNil
        host.oomKillDisable = service.oomKillDisable.orNil
        host.pidsLimit = service.pidsLimit.orNil
        setDeployResources(&host)
        host.ulimits =
            service.ulimits.sorted { $0.key < $1.key }.map { name, limit in
                switch limit {
                case .single(let value): .init(name: name, soft: value, hard: value)
                case .pair(let soft, let hard): .init(name: name, soft: soft, hard: hard)
                }
            }.orNil
        setDevices(&host)
        setBlockIO(&host)
    }

    /// Computed in single precision, as docker compose does.
    private static func nanoCPUs(_ cpus: Float) -> Int? { cpus > 0 ? Int(cpus * 1e9) : nil }

    /// What `deploy` says wins over the service's own attributes.
    private func setDeployResources(_ host: inout HostConfig) {
        if let limits = service.deploy?.resources.limits {
            if limits.cpus > 0 { host.nanoCpus = Self.nanoCPUs(limits.cpus) }
            if limits.memory > 0 { host.memory = limits.memory }
            if limits.pids != 0 { host.pidsLimit = limits.pids }
        }
        if let memory = service.deploy?.resources.reservations?.memory, memory > 0 { host.memoryReservation = memory }
    }

    private func setDevices(_ host: inout HostConfig) {
        let cdi = service.devices.filter(\.isCDI)
        host.devices =
            service.devices.filter { !$0.isCDI }.map {
                .init(pathOnHost: $0.source, pathInContainer: $0.target, cgroupPermissions: $0.permissions)
            }.orNil
        host.deviceCgroupRules = service.deviceCgroupRules.orNil
        var requests = (service.deploy?.resources.reservations?.devices ?? []).map {
            Self.deviceRequest($0, capabilities: $0.capabilities)
        }
        if !cdi.isEmpty { requests.append(.init(driver: "cdi", deviceIDs: cdi.map(\.source))) }
        requests += service.gpus.map { Self.deviceRequest($0, capabilities: $0.capabilities + ["gpu"]) }
        host.deviceRequests = requests.orNil
    }

    private static func deviceRequest(_ device: DeviceRequest, capabilities: [String]) -> HostConfig.DeviceRequest {
        .init(
            driver: device.driver, count: device.count.orNil, deviceIDs: device.deviceIDs.orNil,
            capabilities: [capabilities], options: device.options.orNil)
    }

    private func setBlockIO(_ host: inout HostConfig) {
        guard let config = service.blkioConfig else { return }
        func throttles(_ entries: [BlkioConfig.Throttle]) -> [HostConfig.ThrottleDevice]? {
            entries.map { .init(path: $0.path, rate: $0.rate) }.orNil
        }
        host.blkioWeight = config.weight.orNil
        host.blkioWeightDevice = config.weightDevice.map { .init(path: $0.path, weight: $0.weight) }.orNil
        host.blkioDeviceReadBps = throttles(config.deviceReadBps)
        host.blkioDeviceWriteBps = throttles(config.deviceWriteBps)
        host.blkioDeviceReadIOps = throttles(config.deviceReadIOps)
        host.blkioDeviceWriteIOps = throttles(config.deviceWriteIOps)
    }
}
