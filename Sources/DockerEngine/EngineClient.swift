import Deploy
import NIOCore
import Reconcile
import Synchronization

/// The Docker Engine, spoken to over its HTTP API.
///
/// The connection is made at the first call. Whoever makes a client ends it with `shutdown()`.
package final class EngineClient: ContainerEngine {
    let connection: EngineConnection
    /// Where credentials of registries are looked up.
    let credentials: RegistryCredentials
    /// Containers that this client created and did not start yet: what an inspection would tell of them is known.
    let unstarted = Mutex<[ContainerID: Unstarted]>([:])
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

    struct Unstarted: Sendable {
        var name: String
        var service: String?
    }

    package var parallelChanges: Int { connection.parallelChanges }

    var deadlines: EngineDeadlines { connection.deadlines }

    /// Has all clients of this process share one thread: a second one finds nothing to do for a single engine. To be
    /// called once, before the first client is made.
    package static func useOneThread() { NIOSingletons.groupLoopCountSuggestion = 1 }

    /// Connects ahead of the first call, which tells of any trouble.
    package func greet() async { _ = try? await connection.traits() }

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
