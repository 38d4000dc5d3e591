import Deploy
import Reconcile

/// The Docker Engine, spoken to over its HTTP API.
///
/// The connection is made at the first call. Whoever makes a client ends it with `shutdown()`.
package final class EngineClient: ContainerEngine {
    let connection: EngineConnection
    /// Where credentials of registries are looked up.
    let credentials: RegistryCredentials
    /// Told what the engine, or a hook before a stop, warns of: whole lines for people.
    let warn: @Sendable (String) -> Void

    /// - Parameters:
    ///   - endpoint: where the engine listens.
    ///   - dockerConfigDirectory: the directory of Docker's `config.json`, where `docker login` leaves credentials
    ///     (see `RegistryCredentials.directory(environment:)`); nil pulls without any.
    ///   - deadlines: how long calls may take.
    ///   - warn: told about things that are odd but no failure.
    package init(
        endpoint: EngineEndpoint, dockerConfigDirectory: String?, deadlines: EngineDeadlines = EngineDeadlines(),
        warn: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        connection = EngineConnection(endpoint: endpoint, deadlines: deadlines)
        credentials = RegistryCredentials(directory: dockerConfigDirectory, deadline: deadlines.credentials)
        self.warn = warn
    }

    var deadlines: EngineDeadlines { connection.deadlines }

    /// Ends streams and calls under way, and closes the connection. Calling it again does nothing.
    package func shutdown() async { await connection.close() }
}

/// What an engine says about itself.
package struct EngineInfo: Sendable, Equatable, Codable {
    /// The engine's release: `20.10.24`.
    package var version: String
    /// The newest API version that it speaks.
    package var apiVersion: String
    /// The API version that watcher speaks with it.
    package var spokenVersion: String
    /// `linux/amd64`
    package var platform: String
    package var kernel: String
}

extension EngineClient {
    /// The engine's version and platform.
    package func info() async throws -> EngineInfo {
        let spoken = try await connection.version()
        let answer: VersionAnswer = try await connection.decoded(
            .get("/version", to: "ask the engine for its version"))
        return EngineInfo(
            version: answer.version ?? "", apiVersion: answer.apiVersion ?? "", spokenVersion: "\(spoken)",
            platform: "\(answer.os ?? "")/\(answer.arch ?? "")", kernel: answer.kernelVersion ?? "")
    }
}
