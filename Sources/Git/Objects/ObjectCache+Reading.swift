internal import CLibGit2
import Reconcile

/// Objects as they are, without libgit2's own idea of what is in them: their size is asked before they are read.
extension ObjectCache {
    enum ObjectType: Sendable { case commit, tree, blob, other }

    /// Throws when the references cannot be listed.
    func readReferences() throws {
        try withRepository { repository in
            var names = git_strarray()
            try LibGit2.check(git_reference_list(&names, repository))
            git_strarray_dispose(&names)
        }
    }

    /// Type and size of an object; reads a few bytes of it. Throws a not-found `LibGit2.Failure` when there is none.
    func header(of id: ObjectID) throws -> (type: ObjectType, size: Int) {
        guard var raw = id.raw else { throw GitError(.unexpected, "\"\(id)\" is not an object id") }
        return try withRepository { try Self.header(&raw, in: $0) }
    }

    static func header(_ id: inout git_oid, in repository: OpaquePointer) throws -> (type: ObjectType, size: Int) {
        try withDatabase(of: repository) { database in
            var size = 0
            var type = GIT_OBJECT_ANY
            try LibGit2.check(git_odb_read_header(&size, &type, database, &id))
            return (ObjectType(type), size)
        }
    }

    /// Calls `body` with the bytes of an object, which are in memory for that long.
    func withObject<R>(_ id: ObjectID, _ body: (UnsafeRawBufferPointer) throws -> sending R) throws -> sending R {
        guard var raw = id.raw else { throw GitError(.unexpected, "\"\(id)\" is not an object id") }
        return try withRepository { repository in
            var object: OpaquePointer?
            defer { git_odb_object_free(object) }
            try Self.withDatabase(of: repository) { _ = try LibGit2.check(git_odb_read(&object, $0, &raw)) }
            return try body(
                UnsafeRawBufferPointer(start: git_odb_object_data(object), count: git_odb_object_size(object)))
        }
    }

    static func withDatabase<R>(of repository: OpaquePointer, _ body: (OpaquePointer?) throws -> R) throws -> R {
        var database: OpaquePointer?
        defer { git_odb_free(database) }
        try LibGit2.check(git_repository_odb(&database, repository))
        return try body(database)
    }

    /// Throws for a commit object that is too large to be read.
    static func checkSize(ofCommit id: inout git_oid, in repository: OpaquePointer) throws {
        let (type, size) = try header(&id, in: repository)
        let limit = RepositoryLimits.standard.commitBytes
        guard type != .commit || size <= limit else {
            throw GitError.exceeds(
                "the commit object \(ObjectID(id).hex.prefix(10)) holds \(size.bytesText), and at most "
                    + "\(limit.bytesText) are read", "Write a shorter message.")
        }
    }
}

extension ObjectCache.ObjectType {
    init(_ type: git_object_t) {
        switch type {
        case GIT_OBJECT_COMMIT: self = .commit
        case GIT_OBJECT_TREE: self = .tree
        case GIT_OBJECT_BLOB: self = .blob
        default: self = .other
        }
    }
}
