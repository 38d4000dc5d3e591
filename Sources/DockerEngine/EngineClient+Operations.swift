package import Compose
package import Deploy
package import Reconcile

extension EngineClient {
    package func perform(
        _ operation: Operation<ContainerID>, on project: Project, stamp: DeploymentStamp
    ) async throws -> ContainerID? {
        switch operation {
        case .create(let creation): return try await create(creation, project, stamp)
        case .start(let container): try await start(container, project)
        case .stop(let container): try await stop(container, project)
        case .unpause(let container): try await unpause(container)
        case .rename(let container, let name): try await rename(container, to: name)
        case .remove(let container, let volumes): try await remove(container, volumes: volumes)
        case .createNetwork(let key): try await createNetwork(key, project)
        case .removeNetwork(let id, let name): try await removeNetwork(id: id, name: name)
        case .connect(let container, let network, let service):
            try await connect(container, network: network, service: service, project, stamp)
        case .disconnect(let container, let network): try await disconnect(container, network)
        case .createVolume(let key): try await createVolume(key, project)
        case .removeVolume(let name): try await removeVolume(name)
        case .wait(let wait):
            throw EngineError(
                .unexpected, operation: "wait for service \(wait.service)",
                detail: "waits are not the engine's to perform")
        }
        return nil
    }

    /// The service of the project, enabled or not.
    func service(_ name: String, of project: Project, to operation: String) throws -> Service {
        guard let service = project.services[name] ?? project.disabledServices[name] else {
            throw EngineError(
                .unexpected, operation: operation, detail: "the project \(project.name) has no service \(name)",
                service: name)
        }
        return service
    }

    /// The service that a container belongs to, when it is one of the project's.
    func service(of details: ContainerDetails, in project: Project) -> Service? {
        let labels = details.config?.labels ?? [:]
        guard labels[ComposeLabels.project] == project.name, let name = labels[ComposeLabels.service] else {
            return nil
        }
        return project.services[name] ?? project.disabledServices[name]
    }

    /// The container as it is. Throws `EngineError` when it is gone.
    func existing(_ id: ContainerID, to operation: String) async throws -> ContainerDetails {
        guard let details = try await details(of: id.hex) else {
            throw EngineError(
                .engineFailed, operation: "\(operation) container \(id.short)", detail: "it is gone",
                advice: "Something else removed it; the next run creates it anew.")
        }
        return details
    }
}
