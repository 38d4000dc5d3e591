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
        return problems
    }
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
