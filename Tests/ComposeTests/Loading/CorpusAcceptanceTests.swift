import Foundation
import Testing
import YAML

@testable import Compose

/// Holds the loader against what docker compose accepts and refuses, on Compose files from outside.
///
/// Set `COMPOSE_CORPUS` to the folder of cases; each has a `case.json` and its files in `files/`.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["COMPOSE_CORPUS"] != nil))
struct CorpusAcceptanceTests {
    struct Case: Decodable {
        var files: [String]
        var project_directory: String
        var exit: Int
        var error_class: String?
    }

    @Test func `Cases are accepted and refused as docker compose does`() throws {
        let corpus = try #require(ProcessInfo.processInfo.environment["COMPOSE_CORPUS"])
        let root = "/tmp/watcher-corpus-loading"
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: root) }
        var accepted = (right: 0, all: 0)
        var refused = (right: 0, all: 0)
        for name in try FileManager.default.contentsOfDirectory(atPath: corpus).sorted() {
            let description = FileManager.default.contents(atPath: "\(corpus)/\(name)/case.json") ?? Data()
            let item = try JSONDecoder().decode(Case.self, from: description)
            let folder = "\(root)/\(name)"
            try FileManager.default.copyItem(atPath: "\(corpus)/\(name)/files", toPath: folder)
            var request = ProjectLoader.Request(
                workingDirectory: CleanPath.absolute(item.project_directory, in: folder))
            request.files = item.files.map { "\(folder)/\($0)" }
            request.projectDirectory = request.workingDirectory
            request.home = "\(root)/.home"
            request.environment = ["HOME": "\(root)/.home", "PATH": "/usr/bin:/bin"]
            let outcome = Result { try ProjectLoader(files: .disk).canonicalTree(request) }
            var problem: String?
            switch outcome {
            case .failure(let error): problem = "\(error)"
            case .success(let tree):
                if let dump = ProcessInfo.processInfo.environment["COMPOSE_DUMP"] {
                    try json(tree.root).write(toFile: "\(dump)/\(name).json", atomically: true, encoding: .utf8)
                }
            }
            if item.exit == 0 {
                accepted.all += 1
                if let problem { print("REFUSED \(name): \(problem)") } else { accepted.right += 1 }
            } else {
                refused.all += 1
                if let problem {
                    refused.right += 1
                    if ProcessInfo.processInfo.environment["VERBOSE"] != nil {
                        print("OK \(name) [\(item.error_class ?? "")] \(problem)")
                    }
                } else {
                    print("ACCEPTED \(name) [\(item.error_class ?? "")]")
                }
            }
        }
        print("accepted \(accepted), refused \(refused)")
        #expect(accepted.right == accepted.all)
        #expect(refused.right * 100 >= refused.all * 95)
    }

    private func json(_ node: YAMLNode) -> String {
        switch node.value {
        case .null: "null"
        case .bool(let flag): "\(flag)"
        case .int(let number): "\(number)"
        case .float(let number): "{\"#float\": \(quoted(number.isFinite ? "\(number)" : node.goText))}"
        case .string(let text): quoted(text)
        case .timestamp(let text): "{\"#timestamp\": \(quoted(text))}"
        case .sequence(let elements): "[" + elements.map(json).joined(separator: ",") + "]"
        case .mapping(let mapping):
            "{" + mapping.entries.map { "\(quoted($0.key)):\(json($0.value))" }.joined(separator: ",") + "}"
        }
    }

    private func quoted(_ text: String) -> String {
        let data = (try? JSONEncoder().encode([text])) ?? Data()
        return String(String(decoding: data, as: UTF8.self).dropFirst().dropLast())
    }
}
