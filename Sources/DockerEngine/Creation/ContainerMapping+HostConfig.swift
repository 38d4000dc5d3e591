import Compose
import Reconcile

extension ContainerMapping {
    func hostConfig() throws -> HostConfig {
        var host = HostConfig()
        try setNamespacesAndRights(&host)
        let mounts = try mounts()
        host.binds = mounts.binds.orNil
        host.mounts = mounts.mounts.orNil
        host.tmpfs = tmpfs
        host.volumesFrom = service.volumesFrom.orNil
        host.volumeDriver = service.volumeDriver
        host.storageOpt = service.storageOpt.orNil
        host.shmSize = service.shmSize.orNil
        setNetwork(&host)
        try setRunning(&host)
        setResources(&host)
        return host
    }

    private func setNamespacesAndRights(_ host: inout HostConfig) throws {
        for (attribute, mode) in [("uts", service.uts), ("cgroup", service.cgroup)] {
            if let mode, mode.hasPrefix("service:") {
                throw cannot(attribute, "\(mode) cannot be shared; the engine knows host and private only")
            }
        }
        for (attribute, mode) in [
            ("network_mode", service.networkMode), ("ipc", service.ipc), ("pid", service.pid),
        ] {
            if let mode, mode.hasPrefix("service:") {
                throw cannot(attribute, "there is no container of \(mode)")
            }
        }
        host.networkMode = service.networkMode ?? mainNetwork.map { realName($0) } ?? "none"
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
        let security = try securityOptions()
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
        host.links = links.orNil
    }

    private func setRunning(_ host: inout HostConfig) throws {
        host.restartPolicy = try restartPolicy()
        host.logConfig = service.logging.map {
            HostConfig.LogConfig(type: $0.driver ?? "", config: $0.options.orNil)
        }
        host.`init` = service.initProcess
        host.runtime = service.runtime
        host.isolation = service.isolation
        host.sysctls = service.sysctls.orNil
        if !service.annotations.isEmpty { try require(.annotations, for: "annotations") }
        host.annotations = service.annotations.orNil
        host.oomScoreAdj = service.oomScoreAdj.orNil
    }

    private func restartPolicy() throws -> HostConfig.RestartPolicy? {
        if let policy = service.deploy?.restartPolicy {
            return .init(name: Self.restartName(policy.condition ?? ""), maximumRetryCount: policy.maxAttempts)
        }
        guard let restart = service.restart else { return nil }
        let parts = restart.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count > 1 else { return .init(name: Self.restartName(restart)) }
        guard let attempts = Int(parts[1]), attempts >= 0 else {
            throw cannot("restart", "\(restart) has no number after the colon")
        }
        return .init(name: Self.restartName(String(parts[0])), maximumRetryCount: attempts)
    }

    private static func restartName(_ name: String) -> String {
        switch name {
        case "none": "no"
        case "any": "always"
        default: name
        }
    }

    /// The linked container under its link name and under its two Compose names; external links as written.
    var links: [String] {
        let own = service.links.flatMap { link in
            let parts = link.split(separator: ":", maxSplits: 1).map(String.init)
            let target = parts[0]
            return (facts.linkedContainers[target] ?? []).flatMap { container in
                [
                    "\(container):\(parts.last ?? target)", "\(container):\(target)-\(creation.number)",
                    "\(container):\(project.name)-\(target)-\(creation.number)",
                ]
            }
        }
        return own + service.externalLinks.map { $0.contains(":") ? $0 : "\($0):\($0)" }
    }

    private func securityOptions() throws -> (options: [String], unconfinesSystemPaths: Bool) {
        var options: [String] = []
        var unconfined = false
        for option in service.securityOpt {
            if option != "no-new-privileges", !option.contains(where: { $0 == "=" || $0 == ":" }) {
                throw cannot("security_opt", "\(option) is neither no-new-privileges nor name=value")
            }
            if option == "systempaths=unconfined" {
                unconfined = true
            } else if let path = Self.seccompProfile(option, in: project) {
                guard let profile = facts.seccompProfiles[path] else {
                    throw cannot("security_opt", "the seccomp profile \(path) cannot be read")
                }
                options.append("seccomp=\(Self.compactJSON(profile))")
            } else {
                options.append(option)
            }
        }
        return (options, unconfined)
    }

    /// The absolute path of the profile that a security option names; nil when it names none.
    static func seccompProfile(_ option: String, in project: Project) -> String? {
        for prefix in ["seccomp=", "seccomp:"] where option.hasPrefix(prefix) {
            let value = String(option.dropFirst(prefix.count))
            if value == "unconfined" || value == "builtin" { return nil }
            return value.hasPrefix("/") ? value : "\(project.workingDirectory)/\(value)"
        }
        return nil
    }

    /// The JSON text without white space between its tokens.
    static func compactJSON(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        var isInString = false
        var isEscaped = false
        for scalar in text.unicodeScalars {
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if scalar == "\\" {
                    isEscaped = true
                } else if scalar == "\"" {
                    isInString = false
                }
                result.append(scalar)
            } else if !" \t\r\n".unicodeScalars.contains(scalar) {
                isInString = scalar == "\""
                result.append(scalar)
            }
        }
        return String(result)
    }
}
