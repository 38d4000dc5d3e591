import Foundation

@testable import Compose

/// One case of the corpus of Compose files with docker compose's answers, laid out where the answers were made.
struct CorpusCase {
    /// What the corpus says about a case; see its README.
    struct Description: Decodable {
        var id: String
        var files: [String]
        var project_directory: String
        var exit: Int
        var exit_all_profiles: Int?
        var error_class: String?
    }

    static let root = URL(filePath: "/tmp/watcher-corpus")
    static var home: URL { root.appending(path: ".home") }

    var source: URL
    var description: Description

    init(source: URL) throws {
        self.source = source
        let data = try Data(contentsOf: source.appending(path: "case.json"))
        description = try JSONDecoder().decode(Description.self, from: data)
    }

    /// Every case below `corpus/given`, sorted by id.
    static func all(in corpus: String) throws -> [CorpusCase] {
        let given = URL(filePath: corpus).appending(path: "given")
        let names = try FileManager.default.contentsOfDirectory(atPath: given.path).sorted()
        try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true)
        return try names.map { try CorpusCase(source: given.appending(path: $0)) }
    }

    var directory: URL { Self.root.appending(path: description.id) }

    var projectDirectory: String {
        CleanPath.absolute(description.project_directory, in: directory.path)
    }

    var files: [String] { description.files.map { directory.appending(path: $0).path } }

    /// Copies the case's files to where its hashes hold.
    func layOut() throws {
        try? FileManager.default.removeItem(at: directory)
        try FileManager.default.copyItem(at: source.appending(path: "files"), to: directory)
        try FileManager.default.createDirectory(atPath: projectDirectory, withIntermediateDirectories: true)
    }

    /// An expected answer with the real paths in place of its tokens; nil when the case has none of that name.
    func expected(_ name: String) throws -> String? {
        let url = source.appending(path: name)
        guard FileManager.default.fileExists(atPath: url.path) else { return nil }
        return try String(contentsOf: url, encoding: .utf8)
            .replacingOccurrences(of: "@CASE@", with: directory.path)
            .replacingOccurrences(of: "@HOME@", with: Self.home.path)
            .replacingOccurrences(of: "@WORK@", with: Self.root.path)
    }

    /// The expected hash by service.
    func expectedHashes() throws -> [String: String]? {
        guard let text = try expected("expected.hash") else { return nil }
        let pairs = text.split(separator: "\n").compactMap { line -> (String, String)? in
            let words = line.split(separator: " ")
            return words.count == 2 ? (String(words[0]), String(words[1])) : nil
        }
        return Dictionary(pairs) { $1 }
    }
}

extension CorpusCase {
    /// What docker compose was asked: with no environment but `PATH` and `HOME`.
    func request(profiles: [String]) -> ProjectLoader.Request {
        var request = ProjectLoader.Request(workingDirectory: projectDirectory)
        request.files = files
        request.projectDirectory = projectDirectory
        request.profiles = profiles
        request.home = Self.home.path
        request.environment = ["HOME": Self.home.path, "PATH": "/usr/bin:/bin"]
        return request
    }
}
