import FoundationEssentials

// What every test of the real thing stands on: the environment that `scripts/test-environment` makes, scenarios that
// clean up after themselves, real repositories, servers and the built binary. No test is skipped for want of it.

/// What `scripts/test-environment` provides. A test that needs something which is not there fails.
package enum TestEnvironment {
    /// Something a test needs is not there.
    package struct Missing: Error, CustomStringConvertible {
        package var description: String
    }

    /// The private engine, `unix://…`.
    package static func dockerHost() throws -> String { try required("WATCHER_TEST_DOCKER_HOST") }

    /// The socket of the private engine.
    package static func dockerSocket() throws -> String {
        let host = try dockerHost()
        guard host.hasPrefix("unix://") else { throw Missing(description: "not a unix socket: \(host)") }
        return String(host.dropFirst("unix://".count))
    }

    /// The engine's registry as the engine reaches it, `127.0.0.1:5000`.
    package static func registry() throws -> String { try required("WATCHER_TEST_REGISTRY") }

    /// The words to put before a command so that it runs in the engine's network, where the registry is.
    package static func inEngineNetwork() throws -> [String] {
        try required("WATCHER_TEST_IN_ENGINE_NETWORK").split(separator: " ").map(String.init)
    }

    /// Where `ca.pem`, `cert.pem` and `key.pem` for the engine's `tcp://127.0.0.1:2376` are, in the engine's network.
    package static func engineTLS() throws -> String { try required("WATCHER_TEST_TLS") }

    /// The real docker compose that the tests compare with.
    package static func compose() throws -> String { try required("WATCHER_TEST_COMPOSE") }

    /// The watcher under test: `WATCHER_BINARY`, or the debug build.
    package static func binary() throws -> String {
        let path = ProcessInfo.processInfo.environment["WATCHER_BINARY"] ?? "\(root)/.build/debug/watcher"
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw Missing(description: "no binary at \(path): run `make build`")
        }
        return path
    }

    /// The root of the working copy.
    package static let root: String = {
        var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        parts.removeLast(3)
        return parts.joined(separator: "/")
    }()

    /// Whether failed scenarios stay as they are (`KEEP_FAILED=1`).
    package static var keepsFailed: Bool { ProcessInfo.processInfo.environment["KEEP_FAILED"] == "1" }

    private static func required(_ name: String) throws -> String {
        guard let value = ProcessInfo.processInfo.environment[name], !value.isEmpty else {
            throw Missing(
                description: "\(name) is not set: run the tests with `make test` or below `scripts/test-environment`")
        }
        return value
    }
}
