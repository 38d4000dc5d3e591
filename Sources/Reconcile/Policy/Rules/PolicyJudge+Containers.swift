import Compose

// Privileges, namespaces, resources and devices of containers.

extension PolicyJudge {
    // MARK: - Privileges

    mutating func judgePrivileges(of service: Service) {
        let path = "services.\(service.name)"
        if service.privileged { denyPrivileged("\(path).privileged", "runs privileged") }
        for (key, hooks) in [("post_start", service.postStart), ("pre_stop", service.preStop)] {
            for (index, hook) in hooks.enumerated() where hook.privileged {
                denyPrivileged("\(path).\(key)[\(index)].privileged", "runs a privileged hook")
            }
        }
        if service.build?.privileged == true { denyPrivileged("\(path).build.privileged", "is built privileged") }
        for (index, entitlement) in (service.build?.entitlements ?? []).enumerated() {
            let place = "\(path).build.entitlements[\(index)]"
            if entitlement == "network.host" {
                if policy.hostNamespaces == false { deny(place, "is built in the host's network", "host_namespaces") }
            } else {
                denyPrivileged(place, "is built with the entitlement \(entitlement)")
            }
        }
        if let allowed = policy.capabilities {
            for (index, capability) in service.capAdd.enumerated() {
                let name = Policy.capability(capability)
                guard !allowed.contains(name), !allowed.contains("ALL") else { continue }
                deny("\(path).cap_add[\(index)]", "adds the capability \(name)", "capabilities")
            }
        }
        if let allowed = policy.securityOptions?.map(Self.securityOption) {
            for (index, option) in service.securityOpt.enumerated() {
                let option = Self.securityOption(option)
                guard !Self.harmlessOptions.contains(option), !allowed.contains(option) else { continue }
                deny("\(path).security_opt[\(index)]", "sets \(option)", "security_options")
            }
        }
    }

    /// Whatever is privileged has every capability and device, and no profile.
    private mutating func denyPrivileged(_ path: String, _ what: String) {
        let rule: String? =
            if policy.privileged == false {
                "privileged"
            } else if let allowed = policy.capabilities, !allowed.contains("ALL") {
                "capabilities"
            } else if policy.devices != nil {
                "devices"
            } else if policy.securityOptions != nil {
                "security_options"
            } else {
                nil
            }
        if let rule { deny(path, what, rule) }
    }

    /// What only takes rights away, or is the default.
    private static let harmlessOptions: Set<String> = [
        "no-new-privileges", "no-new-privileges=true", "seccomp=builtin", "apparmor=docker-default",
    ]

    /// `seccomp:unconfined` is `seccomp=unconfined`.
    private static func securityOption(_ option: String) -> String {
        guard let separator = option.firstIndex(where: { $0 == ":" || $0 == "=" }) else { return option }
        return option[..<separator] + "=" + option[option.index(after: separator)...]
    }

    // MARK: - Namespaces

    mutating func judgeNamespaces(of service: Service) {
        let path = "services.\(service.name)"
        if policy.hostNamespaces == false {
            for (key, mode) in [
                ("network_mode", service.networkMode), ("net", service.net), ("pid", service.pid), ("ipc", service.ipc),
                ("uts", service.uts), ("userns_mode", service.usernsMode), ("cgroup", service.cgroup),
            ] {
                guard let mode, let what = Self.foreignNamespace(mode) else { continue }
                deny("\(path).\(key)", "joins \(what)", "host_namespaces")
            }
            if let what = service.build?.network.flatMap(Self.foreignNamespace) {
                deny("\(path).build.network", "is built in \(what)", "host_namespaces")
            }
        }
        if let allowed = policy.runtimes, let runtime = service.runtime, !allowed.contains(runtime) {
            deny("\(path).runtime", "uses the runtime \(runtime)", "runtimes")
        }
        if let allowed = policy.sysctls {
            for key in service.sysctls.keys.sorted() where !allowed.contains(key) {
                deny("\(path).sysctls.\(key)", "sets \(key)", "sysctls")
            }
        }
    }

    /// Whose namespace a mode joins, if it is not one of the project's: the engine's words are case-sensitive.
    static func foreignNamespace(_ mode: String) -> String? {
        if mode == "host" { return "a namespace of the host" }
        guard mode.hasPrefix("container:") else { return nil }
        return "a namespace of \"\(mode.dropFirst("container:".count))\", a container that is not the project's"
    }

    // MARK: - Resources

    mutating func judgeResources(of service: Service) {
        guard policy.hostResources == false else { return }
        let path = "services.\(service.name)"
        if let parent = service.cgroupParent {
            deny("\(path).cgroup_parent", "runs in the control group \(parent) of the host", "host_resources")
        }
        if service.oomKillDisable {
            deny("\(path).oom_kill_disable", "is never killed when memory runs out", "host_resources")
        }
        if service.oomScoreAdj < 0 {
            deny("\(path).oom_score_adj", "is killed after others when memory runs out", "host_resources")
        }
        if service.cpuRTRuntime != 0 || service.cpuRTPeriod != 0 {
            let key = service.cpuRTRuntime != 0 ? "cpu_rt_runtime" : "cpu_rt_period"
            deny("\(path).\(key)", "takes processor time before everything else", "host_resources")
        }
    }

    // MARK: - Devices

    mutating func judgeDevices(of service: Service) {
        guard let allowed = policy.devices else { return }
        let path = "services.\(service.name)"
        for (index, device) in service.devices.enumerated() where !allowsDevice(device.source, allowed) {
            deny("\(path).devices[\(index)]", "gets the device \(device.source)", "devices")
        }
        for (index, rule) in service.deviceCgroupRules.enumerated() where !allowed.contains(rule) {
            deny("\(path).device_cgroup_rules[\(index)]", "gets the devices \"\(rule)\"", "devices")
        }
        let requests =
            service.gpus.enumerated().map { ("\(path).gpus[\($0)]", $1, "gpu") }
            + (service.deploy?.resources.reservations?.devices ?? []).enumerated().map {
                ("\(path).deploy.resources.reservations.devices[\($0)]", $1, nil)
            }
        for (place, request, kind) in requests {
            // The driver when one is named, else everything that is asked for.
            let names =
                request.driver.map { [$0] } ?? (request.capabilities.isEmpty ? [kind ?? "gpu"] : request.capabilities)
            let denied = names.filter { !allowed.contains($0) }
            if !denied.isEmpty { deny(place, "gets devices of \(denied.joined(separator: ", "))", "devices") }
        }
    }

    /// A device by its path or below it, or by its CDI name.
    private func allowsDevice(_ source: String, _ allowed: [String]) -> Bool {
        guard source.hasPrefix("/") else { return allowed.contains(source) }
        let source = CleanPath.cleaned(source)
        return allowed.contains { $0.hasPrefix("/") && CleanPath.isBelow(source, CleanPath.cleaned($0)) }
    }
}
