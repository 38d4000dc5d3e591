internal import CLibGit2
import Glibc
import Reconcile
import Synchronization

/// Where libgit2 may connect to for one remote over http or https: every connection of its passes through here, those of
/// TLS and those that a redirect asks for.
///
/// libgit2 takes a redirect to another port of the same host, or from https to http, for the same server, and sends the
/// credentials along. It connects through a stream of ours instead, which knows what the remote allows.
final class WebConnections: Sendable {
    private let url: GitRemoteURL
    /// Nothing goes anywhere but to the address of the configuration.
    private let hasCredentials: Bool
    private let allowsPlainText: Bool
    private let state = Mutex<GitError?>(nil)

    /// Why a connection was refused.
    var refusal: GitError? { state.withLock { $0 } }

    init(to url: GitRemoteURL, hasCredentials: Bool, allowsPlainText: Bool) {
        self.url = url
        self.hasCredentials = hasCredentials
        self.allowsPlainText = allowsPlainText
    }

    /// libgit2's streams know nothing of their remote, but a remote is used by one thread at a time.
    private static let byThread = Mutex<[pthread_t: WebConnections]>([:])

    /// libgit2 connects for this remote, on this thread, while `body` runs.
    func during<R>(_ body: () throws -> R) throws -> R {
        try LibGit2.check(Self.registered)
        let thread = pthread_self()
        Self.byThread.withLock { $0[thread] = self }
        defer { Self.byThread.withLock { $0[thread] = nil } }
        return try body()
    }

    private static let registered: Int32 = {
        var registration = git_stream_registration()
        registration.version = GIT_STREAM_VERSION
        registration.`init` = { out, host, port in
            guard let out, let host, let port else { return -1 }
            return PlainStream.make(
                out, String(cString: host), String(cString: port),
                WebConnections.byThread.withLock { $0[pthread_self()] })
        }
        return git_stream_register(GIT_STREAM_STANDARD, &registration)
    }()

    fileprivate func refuse(_ where_: String) -> Int32 {
        let error = GitError(
            .invalidConfiguration,
            "\(url) sends us elsewhere: to \(where_)\(hasCredentials ? ", and credentials are never sent there" : "")",
            advice: "Put the repository's present address in the configuration.")
        state.withLock { $0 = $0 ?? error }
        _ = git_error_set_str(Int32(GIT_ERROR_HTTP.rawValue), error.message)
        return -1
    }

    private var port: String { String(url.port ?? (url.transport == .https ? 443 : 80)) }

    /// Where a request leads that the remote does not allow; nil for one that it does.
    ///
    /// - Parameters:
    ///   - bytes: the beginning of the request, or of TLS.
    ///   - host: what is connected with: the remote itself, or a proxy.
    fileprivate func problem(of bytes: UnsafeRawBufferPointer, to host: String, _ port: String) -> String? {
        // A record of TLS: libgit2 has verified, or will, whom it speaks with.
        let isTLS = bytes.first == 0x16
        let isDirect = host.lowercased() == url.host.lowercased() && port == self.port
        if isTLS { return isDirect || !hasCredentials ? nil : "https://\(host):\(port)" }
        let line = String(decoding: bytes.prefix(4096), as: UTF8.self).prefix { !$0.isNewline }
        let words = line.split(separator: " ")
        guard words.count >= 2 else { return "\(host):\(port)" }
        if words[0] == "CONNECT" {
            let isOurs =
                words[1].lowercased()
                == "\(url.host.contains(":") ? "[\(url.host)]" : url.host):\(self.port)".lowercased()
            return isOurs || !hasCredentials ? nil : "https://\(words[1])"
        }
        // A proxy is asked for whole addresses.
        let target = words[1].hasPrefix("http://") ? try? GitRemoteURL(String(words[1].prefix { $0 != "?" })) : nil
        let (targetHost, targetPort) = target.map { ($0.host, String($0.port ?? 80)) } ?? (host, port)
        let isOurs = targetHost.lowercased() == url.host.lowercased() && targetPort == self.port
        if url.transport == .http, isOurs { return nil }
        if url.transport == .https, !allowsPlainText {
            return "http://\(targetHost):\(targetPort), which is not encrypted"
        }
        return hasCredentials ? "http://\(targetHost):\(targetPort)" : nil
    }
}

/// A TCP connection for libgit2, in libgit2's own shape.
private struct PlainStream {
    var base: git_stream
    var socket: Int32
    /// What is sent from here on is TLS.
    var isOpaque: Bool
    var target: Unmanaged<Target>

    final class Target {
        let host: String
        let port: String
        let connections: WebConnections?

