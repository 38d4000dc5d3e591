import Compose
import Deploy
package import Reconcile

extension EngineClient {
    package func perform(_ operation: Operation<ContainerID>) async throws -> ContainerID? {
        switch operation {
        case .create(let creation): return try await create(creation)
        case .start(let container): return try await start(container)
        case .copyFiles(let container, let files): try await copy(files, into: container)
        case .runHook(let container, let run): try await self.run(run, in: container)
        case .stop(let container): try await stop(container)
        case .unpause(let container): try await unpause(container)
        case .rename(let container, let name): try await rename(container, to: name)
        case .remove(let container, let volumes): try await remove(container, volumes: volumes)
        case .createNetwork(let network): try await createNetwork(network)
        case .removeNetwork(let id, let name): try await removeNetwork(id: id, name: name)
        case .connect(let container, let endpoint): try await connect(container, to: endpoint)
        case .disconnect(let container, let network): try await disconnect(container, network)
        case .createVolume(let volume): try await createVolume(volume)
        case .removeVolume(let name): try await removeVolume(name)
        case .tagImage(let id, let reference): try await tagImage(id, as: reference)
        case .untagImage(let reference): try await untagImage(reference)
        case .wait(let wait):
            throw EngineError(
                .unexpected, operation: "wait for service \(wait.service)",
                detail: "waits are not the engine's to perform")
        }
        return nil
    }

    /// Makes the reference name the image.
    private func tagImage(_ id: String, as reference: String) async throws {
        let operation = "tag an image as \(reference)"
        guard let parts = ImageReference(reference), let tag = parts.tag else {
            throw EngineError(.unexpected, operation: operation, detail: "it is no reference with a tag")
        }
        let repository = parts.isOnDockerHub ? parts.repository : "\(parts.registry)/\(parts.repository)"
        _ = try await connection.send(
            EngineRequest.post("/images/\(id.percentEncoded(keeping: ":"))/tag", to: operation)
                .adding("repo", repository).adding("tag", tag))
    }

    /// Takes the name away; the image goes with its last one. One that is gone or in use is fine.
    private func untagImage(_ reference: String) async throws {
        _ = try await connection.send(
            EngineRequest(
                .delete, "/images/\(reference.percentEncoded(keeping: "/:@"))", to: "remove image \(reference)"
            ).expecting(404).expecting(409).within(deadlines.create))
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
