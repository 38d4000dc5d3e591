package import Compose

/// What the operator allows a commit to ask of the host. A rule that is given denies everything but what it names; one that
/// is not given denies nothing.
package struct Policy: Sendable, Equatable {
    /// Where it is written, for messages: `policy`, `projects.shop.policy`.
    package var name: String
    /// False denies privileged containers, hooks and builds.
    package var privileged: Bool?
    /// False denies the host's namespaces, and those of containers that are not the project's.
    package var hostNamespaces: Bool?
    /// False denies what takes memory and processor time out of the engine's bounds.
    package var hostResources: Bool?
    /// Directories of the host below which bind sources may be; absolute and clean.
    package var bindSources: [String]?
    /// Capabilities that may be added, without `CAP_`.
    package var capabilities: [String]?
    package var devices: [String]?
    package var securityOptions: [String]?
    package var sysctls: [String]?
    package var runtimes: [String]?
    /// Drivers of networks besides `bridge`.
    package var networkDrivers: [String]?
    /// Drivers of volumes besides `local`.
    package var volumeDrivers: [String]?
    /// Networks, volumes and containers of others, by their names on the engine.
    package var external: [String]?
    /// Registries, or registries with the beginning of a repository's path.
    package var registries: [String]?
    /// True denies images that are not named by digest.
    package var pinned = false
    /// Images may be built although a rule about images is given: what a Dockerfile begins with cannot be judged.
    package var allowsBuilds = false
    package var ports: [PortRule]?
    package var minimumImageAge: Duration?
    package var cosign: CosignRule?
    package var windows: DeployWindows?

    package init(name: String) { self.name = name }

    /// `cap_sys_admin` is `SYS_ADMIN`.
    package static func capability(_ name: String) -> String {
        let name = name.uppercased()
        return name.hasPrefix("CAP_") ? String(name.dropFirst("CAP_".count)) : name
    }

    /// A rule about where images come from is given.
    package var judgesImages: Bool { registries != nil || pinned || minimumImageAge != nil || cosign != nil }
    /// A rule needs what only an engine knows.
    package var needsEngine: Bool { minimumImageAge != nil || cosign != nil }
}

/// Whose signature an image has to have.
package struct CosignRule: Sendable, Equatable {
    package enum Signer: Sendable, Equatable {
        /// The file of a public key.
        case key(String)
        case identity(String, issuer: String)
    }

    package var signer: Signer
    /// Variables for the program beside those that every command has: where registries' logins are, proxies.
    package var environment: [String: String] = [:]

    package init(_ signer: Signer) { self.signer = signer }

    /// The command that verifies an image by its digest.
    package func arguments(verifying image: String) -> [String] {
        switch signer {
        case .key(let file): ["cosign", "verify", "--output", "text", "--key", file, image]
        case .identity(let identity, let issuer):
            [
                "cosign", "verify", "--output", "text", "--certificate-identity", identity, "--certificate-oidc-issuer",
                issuer, image,
            ]
        }
    }
}

/// What a policy goes by besides the project itself.
package struct PolicyFacts: Sendable, Equatable {
    /// The directory of the project's own files: always allowed as a bind source.
    package var checkout: String
    /// The socket of the project's engine, where it has one on this host: never allowed by a directory around it alone.
    package var engineSocket: String?
    /// Where paths lead on the host when its links are followed; a path that is missing leads to itself.
    package var resolved: [String: String] = [:]
    /// The images on the engine, by reference; nil when no engine is asked. One that is missing is judged when it is pulled.
    package var images: [String: ObservedState.Image]?
    /// The image that each service runs, where that is not the one its reference names.
    package var pinnedImages: [String: String] = [:]
    /// Networks and volumes that exist on the engine, by real name; empty when no engine is asked.
    package var networks: [String: ObservedState.Network] = [:]
    package var volumes: [String: ObservedState.Volume] = [:]
    /// The wall clock, in Unix milliseconds.
    package var now = 0
    /// The services that are judged; nil is all.
    package var services: Set<String>?

    package init(checkout: String) { self.checkout = checkout }
}

/// The judgement of one policy on one project: every violation, not only the first.
struct PolicyJudge {
    let policy: Policy
    let project: Project
    let facts: PolicyFacts
    var violations: [ComposeError.Problem] = []

    /// - Parameter rule: the key that the violation is against: `bind_sources`.
    mutating func deny(_ path: String, _ what: String, _ rule: String) {
        violations.append(
            .init(.semantics, at: nil, path: path, "\(what) (not allowed by `\(policy.name).\(rule)`)"))
    }

    /// The services that are judged, in order of name.
    var services: [Service] {
        project.services.values.filter { facts.services?.contains($0.name) ?? true }.sorted { $0.name < $1.name }
    }

    mutating func judge() {
        for service in services {
            judgePrivileges(of: service)
            judgeNamespaces(of: service)
            judgeResources(of: service)
            judgeDevices(of: service)
            judgeMounts(of: service)
            judgeExternal(service)
            judgePorts(of: service)
            judgeImages(of: service)
        }
        judgeNetworks()
        judgeVolumes()
        judgeFiles()
    }
}

extension [Policy] {
    /// Everything of the project that one of the policies denies; paths without places.
    package func violations(of project: Project, _ facts: PolicyFacts) -> [ComposeError.Problem] {
        flatMap { policy in
            var judge = PolicyJudge(policy: policy, project: project, facts: facts)
            judge.judge()
            return judge.violations
        }
    }

    /// The paths of the host that the judgement has to know where they lead: bind sources, and what allows them.
    ///
    /// - Parameter volumes: those that exist on the engine, by real name.
    package func pathsToResolve(
        of project: Project, on volumes: [String: ObservedState.Volume] = [:], checkout: String
    ) -> Set<String> {
        let rules = compactMap(\.bindSources)
        guard !rules.isEmpty else { return [] }
        return Set(rules.joined()).union(project.hostSources(on: volumes)).union([checkout])
    }
}

extension Project {
    /// The absolute paths of the host that containers of the project get to see.
    fileprivate func hostSources(on existing: [String: ObservedState.Volume]) -> Set<String> {
        var paths: Set<String> = []
        for service in services.values {
            paths.formUnion(service.volumes.filter { $0.kind == .bind }.compactMap(\.source))
        }
        paths.formUnion(volumes.values.compactMap { $0.driverOpts["device"] })
        paths.formUnion(volumes.values.compactMap { existing[$0.name]?.options["device"] })
        paths.formUnion((Array(secrets.values) + Array(configs.values)).compactMap(\.file))
        return Set(paths.filter { $0.hasPrefix("/") }.map(CleanPath.cleaned))
    }
}
