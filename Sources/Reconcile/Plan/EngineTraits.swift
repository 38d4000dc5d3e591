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
