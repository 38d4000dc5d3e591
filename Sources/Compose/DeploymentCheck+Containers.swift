import YAML

extension Service {
    /// What no container can be made of, whatever the engine: attributes that are read, but say nothing that it could do.
    func problemsOfContainer() -> [ComposeError.Problem] {
        func problem(_ kind: ComposeError.Problem.Kind, _ attribute: String, _ message: String) -> ComposeError.Problem
        {
            .init(kind, at: nil, path: "services.\(name).\(attribute)", message)
        }
        var problems = volumes.enumerated().compactMap { index, mount in
            mount.problem.map { problem($0.kind, "volumes[\(index)]\($0.attribute)", $0.message) }
        }
        for (attribute, mode) in [("uts", uts), ("cgroup", cgroup)] where mode?.hasPrefix("service:") == true {
            problems.append(
                problem(
                    .unsupported, attribute,
                    "\(mode ?? "") cannot be shared with a service; the engine knows host and private only"))
        }
        if let restart, deploy?.restartPolicy == nil, let colon = restart.firstIndex(of: ":"),
            Int(restart[restart.index(after: colon)...]).map({ $0 >= 0 }) != true
        {
            problems.append(problem(.semantics, "restart", "\"\(restart)\" has no number after the colon"))
        }
        for (index, option) in securityOpt.enumerated()
        where option != "no-new-privileges" && !option.contains(where: { $0 == "=" || $0 == ":" }) {
            problems.append(
                problem(
                    .semantics, "security_opt[\(index)]", "\"\(option)\" is neither no-new-privileges nor name=value"))
        }
        for (index, rule) in deviceCgroupRules.enumerated() where !Self.isDeviceRule(rule) {
            problems.append(
                problem(
                    .semantics, "device_cgroup_rules[\(index)]",
                    "\"\(rule)\" is not a rule such as \"c 1:3 rwm\""))
        }
        return problems + problemsOfMACAddresses()
    }

    private func problemsOfMACAddresses() -> [ComposeError.Problem] {
        func problem(_ attribute: String, _ message: String) -> ComposeError.Problem {
            .init(.semantics, at: nil, path: "services.\(name).\(attribute)", message)
        }
        var written = [("mac_address", macAddress)]
        for (key, place) in networks.sorted(by: { $0.key < $1.key }) {
            written.append(("networks.\(key).mac_address", place?.macAddress))
        }
        var problems = written.compactMap { attribute, address -> ComposeError.Problem? in
            guard let address, !Self.isMACAddress(address) else { return nil }
            return problem(attribute, "\"\(address)\" is not a MAC address such as \"02:42:ac:11:00:02\"")
        }
        if let common = macAddress, networkMode == nil, let main = networksByPriority.first,
            let own = (networks[main] ?? nil)?.macAddress, own != common
        {
            problems.append(problem("mac_address", "\(common) differs from \(own) of network \(main)"))
        }
        return problems
    }

    /// The keys of the service's networks: by priority, then by name. The first is the container's main one.
    package var networksByPriority: [String] {
        func priority(_ key: String) -> Int { (networks[key] ?? nil)?.priority ?? 0 }
        return networks.keys.sorted { (-priority($0), $0) < (-priority($1), $1) }
    }

    /// Six bytes in hexadecimal: `02:42:ac:11:00:02`, with `-` instead, or as `0242.ac11.0002`.
    static func isMACAddress(_ text: String) -> Bool {
        for (separator, digits) in [(":", 2), ("-", 2), (".", 4)] where text.contains(separator) {
            let parts = text.split(separator: Character(separator), omittingEmptySubsequences: false)
            return parts.count == 12 / digits
                && parts.allSatisfy { $0.utf8.count == digits && $0.utf8.allSatisfy(\.isASCIIHexDigit) }
        }
        return false
    }

    /// `c 1:3 rwm`: a type, numbers or `*`, and what is allowed.
    static func isDeviceRule(_ text: String) -> Bool {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 3, ["a", "b", "c"].contains(parts[0]) else { return false }
        let numbers = parts[1].split(separator: ":", omittingEmptySubsequences: false)
        return numbers.count == 2
            && numbers.allSatisfy { $0 == "*" || (!$0.isEmpty && $0.utf8.allSatisfy(\.isASCIIDigit)) }
            && (1...3).contains(parts[2].count) && parts[2].allSatisfy { "rwm".contains($0) }
    }
}

extension Healthcheck {
    /// It says that there is to be none, not even the image's.
    package var isSwitchedOff: Bool { disable || test.first == "NONE" }
}

extension Mount {
    /// Why the engine cannot mount it; nil when it can.
    fileprivate var problem: (kind: ComposeError.Problem.Kind, attribute: String, message: String)? {
        if kind == .npipe { return (.unsupported, "", "named pipes exist only in Windows containers") }
        if !target.hasPrefix("/") {
            let isDrive = source == nil && target.dropFirst().hasPrefix(":")
            let hint = "; a name of one letter before a colon is a Windows drive, so use the long syntax"
            return (
                .semantics, "", "\"\(target)\" is no absolute path in the container" + (isDrive ? hint : "")
            )
        }
        if kind == .bind, source == nil { return (.semantics, "", "the bind mount of \(target) has no source") }
        if let mode = bind?.recursive, !["enabled", "disabled", "writable", "readonly"].contains(mode) {
            return (
                .semantics, ".bind.recursive",
                "\"\(mode)\" is unknown; use enabled, disabled, writable or readonly"
            )
        }
        // The engine relabels only what it mounts in its older way, which has none of the others.
        if kind == .bind, let bind, bind.selinux != nil,
            !bind.createHostPath || bind.propagation != nil || bind.recursive != nil
        {
            return (
                .unsupported, ".bind.selinux",
                "goes only with create_host_path: true and without other options; docker compose drops it"
            )
        }
        return nil
    }
}
