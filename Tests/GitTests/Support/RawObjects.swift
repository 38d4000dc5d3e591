import FoundationEssentials
import Reconcile

@testable import Git

/// Objects that the `git` command would not make, written as they are.
struct RawObjects {
    let origin: Origin

    struct Entry {
        var mode: String
        var name: [UInt8]
        var id: String

        init(_ mode: String, _ name: String, _ id: String) { self.init(mode, Array(name.utf8), id) }

        init(_ mode: String, _ name: [UInt8], _ id: String) {
            self.mode = mode
            self.name = name
            self.id = id
        }
    }

    func tree(_ entries: [Entry]) throws -> String {
        var bytes: [UInt8] = []
        for entry in entries {
            bytes += Array("\(entry.mode) ".utf8) + entry.name + [0]
            for index in stride(from: 0, to: 40, by: 2) {
                bytes.append(UInt8(entry.id.dropFirst(index).prefix(2), radix: 16) ?? 0)
            }
        }
        return try write("tree", bytes)
    }

    func blob(_ text: String) throws -> String { try write("blob", Array(text.utf8)) }

    func blob(_ bytes: [UInt8]) throws -> String { try write("blob", bytes) }

    func write(_ type: String, _ bytes: [UInt8]) throws -> String {
        let path = "\(origin.sandbox.path)/object-\(UInt64.random(in: 0 ... .max))"
        try Data(bytes).write(to: URL(filePath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try origin.git("hash-object", "-t", type, "--literally", "-w", path)
    }

    /// Puts a commit of the tree at the tip of the branch of the bare repository; nothing is checked on the way.
    @discardableResult
    func push(_ tree: String, _ message: String = "Evil", parents: [String] = []) throws -> CommitID {
        let commit = try origin.sandbox.run(
            ["git", "commit-tree", tree, "-m", message] + parents.flatMap { ["-p", $0] }, in: origin.tree)
        try origin.sandbox.run("cp", "-r", "\(origin.tree)/.git/objects/.", "\(origin.path)/objects/")
        try origin.sandbox.run("git", "-C", origin.path, "update-ref", "refs/heads/main", commit)
        return CommitID(hex: commit)
    }

    /// Directories in each other, each with so many names for the next: `width` to the power of `depth` paths.
    func bomb(depth: Int, width: Int) throws -> String {
        var tree = try tree([])
        for _ in 0..<depth {
            let names = (0..<width).map { "d\($0)" }.sorted()
            tree = try self.tree(names.map { Entry("40000", $0, tree) })
        }
        return tree
    }
}
