package import Compose

/// What should run: for each service how many containers, and whether one that exited with status 0 has succeeded.
package struct Expectation: Sendable, Equatable {
    package struct Service: Sendable, Equatable {
        package var name: String
        package var replicas: Int
        /// Exiting with status 0 is success.
        package var isJob = false
        /// False for a service that all its dependants can do without (`depends_on … required: false`).
        package var isRequired = true
        /// Container ports with their protocol that must be published, `80/tcp`.
        package var publishedPorts: Set<String> = []

        package init(
            name: String, replicas: Int, isJob: Bool = false, isRequired: Bool = true, publishedPorts: Set<String> = []
        ) {
            self.name = name
            self.replicas = replicas
            self.isJob = isJob
            self.isRequired = isRequired
            self.publishedPorts = publishedPorts
        }
    }

    /// By name.
    package var services: [String: Service]

    /// What a project wants to run. Services of providers and those without replicas are left out.
    ///
    /// - Parameter images: local images by reference; they tell which services have a health check.
    package init(_ project: Project, images: [String: ObservedState.Image] = [:]) {
        services = project.services.filter { $0.value.provider == nil && $0.value.replicas > 0 }.mapValues { service in
            let dependencies = project.services.values.compactMap { $0.dependsOn[service.name] }
            return Service(
                name: service.name, replicas: service.replicas,
                isJob: project.isJob(service.name, image: images[service.imageName(in: project)]),
                isRequired: dependencies.isEmpty || dependencies.contains(where: \.required),
                publishedPorts: service.fixedPorts)
        }
    }

    /// What ran at a moment, where no model of it is known: a container that had exited with status 0 counts as a job.
    package init(before: ObservedState) {
        let own = before.containers.filter { !$0.isOneOff && $0.parked == nil }
        services = Dictionary(grouping: own, by: \.service).compactMapValues { containers in
            let wanted = containers.filter { $0.state != .created && $0.state != .dead }
            guard let first = wanted.first else { return nil }
            return Service(
                name: first.service, replicas: wanted.count,
                isJob: wanted.allSatisfy { $0.state == .exited && $0.exitCode == 0 })
        }
    }
}

extension Compose.Service {
    fileprivate var fixedPorts: Set<String> {
        guard networkMode == nil || networkMode == "bridge" else { return [] }
        return Set(ports.filter { $0.published != nil }.map { "\($0.target)/\($0.proto ?? "tcp")" })
    }
}
