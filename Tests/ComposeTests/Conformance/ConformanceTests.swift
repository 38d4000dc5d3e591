import Foundation
import Testing

@testable import Compose

private let corpus = ProcessInfo.processInfo.environment["CORPUS"]

/// Holds loading against docker compose's own answers for a corpus of real Compose files.
///
/// `CORPUS` names the corpus; `CONFORMANCE_REPORT` names a file for the score and the cases that differ.
@Suite(.enabled(if: corpus != nil, "CORPUS names no directory with Compose files and docker compose's answers"))
struct Conformance {
    @Test func `models, hashes and refusals are docker compose's`() throws {
        var score = ConformanceScore()
        for one in try CorpusCase.all(in: #require(corpus)) {
            try one.layOut()
            try Self.compare(one, profiles: [], exit: one.description.exit, "expected.json", &score)
            if let exit = one.description.exit_all_profiles,
                FileManager.default.fileExists(atPath: one.source.appending(path: "expected.all-profiles.json").path)
            {
                try Self.compare(one, profiles: ["*"], exit: exit, "expected.all-profiles.json", &score)
            }
        }
        try score.report()
        #expect(score.percentage(.model) >= 99)
        #expect(score.percentage(.hash) >= 98)
        #expect(score.percentage(.refusal) >= 95)
    }

    private static func compare(
        _ one: CorpusCase, profiles: [String], exit: Int, _ answer: String, _ score: inout ConformanceScore
    ) throws {
        let name = one.description.id + (profiles.isEmpty ? "" : " (all profiles)")
        let loader = ProjectLoader(files: .disk)
        do {
            let project = try loader.load(one.request(profiles: profiles)).project
            let resolved = try project.resolvingEnvironment(files: .disk)
            // A record of it is the same again.
            #expect(try JSONDecoder().decode(Project.self, from: JSONEncoder().encode(resolved)) == resolved, "\(name)")
            guard exit == 0, let expected = try one.expected(answer) else {
                score.count(.refusal, name, difference: "accepted: \(one.description.error_class ?? "")")
                return
            }
            let rendered = try JSONValue(ProjectRendering.json(resolved))
            score.count(.model, name, difference: rendered.difference(from: try JSONValue(expected)))
            guard profiles.isEmpty, let hashes = try one.expectedHashes() else { return }
            let own = Dictionary(ProjectRendering.hashes(project).map { ($0.service, $0.hash) }) { $1 }
            let differing = Set(hashes.keys).union(own.keys).filter { hashes[$0] != own[$0] }
            score.count(.hash, name, difference: differing.isEmpty ? nil : differing.sorted().joined(separator: ", "))
        } catch let error as ComposeError {
            if exit != 0 {
                score.count(.refusal, name, difference: nil)
            } else {
                score.count(.model, name, difference: "refused: \(error)")
                if profiles.isEmpty { score.count(.hash, name, difference: "refused") }
            }
        }
    }
}
