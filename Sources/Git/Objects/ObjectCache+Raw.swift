internal import CLibGit2
import Reconcile

extension ObjectCache {
    /// Whether an object of any kind is here.
    func contains(_ id: ObjectID) throws -> Bool {
        guard var raw = id.raw else { return false }
        return try withRepository { repository in
            var store: OpaquePointer?
            defer { git_odb_free(store) }
            try LibGit2.check(git_repository_odb(&store, repository))
            return git_odb_exists(store, &raw) == 1
        }
    }

    /// The bytes of an object, as its id was made from them; nil when it is not here, is of another kind, or is larger.
    func bytes(of id: ObjectID, isTag: Bool, atMost size: Int) throws -> [UInt8]? {
        guard var raw = id.raw else { return nil }
        return try withRepository { repository -> [UInt8]? in
            var store: OpaquePointer?
            defer { git_odb_free(store) }
            try LibGit2.check(git_repository_odb(&store, repository))
            var length = 0
            var kind = GIT_OBJECT_INVALID
            let code = git_odb_read_header(&length, &kind, store, &raw)
            if code == GIT_ENOTFOUND.rawValue { return nil }
            try LibGit2.check(code)
            guard kind == (isTag ? GIT_OBJECT_TAG : GIT_OBJECT_COMMIT), length <= size else { return nil }
            var object: OpaquePointer?
            defer { git_odb_object_free(object) }
            try LibGit2.check(git_odb_read(&object, store, &raw))
            guard let data = git_odb_object_data(object) else { return nil }
            return Array(UnsafeRawBufferPointer(start: data, count: git_odb_object_size(object)))
        }
    }
}
