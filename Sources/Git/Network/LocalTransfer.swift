internal import CLibGit2
import Reconcile

/// Copies what a cache lacks from a repository on this machine.
///
/// libgit2's own transport for that reads a directory as often as paths lead to it and refuses to copy what it cannot
/// parse. This one looks at each object once and copies what is there: `CommitTree` judges it, as what comes over a
/// network.
struct LocalTransfer {
    /// Bytes from which on a file is not held in memory if that can be.
    private static let large = 32 << 20

    private let source: ObjectCache
    private let target: ObjectCache
    private let limits: RepositoryLimits
    private var seen: Set<ObjectID> = []
    private var waiting: [ObjectID] = []

    init(from source: ObjectCache, to target: ObjectCache, _ limits: RepositoryLimits) {
        self.source = source
        self.target = target
        self.limits = limits
    }

    /// Writes one pack with everything that the objects lead to and the target lacks; nothing when it lacks nothing.
    mutating func copy(_ objects: [ObjectID]) throws {
        for object in objects { try meet(object) }
        try source.withRepository { repository in
            var builder: OpaquePointer?
            defer { git_packbuilder_free(builder) }
            try LibGit2.check(git_packbuilder_new(&builder, repository))
            while let next = waiting.popLast() { try visit(next, repository, builder) }
            guard git_packbuilder_object_count(builder) > 0 else { return }
            try LibGit2.check(git_packbuilder_write(builder, "\(target.path)/objects/pack", 0o600, nil, nil))
        }
    }

    private mutating func meet(_ id: ObjectID) throws {
        guard !seen.contains(id), var raw = id.raw else { return }
        guard seen.count < limits.transferObjects else {
            throw GitError.exceedsTransfer("\(source.path) holds more than \(limits.transferObjects) objects")
        }
        seen.insert(id)
        let isKnown = try target.withRepository { repository in
            try ObjectCache.withDatabase(of: repository) {
                git_odb_exists_ext($0, &raw, UInt32(GIT_ODB_LOOKUP_NO_REFRESH.rawValue)) == 1
            }
        }
        if !isKnown { waiting.append(id) }
    }

    private mutating func visit(_ id: ObjectID, _ repository: OpaquePointer, _ builder: OpaquePointer?) throws {
        guard var raw = id.raw else { return }
        let (type, size) = try ObjectCache.header(&raw, in: repository)
        if type == .blob, size > Self.large, try stream(raw, repository) { return }
        try LibGit2.check(git_packbuilder_insert(builder, &raw, nil))
        guard type != .blob else { return }
        let limit = type == .tree ? limits.treeBytes : limits.commitBytes
        guard size <= limit else {
            throw GitError.exceeds(
                "the object \(id) holds \(size.bytesText), and at most \(limit.bytesText) are read", "")
        }
        var object: OpaquePointer?
        defer { git_odb_object_free(object) }
        try ObjectCache.withDatabase(of: repository) { _ = try LibGit2.check(git_odb_read(&object, $0, &raw)) }
        let bytes = UnsafeRawBufferPointer(start: git_odb_object_data(object), count: git_odb_object_size(object))
        if type == .tree {
            for entry in TreeObject.all(in: bytes) where entry.mode != CommitTree.Entry.Kind.submodule.mode {
                try meet(entry.id)
            }
        } else {
            for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
            {
                let words = line.split(separator: " ")
                guard words.count == 2, ["tree", "parent", "object"].contains(words[0]) else { break }
                try meet(ObjectID(hex: String(words[1])))
            }
        }
    }

    /// Copies a blob piece by piece; false when it is in a pack, out of which libgit2 cannot read so.
    private func stream(_ id: git_oid, _ repository: OpaquePointer) throws -> Bool {
        var id = id
        var input: UnsafeMutablePointer<git_odb_stream>?
        defer { git_odb_stream_free(input) }
        var size = 0
        var type = GIT_OBJECT_ANY
        let code = try ObjectCache.withDatabase(of: repository) { git_odb_open_rstream(&input, &size, &type, $0, &id) }
        guard code == 0 else { return false }
        return try target.withRepository { repository in
            var output: UnsafeMutablePointer<git_odb_stream>?
            defer { git_odb_stream_free(output) }
            try ObjectCache.withDatabase(of: repository) {
                _ = try LibGit2.check(git_odb_open_wstream(&output, $0, git_object_size_t(size), GIT_OBJECT_BLOB))
            }
            var buffer = [CChar](repeating: 0, count: 1 << 20)
            while case let count = try LibGit2.check(git_odb_stream_read(input, &buffer, buffer.count)), count > 0 {
                try LibGit2.check(git_odb_stream_write(output, buffer, Int(count)))
            }
            var written = git_oid()
            try LibGit2.check(git_odb_stream_finalize_write(&written, output))
            return git_oid_equal(&written, &id) == 1
        }
    }
}
