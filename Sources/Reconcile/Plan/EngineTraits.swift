import Compose

/// What decides which attributes an engine can express.
package struct EngineTraits: Sendable, Equatable {
    /// The version of the API that is spoken with it.
    package var version: APIVersion
    /// Podman, which speaks Docker's API and ignores parts of it.
    package var isPodman: Bool

    package init(version: APIVersion, isPodman: Bool = false) {
        self.version = version
        self.isPodman = isPodman
    }
}

extension ObservedState {
    /// The engine that was observed; nil when it did not say which API it speaks.
    package var traits: EngineTraits? {
        APIVersion(apiVersion).map { EngineTraits(version: $0, isPodman: isPodman ?? false) }
    }
}

extension Service {
    /// The keys of the service's networks: by priority, then by name. The first is the container's main one.
    package var networksByPriority: [String] {
        func priority(_ key: String) -> Int { (networks[key] ?? nil)?.priority ?? 0 }
        return networks.keys.sorted { (-priority($0), $0) < (-priority($1), $1) }
    }
}
