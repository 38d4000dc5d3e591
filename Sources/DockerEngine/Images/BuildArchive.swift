import Compose
import NIOCore

/// A build's context as a tar archive that is made while it is sent: one file at a time is in memory.
struct BuildArchive: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    /// The most bytes of one element.
    private static let piece = 256 << 10

    let context: BuildContext
    /// Seconds since 1970, of every entry.
    let modified: Int
    /// Called for each element.
    var progress: @Sendable () -> Void = {}
    /// Called when a file cannot be read.
    var failed: @Sendable (any Error) -> Void = { _ in }

    func makeAsyncIterator() -> Iterator { Iterator(archive: self) }

    struct Iterator: AsyncIteratorProtocol {
        private let archive: BuildArchive
        private var next = 0
        private var isEnded = false
        private var waiting: ArraySlice<UInt8> = []

        fileprivate init(archive: BuildArchive) { self.archive = archive }

        mutating func next() async throws -> ByteBuffer? {
            try Task.checkCancellation()
            archive.progress()
            do {
                if waiting.isEmpty { waiting = try more()[...] }
            } catch {
                archive.failed(error)
                throw error
            }
            guard !waiting.isEmpty else { return nil }
            defer { waiting = waiting.dropFirst(BuildArchive.piece) }
            return ByteBuffer(bytes: waiting.prefix(BuildArchive.piece))
        }

        /// The next entries, small ones together; nothing at the end.
        private mutating func more() throws -> [UInt8] {
            var bytes: [UInt8] = []
            while bytes.count < BuildArchive.piece, next < archive.context.items.count {
                bytes += try archive.bytes(of: archive.context.items[next])
                next += 1
            }
            if bytes.isEmpty, !isEnded {
                isEnded = true
                return TarArchive.end
            }
            return bytes
        }
    }

    private func bytes(of item: BuildContext.Item) throws -> [UInt8] {
        var entry = TarArchive.Entry(path: item.path, mode: 0o644, modified: modified)
        var content: [UInt8] = []
        switch item.kind {
        case .directory: (entry.kind, entry.mode, entry.path) = (.directory, 0o755, item.path + "/")
        case .link: (entry.kind, entry.mode) = (.link(String(decoding: try item.content(), as: UTF8.self)), 0o777)
        case .executable: (entry.mode, content) = (0o755, try item.content())
        case .file, .submodule: content = try item.content()
        }
        return try TarArchive.start(of: entry, size: content.count) + content + TarArchive.padding(content.count)
    }
}
