import Foundation
import Store
import Testing

/// A directory of its own for one test, removed with the value.
final class TestDirectory: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "watcher-store-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var state: String { "\(path)/state" }
    var database: String { "\(state)/watcher.db" }

    func mode(_ path: String) throws -> Int {
        try #require(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }

    /// Runs SQL in the database file with the `sqlite3` program, as a person would, and returns what it printed.
    @discardableResult
    func sqlite3(_ sql: String) throws -> String {
        let result = try Finished.run(["sqlite3", "-bail", database], input: sql)
        try #require(result.status == 0, "sqlite3: \(result.output)")
        return result.output
    }
}

/// A program that ran to its end.
struct Finished {
    var status: Int32
    /// Standard output and error.
    var output: String

    static func run(_ arguments: [String], input: String = "") throws -> Finished {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        let (stdin, stdout) = (Pipe(), Pipe())
        process.standardInput = stdin
        process.standardOutput = stdout
        process.standardError = stdout
        try process.run()
        try stdin.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try stdin.fileHandleForWriting.close()
        let output = try stdout.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return Finished(status: process.terminationStatus, output: String(decoding: output, as: UTF8.self))
    }
}

/// The error that `body` throws, which must be the room's own.
func storeError(_ body: () async throws -> Void) async throws -> StoreError {
    do { try await body() } catch { return try #require(error as? StoreError, "\(error)") }
    throw NothingThrown()
}

struct NothingThrown: Error {}

/// A program that holds something until its standard input is closed.
final class HoldingProcess {
    private let process = Process()
    private let stdin = Pipe()

    /// Returns when the program has printed `says`.
    init(_ arguments: [String], input: String = "", says: String) throws {
        let stdout = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.standardInput = stdin
        process.standardOutput = stdout
        try process.run()
        try stdin.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        var output = ""
        while !output.contains(says) {
            let data = stdout.fileHandleForReading.availableData
            try #require(!data.isEmpty, "\(arguments) ended: \(output)")
            output += String(decoding: data, as: UTF8.self)
        }
    }

    deinit { end() }

    func end() {
        try? stdin.fileHandleForWriting.close()
        process.waitUntilExit()
    }
}