        init(_ host: String, _ port: String, _ connections: WebConnections?) {
            (self.host, self.port, self.connections) = (host, port, connections)
        }
    }

    static func make(
        _ out: UnsafeMutablePointer<UnsafeMutablePointer<git_stream>?>, _ host: String, _ port: String,
        _ connections: WebConnections?
    ) -> Int32 {
        var base = git_stream()
        base.version = GIT_STREAM_VERSION
        base.connect = { stream in stream.map { PlainStream.connect(PlainStream.value($0)) } ?? -1 }
        base.read = { stream, buffer, count in
            guard let stream else { return -1 }
            return PlainStream.retrying { recv(PlainStream.value(stream).pointee.socket, buffer, count, 0) }
        }
        base.write = { stream, bytes, count, _ in
            guard let stream else { return -1 }
            return PlainStream.write(PlainStream.value(stream), UnsafeRawBufferPointer(start: bytes, count: count))
        }
        base.close = { stream in
            guard let stream else { return 0 }
            let value = PlainStream.value(stream)
            if value.pointee.socket >= 0 { Glibc.close(value.pointee.socket) }
            value.pointee.socket = -1
            return 0
        }
        base.free = { stream in
            guard let stream else { return }
            let value = PlainStream.value(stream)
            if value.pointee.socket >= 0 { Glibc.close(value.pointee.socket) }
            value.pointee.target.release()
            value.deallocate()
        }
        let value = UnsafeMutablePointer<PlainStream>.allocate(capacity: 1)
        value.initialize(
            to: PlainStream(
                base: base, socket: -1, isOpaque: false, target: .passRetained(Target(host, port, connections))))
        out.pointee = UnsafeMutableRawPointer(value).assumingMemoryBound(to: git_stream.self)
        return 0
    }

    static func value(_ stream: UnsafeMutablePointer<git_stream>) -> UnsafeMutablePointer<PlainStream> {
        UnsafeMutableRawPointer(stream).assumingMemoryBound(to: PlainStream.self)
    }

    private static func failed(_ what: String) -> Int32 {
        _ = git_error_set_str(Int32(GIT_ERROR_NET.rawValue), what)
        return -1
    }

    private static func retrying(_ call: () -> Int) -> Int {
        while true {
            let got = call()
            if got >= 0 || errno != EINTR {
                if got < 0 { _ = failed("the connection broke: \(String(cString: strerror(errno)))") }
                return got
            }
        }
    }

    private static func connect(_ value: UnsafeMutablePointer<PlainStream>) -> Int32 {
        let target = value.pointee.target.takeUnretainedValue()
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var addresses: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(target.host, target.port, &hints, &addresses)
        guard code == 0 else {
            return failed("failed to resolve address for \(target.host): \(String(cString: gai_strerror(code)))")
        }
        defer { freeaddrinfo(addresses) }
        var error = errno
        var next = addresses
        while let address = next {
            next = address.pointee.ai_next
            let made = Glibc.socket(
                address.pointee.ai_family, address.pointee.ai_socktype | Int32(SOCK_CLOEXEC.rawValue),
                address.pointee.ai_protocol)
            guard made >= 0 else { continue }
            if Glibc.connect(made, address.pointee.ai_addr, address.pointee.ai_addrlen) == 0 {
                value.pointee.socket = made
                return 0
            }
            error = errno
            Glibc.close(made)
        }
        return failed("failed to connect to \(target.host): \(String(cString: strerror(error)))")
    }

    private static func write(_ value: UnsafeMutablePointer<PlainStream>, _ bytes: UnsafeRawBufferPointer) -> Int {
        let target = value.pointee.target.takeUnretainedValue()
        // Every request is looked at: by way of a proxy, one connection serves several addresses. What comes after the first
        // record of TLS, or in a tunnel, is for one address only.
        if !value.pointee.isOpaque, let connections = target.connections, let kind = RequestKind(bytes) {
            if let place = connections.problem(of: bytes, to: target.host, target.port) {
                return Int(connections.refuse(place))
            }
            value.pointee.isOpaque = kind != .plain
        }
        return retrying { send(value.pointee.socket, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL)) }
    }
}

/// What bytes that are sent begin.
private enum RequestKind {
    case tls, tunnel, plain

    /// Nil for the body of a request.
    init?(_ bytes: UnsafeRawBufferPointer) {
        if bytes.first == 0x16 {
            self = .tls
        } else if bytes.starts(with: "CONNECT ".utf8) {
            self = .tunnel
        } else if ["GET ", "POST ", "HEAD "].contains(where: { bytes.starts(with: $0.utf8) }) {
            self = .plain
        } else {
            return nil
        }
    }
}
