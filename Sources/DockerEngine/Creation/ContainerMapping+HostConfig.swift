import Compose
import Reconcile

extension ContainerMapping {
    var hostConfig: HostConfig {
        var host = HostConfig()
        setNamespacesAndRights(&host)
        let mounts = mounts
        host.binds = mounts.binds.orNil
        host.mounts = mounts.mounts.orNil
        host.tmpfs = tmpfs
        host.volumesFrom = service.volumesFrom.orNil
        host.volumeDriver = service.volumeDriver
        host.storageOpt = service.storageOpt.orNil
        host.shmSize = service.shmSize.orNil
        setNetwork(&host)
        setRunning(&host)
        setResources(&host)
        return host
    }

    private func setNamespacesAndRights(_ host: inout HostConfig) {
        host.networkMode = service.networkMode ?? specification.endpoints.first?.network ?? "none"
        host.ipcMode = service.ipc
        host.pidMode = service.pid
        host.utsMode = service.uts
        host.usernsMode = service.usernsMode
        host.cgroupnsMode = service.cgroup
        host.privileged = service.privileged.orNil
        host.readonlyRootfs = service.readOnly.orNil
        host.capAdd = Self.capabilities(service.capAdd).orNil
        host.capDrop = Self.capabilities(service.capDrop).orNil
        host.groupAdd = service.groupAdd.orNil
        let security = securityOptions
        host.securityOpt = security.options.orNil
        if security.unconfinesSystemPaths {
            host.maskedPaths = []
            host.readonlyPaths = []
        }
    }

    /// As the engine writes them, `CAP_NET_ADMIN`, in order and once. What is both added and dropped, or beside
    /// `ALL`, is the engine's to judge.
    private static func capabilities(_ names: [String]) -> [String] {
        let normal = names.map { name in
            let name = name.uppercased()
            return name == "ALL" || name.hasPrefix("CAP_") ? name : "CAP_\(name)"
        }
        return Set(normal).sorted()
    }

    private var tmpfs: [String: String]? {
        let entries = service.tmpfs.map { entry in
            let parts = entry.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            return (parts[0], parts.count > 1 ? parts[1] : "")
        }
        return Dictionary(entries) { _, last in last }.orNil
    }

    private func setNetwork(_ host: inout HostConfig) {
        let bindings = service.ports.map { port in
            (
                "\(port.target)/\(port.proto ?? "tcp")",
                [HostConfig.PortBinding(hostIp: port.hostIP ?? "", hostPort: port.published ?? "")]
            )
        }
        host.portBindings = Dictionary(bindings, uniquingKeysWith: +).orNil
        host.dns = service.dns.orNil
        host.dnsOptions = service.dnsOpt.orNil
        host.dnsSearch = service.dnsSearch.orNil
        host.extraHosts =
            service.extraHosts.map { entry in
                guard let separator = entry.firstIndex(of: "=") else { return entry }
                return "\(entry[..<separator]):\(entry[entry.index(after: separator)...])"
            }.orNil
        host.links = specification.links.orNil
    }

    private func setRunning(_ host: inout HostConfig) {
        host.restartPolicy = restartPolicy
        host.logConfig = service.logging.map {
            HostConfig.LogConfig(type: $0.driver ?? "", config: $0.options.orNil)
        }
        host.`init` = service.initProcess
        host.runtime = service.runtime
        host.isolation = service.isolation
        host.sysctls = service.sysctls.orNil
        host.annotations = service.annotations.orNil
        host.oomScoreAdj = service.oomScoreAdj.orNil
    }

    private var restartPolicy: HostConfig.RestartPolicy? {
        if let policy = service.deploy?.restartPolicy {
            return .init(name: Self.restartName(policy.condition ?? ""), maximumRetryCount: policy.maxAttempts)
        }
        guard let restart = service.restart else { return nil }
        let parts = restart.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        return .init(
            name: Self.restartName(String(parts[0])), maximumRetryCount: parts.count > 1 ? Int(parts[1]) : nil)
    }

    private static func restartName(_ name: String) -> String {
        switch name {
        case "none": "no"
        case "any": "always"
        default: name
        }
    }

    private var securityOptions: (options: [String], unconfinesSystemPaths: Bool) {
        let others = service.securityOpt.filter { $0 != "systempaths=unconfined" }
        let options = others.map { option in
            specification.seccompProfile(option).map { "seccomp=\($0)" } ?? option
        }
        return (options, others.count < service.securityOpt.count)
    }
}
