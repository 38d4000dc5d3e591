package import Compose

/// A place on this host that no container of a project gets to see, whatever a policy allows: watcher's own.
package struct ProtectedPath: Sendable, Hashable {
    /// Absolute and clean.
    package var path: String
    /// What it is, for messages: `the state directory`.
    package var name: String

    package init(_ path: String, _ name: String) {
        self.path = CleanPath.cleaned(path)
        self.name = name
    }
}

/// Something of the host that a container of a project is to see.
package struct HostSource: Sendable, Hashable {
    /// The path in the model: `services.web.volumes[0]`.
    package var place: String
    /// Absolute and clean.
    package var source: String
    /// What it is, for messages: `bind source`, and ` for /data`.
    var what: String
    var use: String

    /// `bind source for /data`
    package var name: String { what + use }

    /// `bind source conf/site for /data`
    package func name(with path: String) -> String { "\(what) \(path)\(use)" }
}

extension Project {
    /// Every path of the host that containers of the enabled services mount: binds, files of `configs` and `secrets` that a
    /// service uses, and what options of volumes name.
    ///
    /// - Parameters:
    ///   - names: the services that are asked about; nil is all.
    ///   - existing: the volumes that exist on the engine, by real name: their options count, too.
    package func mountedSources(
        of names: Set<String>? = nil, on existing: [String: ObservedState.Volume] = [:]
    ) -> [HostSource] {
        var sources: [HostSource] = []
        func add(_ place: String, _ source: String?, _ what: String, _ use: String) {
            guard let source, source.hasPrefix("/") else { return }
            sources.append(HostSource(place: place, source: CleanPath.cleaned(source), what: what, use: use))
        }
        let services = services.values.filter { names?.contains($0.name) ?? true }.sorted { $0.name < $1.name }
        for service in services {
            for (index, mount) in service.volumes.enumerated() where mount.kind == .bind {
                add("services.\(service.name).volumes[\(index)]", mount.source, "bind source", " for \(mount.target)")
            }
        }
        for (part, objects, uses) in [
            ("configs", configs, services.flatMap(\.configs)), ("secrets", secrets, services.flatMap(\.secrets)),
        ] {
            let used = Set(uses.map(\.source))
            for (key, object) in objects.sorted(by: { $0.key < $1.key }) where used.contains(key) {
                if object.content == nil { add("\(part).\(key).file", object.file, "file", " of \(part).\(key)") }
            }
        }
        let used = Set(services.flatMap { $0.volumes.filter { $0.kind == .volume }.compactMap(\.source) })
        for (key, volume) in volumes.sorted(by: { $0.key < $1.key }) where used.contains(key) {
            let named = volume.external ? [] : volume.namedPaths
            for (place, source) in named {
                add("volumes.\(key).\(place)", source, "path", " of volume \"\(key)\"")
            }
            guard let found = existing[volume.name] else { continue }
            for (_, source) in Volume(found).namedPaths where !named.contains(where: { $0.source == source }) {
                add("volumes.\(key)", source, "path", " of volume \"\(found.name)\" on the engine")
            }
        }
        return sources
    }
}

extension Volume {
    /// As a model would have to say it for the engine to make what it has.
    fileprivate init(_ existing: ObservedState.Volume) {
        self.init(name: existing.name)
        driver = existing.driver
        driverOpts = existing.options
    }

    /// Paths in the options of the engine's own driver, which passes them on to mount(2): of a bind, and of an overlay's
    /// layers.
    fileprivate var namedPaths: [(place: String, source: String)] {
        guard ["local", "default", ""].contains(driver ?? "") else { return [] }
        let options = (driverOpts["o"] ?? "").split(separator: ",")
        var paths: [(String, String)] = []
        if let device = driverOpts["device"] {
            let isPath = options.contains("bind") || options.contains("rbind") || device.hasPrefix("/")
            paths.append(("driver_opts.device", isPath ? Self.absolute(device) : device))
        }
        for option in options {
            let parts = option.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else { continue }
            // A layer may be named from where the engine is.
            let isLayer = parts[0].contains("dir")
            for value in parts[1].split(separator: ":") where isLayer || value.hasPrefix("/") {
                paths.append(("driver_opts.o", Self.absolute(String(value))))
            }
        }
        return paths
    }

    /// The path as mount(2) and overlayfs take it from the engine, whose working directory is `/`.
    private static func absolute(_ path: String) -> String {
        let plain = path.replacing("\\", with: "")
        return plain.hasPrefix("/") ? plain : "/" + plain
    }
}

/// What is watcher's own, as seen by one project.
package struct ProtectedPaths: Sendable {
    private let paths: [(path: String, protected: ProtectedPath)]
    private let checkouts: [String]
    private let named: Set<String>

    /// - Parameters:
    ///   - checkout: the project's own, which is in the state directory and allowed.
    ///   - named: directories that the configuration allows to be mounted although something protected is in them.
    ///   - resolve: where a path leads on the host when every link is followed.
    package init(
        _ protected: [ProtectedPath], checkout: String, named: [String] = [], resolve: (String) throws -> String
    ) rethrows {
        paths = try protected.flatMap { protected in
            try Set([protected.path, resolve(protected.path)]).sorted().map { ($0, protected) }
        }
        checkouts = try [checkout, resolve(checkout)]
        self.named = Set(named.map(CleanPath.cleaned))
    }

    /// Why a path may not be mounted or read; nil when it may.
    ///
    /// - Parameters:
    ///   - path: as it is written, clean.
    ///   - resolved: where it leads.
    package func problem(of path: String, leadingTo resolved: String) -> String? {
        if Self.isBelow(resolved, checkouts[1]) { return nil }
        let places = Set([path, resolved])
        for (protected, what) in paths {
            if places.contains(where: { Self.isBelow($0, protected) && !Self.isBelow($0, checkouts[0]) }) {
                let leads = path == resolved ? path : "\(path) (\(resolved))"
                return protected == resolved || protected == path
                    ? "\(leads) is \(what.name)" : "\(leads) is in \(what.name)"
            }
        }
        for (protected, what) in paths where places.contains(where: { Self.isBelow(protected, $0) }) {
            if named.contains(path) || named.contains(resolved) { continue }
            return "\(path) contains \(what.name) \(protected); to allow that, name the directory itself: "
                + "`policy: {bind_sources: [\(path)]}`"
        }
        return nil
    }

    private static func isBelow(_ path: String, _ directory: String) -> Bool {
        path == directory || path.hasPrefix(directory == "/" ? "/" : directory + "/")
    }
}
