import YAML

@testable import Compose

extension CanonicalTree {
    /// A tree from JSON text, as loading would have made it.
    static func from(
        json: String, name: String = "p", environment: [String: String] = [:], profiles: [String] = []
    ) throws -> CanonicalTree {
        CanonicalTree(
            root: try JSONValue(json).node(), name: name, workingDirectory: "/srv/p",
            configFiles: ["/srv/p/compose.yaml"], environmentFiles: [], environment: environment,
            profiles: profiles, warnings: [])
    }
}

extension Project {
    static func from(
        json: String, environment: [String: String] = [:], profiles: [String] = []
    ) throws -> Project {
        try ProjectDecoder.decode(.from(json: json, environment: environment, profiles: profiles))
    }
}

/// What is wrong with a project; empty when nothing is.
func problems(json: String, profiles: [String] = []) throws -> [String] {
    do {
        _ = try Project.from(json: json, profiles: profiles)
        return []
    } catch let error as ComposeError {
        return error.problems.map { "\($0.path): \($0.message)" }
    }
}
