import Foundation
import Testing

@testable import Compose

private let corpus = ProcessInfo.processInfo.environment["CORPUS"]

/// Holds loading against docker compose's own answers for a corpus of real Compose files.
@Suite(.enabled(if: corpus != nil, "CORPUS names no directory with Compose files and docker compose's answers"))
struct Conformance {
    @Test func `the model read from docker compose's canonical form renders the same again`() throws {
        var score = ConformanceScore()
        for one in try CorpusCase.all(in: #require(corpus)) {
            guard let expected = try one.expected("expected.json") else { continue }
            let tree = try Self.tree(expected)
            do {
                let project = try ProjectDecoder.decode(tree)
                let rendered = try JSONValue(ProjectRendering.json(project))
                score.count(
                    "models", one.description.id, difference: rendered.difference(from: try JSONValue(expected)))
            } catch {
                score.count("models", one.description.id, difference: "\(error)")
            }
        }
        try score.report(as: "round-trip")
        #expect(score.percentage("models") >= 99)
    }

    private static func tree(_ json: String) throws -> CanonicalTree {
        let root = try JSONValue(json.replacingOccurrences(of: "$$", with: "$"))
        var name = ""
        if case .object(let members) = root, case .string(let value) = members["name"] { name = value }
        return CanonicalTree(
            root: root.node(), name: name, workingDirectory: "/", configFiles: [], environmentFiles: [],
            environment: [:], profiles: ["*"], warnings: [])
    }
}
