import Reconcile

extension GrantedFile {
    /// The archive with the files that are copied in; nil when there is none.
    static func archive(of files: [GrantedFile], modified: Int) throws(TarArchive.Problem) -> [UInt8]? {
        var archive = TarArchive()
        for file in files {
            guard case .content(let content) = file.source else { continue }
            try archive.add(
                .init(path: file.target, mode: file.mode, uid: file.uid, gid: file.gid, modified: modified),
                content: Array(content.utf8))
        }
        return archive.isEmpty ? nil : archive.finished()
    }
}
