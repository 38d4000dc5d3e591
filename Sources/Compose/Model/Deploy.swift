/// A service's `deploy` section (Compose Deploy specification).
package struct Deploy: Sendable, Equatable, Codable {
    package var mode: String?
    package var replicas: Int?
    package var labels: [String: String] = [:]
    package var updateConfig: UpdateConfig?
    package var rollbackConfig: UpdateConfig?
    package var resources = Resources()
    package var restartPolicy: RestartPolicy?
    package var placement = Placement()
    package var endpointMode: String?
    package var extensions: [String: ExtensionValue] = [:]
    package init() {}

    package struct UpdateConfig: Sendable, Equatable, Codable {
        package var parallelism: Int?
        package var delay: Duration = .zero
        package var failureAction: String?
        package var monitor: Duration = .zero
        package var maxFailureRatio: Float = 0
        /// `start-first` or `stop-first`.
        package var order: String?
        package var extensions: [String: ExtensionValue] = [:]
        package init() {}
    }

    package struct Resources: Sendable, Equatable, Codable {
        package var limits: Resource?
        package var reservations: Resource?
        package var extensions: [String: ExtensionValue] = [:]
        package init() {}
    }

    package struct Resource: Sendable, Equatable, Codable {
        package var cpus: Float = 0
        /// Bytes.
        package var memory: Int = 0
        package var pids: Int = 0
        package var devices: [DeviceRequest] = []
        package var genericResources: [GenericResource] = []
        package var extensions: [String: ExtensionValue] = [:]
        package init() {}
    }

    package struct GenericResource: Sendable, Equatable, Codable {
        package var discreteResourceSpec: DiscreteResource?
        package var extensions: [String: ExtensionValue] = [:]
        package init() {}
    }

    package struct DiscreteResource: Sendable, Equatable, Codable {
        package var kind: String
        package var value: Int
        package var extensions: [String: ExtensionValue] = [:]
        package init(kind: String, value: Int) {
            self.kind = kind
            self.value = value
        }
    }

    package struct RestartPolicy: Sendable, Equatable, Codable {
        package var condition: String?
        package var delay: Duration?
        package var maxAttempts: Int?
        package var window: Duration?
        package var extensions: [String: ExtensionValue] = [:]
        package init() {}
    }

    package struct Placement: Sendable, Equatable, Codable {
        package var constraints: [String] = []
        package var preferences: [String] = []
        package var maxReplicasPerNode: Int = 0
        package var extensions: [String: ExtensionValue] = [:]
        package init() {}
    }
}
