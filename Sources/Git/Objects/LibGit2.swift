internal import CLibGit2
internal import CLibGit2Startup
import Reconcile
import Synchronization

/// libgit2 itself: started on first use, never before, since that costs milliseconds.
enum LibGit2 {
    private static let started: Int32 = {
        let count = git_libgit2_init()
        // Nobody's gitconfig decides what is deployed; and a home directory we may not read is no obstacle.
        for level in [
            GIT_CONFIG_LEVEL_PROGRAMDATA, GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL,
        ] {
            _ = clibgit2_set_search_path(level.rawValue, "")
        }
        // `LocalRepository` looks at the owner, which libgit2 could not be told to trust for one repository only.
        _ = clibgit2_set_int(Int32(GIT_OPT_SET_OWNER_VALIDATION.rawValue), 0)
        // Packs are mapped in small windows, so that a process with an address space limit can read large ones.
        _ = clibgit2_set_size(Int32(GIT_OPT_SET_MWINDOW_SIZE.rawValue), 32 << 20)
        _ = clibgit2_set_size(Int32(GIT_OPT_SET_MWINDOW_MAPPED_LIMIT.rawValue), 512 << 20)
        // What libgit2 keeps of objects it has read: hardly anything is read twice.
        _ = clibgit2_set_size(Int32(GIT_OPT_SET_CACHE_MAX_SIZE.rawValue), 32 << 20)
        return count
    }()

    private static let startedTLS = libgit2_startup_tls()
    /// The file whose certificates were read last. libgit2 frees the earlier ones without asking who uses them.
    private static let certificates = Mutex<String?>(nil)

    /// Starts libgit2 unless it runs already.
    static func start() throws {
        guard started > 0 else { throw GitError(.unexpected, "libgit2 cannot be started") }
    }

    /// Makes https possible, and reads the certificates that its connections are verified with: those of the file, or the
    /// system's.
    static func startTLS(certificates file: String?) throws {
        try start()
        try check(startedTLS)
        guard let file else { return }
        try certificates.withLock { current in
            guard current != file else { return }
            try check(clibgit2_set_certificates(file, nil))
            current = file
        }
    }

    /// Throws what libgit2 says when `code` is negative.
    @discardableResult
    static func check(_ code: Int32) throws -> Int32 {
        guard code < 0 else { return code }
        throw Failure(code: code)
    }

    /// An error of libgit2, in its own words.
    struct Failure: Error {
        var code: Int32
        var kind: Int32
        var text: String

        /// Takes the last error of this thread.
        init(code: Int32) {
            self.code = code
            let last = git_error_last()
            kind = last?.pointee.klass ?? 0
            text = last?.pointee.message.map { String(cString: $0) } ?? "error \(code)"
        }

        var isNotFound: Bool { code == GIT_ENOTFOUND.rawValue }

        /// An object is whole, and is no commit or tag all the same: whoever pushed it made it so.
        var isMalformedObject: Bool {
            ["failed to parse signature", "failed to parse bad commit", "failed to parse tag", "object is no commit"]
                .contains { text.hasPrefix($0) }
        }

        /// It comes from the objects or files of the local repository rather than from the remote.
        var isLocal: Bool {
            [
                GIT_ERROR_ODB, GIT_ERROR_ZLIB, GIT_ERROR_OBJECT, GIT_ERROR_REFERENCE, GIT_ERROR_REPOSITORY,
                GIT_ERROR_CONFIG, GIT_ERROR_TREE, GIT_ERROR_TAG, GIT_ERROR_INDEXER, GIT_ERROR_INVALID,
            ].contains { Int32($0.rawValue) == kind }
        }
    }
}
