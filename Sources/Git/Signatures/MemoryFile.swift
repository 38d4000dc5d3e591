internal import CLibGit2
import Glibc

/// A file without a name, in memory: what a program reads or writes by its descriptor, and nobody else can.
final class MemoryFile: Sendable {
    let descriptor: Int32

    init(_ bytes: [UInt8] = []) throws {
        descriptor = clibgit2_memory_file("watcher")
        guard descriptor >= 0 else { throw GitError.system("make a file in memory", errno) }
        var offset = 0
        while offset < bytes.count {
            // Not `write`: a program that gets the descriptor begins to read at its start.
            let written = bytes.withUnsafeBytes {
                pwrite(descriptor, $0.baseAddress?.advanced(by: offset), bytes.count - offset, off_t(offset))
            }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw GitError.system("write a file in memory", errno) }
            offset += written
        }
    }

    deinit { close(descriptor) }

    /// What was written to it, as text, at most so many bytes.
    func text(atMost count: Int) -> String {
        var buffer = [UInt8](repeating: 0, count: count)
        let got = pread(descriptor, &buffer, count, 0)
        return String(decoding: buffer.prefix(max(0, got)), as: UTF8.self)
    }
}
