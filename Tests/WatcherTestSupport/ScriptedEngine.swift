import FoundationEssentials
import Glibc
import Synchronization

/// A socket that answers requests as it is told: whole, in part, or never. It never hangs up by itself.
package final class ScriptedEngine: Sendable {
    /// `unix://…`
    package var host: String { "unix://\(path)" }

    private let path: String
    private let listener: Int32
    private let answers: @Sendable (String) -> String?
    private let state = Mutex<(requests: [String], connections: Set<Int32>)>(([], []))

    /// The request lines so far, without the protocol: `GET /_ping`.
    package var requests: [String] { state.withLock { $0.requests } }

    /// - Parameter answers: from the request line to the bytes of the answer; nil is silence.
    package init(_ answers: @escaping @Sendable (String) -> String?) throws {
        self.answers = answers
        path = "/tmp/watcher-scripted-\(UInt64.random(in: .min ... .max)).sock"
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafeBytes(of: &address) { bytes in
            bind(listener, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
        }
        guard bound == 0, listen(listener, 64) == 0 else {
            throw TestEnvironment.Missing(description: "\(path): \(String(cString: strerror(errno)))")
        }
        Self.onThread { [self] in
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else {
                    close(listener)
                    return
                }
                state.withLock { _ = $0.connections.insert(connection) }
                Self.onThread { self.serve(connection) }
            }
        }
    }

    /// Hangs up, and removes the socket.
    package func end() {
        // Who reads from a socket closes it: a number that was closed by others may be somebody else's by now.
        shutdown(listener, Int32(SHUT_RDWR))
        state.withLock { state in
            for connection in state.connections { shutdown(connection, Int32(SHUT_RDWR)) }
        }
        unlink(path)
    }

    /// A whole answer.
    package static func answer(_ body: String, status: String = "200 OK", headers: [String] = []) -> String {
        (["HTTP/1.1 \(status)", "Content-Type: application/json", "Content-Length: \(body.utf8.count)"] + headers)
            .joined(separator: "\r\n") + "\r\n\r\n\(body)"
    }

    /// An answer that stops in the middle of its body.
    package static func partOfAnswer(_ body: String) -> String {
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
            + String(body.utf8.count, radix: 16) + "\r\n\(body)\r\n"
    }

    private func serve(_ connection: Int32) {
        var bytes: [UInt8] = []
        while let request = next(connection, &bytes) {
            state.withLock { $0.requests.append(request) }
            guard let answer = answers(request) else { continue }
            let sent = Array(answer.utf8)
            guard send(connection, sent, sent.count, Int32(MSG_NOSIGNAL)) == sent.count else { break }
        }
        state.withLock { state in
            state.connections.remove(connection)
            close(connection)
        }
    }

    /// The next request's line; its head and body are read away. Nil when the other side hung up.
    private func next(_ connection: Int32, _ bytes: inout [UInt8]) -> String? {
        func more() -> Bool {
            var buffer = [UInt8](repeating: 0, count: 4096)
            let got = read(connection, &buffer, buffer.count)
            if got > 0 { bytes += buffer.prefix(got) }
            return got > 0
        }
        while true {
            let text = String(decoding: bytes, as: UTF8.self)
            if let end = text.firstRange(of: "\r\n\r\n") {
                let head = text[..<end.lowerBound].split(separator: "\r\n")
                let length =
                    head.first { $0.lowercased().hasPrefix("content-length:") }
                    .flatMap { Int($0.split(separator: ":")[1].filter(\.isNumber)) } ?? 0
                let whole = text[..<end.upperBound].utf8.count + length
                while bytes.count < whole { guard more() else { return nil } }
                bytes.removeFirst(whole)
                return head[0].split(separator: " ").prefix(2).joined(separator: " ")
            }
            guard more() else { return nil }
        }
    }

    private static func onThread(_ body: @escaping @Sendable () -> Void) {
        final class Box: Sendable {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { pointer in
                guard let pointer else { return nil }
                Unmanaged<Box>.fromOpaque(pointer).takeRetainedValue().body()
                return nil
            }, Unmanaged.passRetained(Box(body)).toOpaque())
        pthread_detach(thread)
    }
}
