import Reconcile

/// The address of a repository as people write it: `git@host:path`, `ssh://`, `https://`, `http://`, `file://` or an
/// absolute path.
///
/// Nothing in it can be taken for an option by a program it is handed to: host, user and path never begin with `-`.
package struct GitRemoteURL: Sendable, Hashable, CustomStringConvertible {
    package enum Transport: String, Sendable { case ssh, http, https, file }

    package let transport: Transport
    /// Without brackets; empty for `file`.
    package let host: String
    package let port: Int?
    package let user: String?
    /// For ssh what the remote shell gets (relative to the home when written `host:path`); otherwise with its leading `/`.
    package let path: String
    /// The address as it was written; may hold a password, so it is never shown.
    let text: String
    /// From the userinfo of an http or https address.
    let password: String?

    /// Reads an address; refuses with a `GitError` of reason `invalidConfiguration`.
    package init(_ text: String) throws {
        try self.init(parsing: text)
        for (name, value) in [("host", host), ("user", user ?? ""), ("path", path)] where value.hasPrefix("-") {
            throw Self.refusal(text, "its \(name) begins with \"-\"")
        }
        if transport != .file, host.isEmpty { throw Self.refusal(text, "it names no host") }
        if path.isEmpty || (path == "/" && transport != .file) { throw Self.refusal(text, "it names no repository") }
        for value in [host, user ?? "", path, password ?? ""]
        where value.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7f }) {
            throw Self.refusal(text, "it holds control characters")
        }
        if host.contains(where: { $0.isWhitespace || "/@\\'\"".contains($0) }) {
            throw Self.refusal(text, "its host is not a host name")
        }
        if transport == .http || transport == .https, path.contains(where: { "?#".contains($0) }) {
            throw Self.refusal(text, "it has a query: a token belongs in git.password, which is never shown")
        }
    }

    /// Whether what is sent can be read, and changed, on the way: `http://` to anything but this machine.
    package var isPlainText: Bool {
        guard transport == .http else { return false }
        let name = host.lowercased()
        let isLoopback =
            name == "localhost" || name.hasSuffix(".localhost") || name == "::1"
            || name.hasPrefix("127.") && name.split(separator: ".").count == 4
                && name.allSatisfy { $0.isNumber || $0 == "." }
        return !isLoopback
    }

    /// Refuses an address whose traffic others can read and change, unless the access allows that.
    package func checkPrivacy(_ access: GitAccess) throws {
        guard isPlainText, !access.allowsInsecureHTTP else { return }
        throw GitError(
            .invalidConfiguration,
            "\(self) is not encrypted: whoever is on the way can read what is sent, passwords included, and change what is "
                + "deployed",
            advice: "Use https:// or ssh://; or allow it with `git: {insecure_http: true}`.")
    }

    private init(
        _ transport: Transport, _ authority: Authority, path: String, text: String
    ) {
        self.transport = transport
        self.host = authority.host
        self.port = authority.port
        self.user = authority.user
        self.password = authority.password
        self.path = path
        self.text = text
    }

    private init(parsing text: String) throws {
        if text.hasPrefix("/") {
            self.init(.file, Authority(), path: text, text: text)
        } else if let mark = text.firstRange(of: "://") {
            try self.init(scheme: text[..<mark.lowerBound].lowercased(), rest: text[mark.upperBound...], text: text)
        } else {
            try self.init(scpStyle: text)
        }
    }

    private init(scheme: String, rest: Substring, text: String) throws {
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        guard let authority = Authority(rest[..<slash]) else { throw Self.refusal(text, "its port is not a number") }
        guard let path = String(rest[slash...]).percentDecoded else {
            throw Self.refusal(text, "its path is badly encoded")
        }
        switch scheme {
        case "ssh", "git+ssh", "ssh+git":
            self.init(.ssh, authority, path: path.hasPrefix("/~") ? String(path.dropFirst()) : path, text: text)
        case "http": self.init(.http, authority, path: String(rest[slash...]), text: text)
        case "https": self.init(.https, authority, path: String(rest[slash...]), text: text)
        case "file":
            guard ["", "localhost"].contains(authority.host), authority.user == nil else {
                throw Self.refusal(text, "a file:// address names a path on this machine: file:///path")
            }
            self.init(.file, Authority(), path: path, text: text)
        default: throw Self.refusal(text, "\"\(scheme)\" is not supported; ssh, https, http and file are")
        }
    }

    /// `[user@]host:path`, also with the host in brackets.
    private init(scpStyle text: String) throws {
        let head = text.prefix { $0 != ":" }
        if ["http", "https", "ssh", "file", "git"].contains(head.lowercased()),
            text.dropFirst(head.count).hasPrefix(":/")
        {
            throw Self.refusal(text, "a scheme ends with ://")
        }
        // git would take `user` for the host, and show the password as a part of the path.
        let start = text.prefix { $0 != "/" }
        if let colon = start.firstIndex(of: ":"), let at = start.lastIndex(of: "@"), colon < at,
            !start.hasPrefix("["), !start[..<colon].contains("@")
        {
            throw Self.refusal(text, "ssh takes no password from an address")
        }
        var rest = text[...]
        var authority = Authority()
        if let at = rest.prefix(while: { $0 != "/" && $0 != "[" && $0 != ":" }).lastIndex(of: "@") {
            authority.user = String(rest[..<at])
            rest = rest[rest.index(after: at)...]
        }
        let colon: Substring.Index?
        if rest.hasPrefix("["), let close = rest.firstIndex(of: "]") {
            let inner = rest[rest.index(after: rest.startIndex)..<close]
            let portMark = inner.count(where: { $0 == ":" }) == 1 ? inner.firstIndex(of: ":") : nil
            authority.host = String(portMark.map { inner[..<$0] } ?? inner)
            authority.port = portMark.flatMap { Int(inner[inner.index(after: $0)...]) }
            colon = rest[close...].dropFirst().first == ":" ? rest.index(after: close) : nil
        } else {
            colon = rest.firstIndex(of: ":")
            authority.host = String(rest[..<(colon ?? rest.startIndex)])
        }
        guard let colon, !authority.host.contains("/") else {
            throw Self.refusal(text, "it is neither a URL, nor host:path, nor an absolute path")
        }
        self.init(.ssh, authority, path: String(rest[rest.index(after: colon)...]), text: text)
    }

    /// Of an address that cannot be read, nothing before its last `@` and nothing after a `?` is shown: what there is may be
    /// a password.
    private static func refusal(_ text: String, _ why: String) -> GitError {
        let scheme = text.firstRange(of: "://").map { text[..<$0.upperBound] } ?? ""
        var rest = text.dropFirst(scheme.count)
        if let at = rest.lastIndex(of: "@") { rest = rest[rest.index(after: at)...] }
        if let query = rest.firstIndex(where: { "?#".contains($0) }) { rest = rest[..<query] + "?…" }
        return GitError(
            .invalidConfiguration, "the repository address \"\(scheme)\(rest)\" cannot be used: \(why)",
            advice: "Write it as git@host:path, ssh://host/path, https://host/path or file:///path.")
    }

    /// The address without userinfo, for messages and records.
    package var description: String {
        let authority = (host.contains(":") ? "[\(host)]" : host) + (port.map { ":\($0)" } ?? "")
        switch transport {
        case .file: return "file://" + path
        case .ssh where path.hasPrefix("/"): return "ssh://" + authority + path
        case .ssh where path.hasPrefix("~"): return "ssh://" + authority + "/" + path
        case .ssh: return port == nil && !host.contains(":") ? "\(host):\(path)" : "[\(authority)]:\(path)"
        case .http, .https: return "\(transport)://" + authority + path
        }
    }

    /// A name for the repository's cache: readable, safe as a file name, and different for different repositories.
    package var cacheName: String {
        let readable = description.split(separator: "://").last.map(String.init) ?? ""
        let safe = readable.unicodeScalars.map { scalar -> Character in
            let isSafe = scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
            return isSafe || scalar == "." ? Character(scalar) : "-"
        }
        // FNV-1a, so that the name is the same in every process and version.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in "\(user ?? "")@\(description)".utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let digits = String(hash, radix: 16)
        let trimmed = String(String(safe).suffix(60).drop { $0 == "-" || $0 == "." })
        return "\(trimmed)-\(String(repeating: "0", count: 16 - digits.count))\(digits)"
    }
}

private struct Authority {
    var host = ""
    var port: Int?
    var user: String?
    var password: String?

    init() {}

    /// `[user[:password]@]host[:port]`; nil when the port is no port or something is badly encoded.
    init?(_ text: Substring) {
        var rest = text
        if let at = rest.lastIndex(of: "@") {
            let parts = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard let user = String(parts[0]).percentDecoded else { return nil }
            self.user = user.isEmpty ? nil : user
            if parts.count > 1 {
                guard let password = String(parts[1]).percentDecoded else { return nil }
                self.password = password
            }
            rest = rest[rest.index(after: at)...]
        }
        if rest.hasPrefix("["), let close = rest.firstIndex(of: "]") {
            host = String(rest[..<close].dropFirst())
            rest = rest[close...].dropFirst()
        } else {
            host = String(rest.prefix { $0 != ":" })
            rest = rest.dropFirst(host.count)
        }
        guard let decoded = host.percentDecoded else { return nil }
        host = decoded
        if rest.isEmpty || rest == ":" { return }
        guard rest.hasPrefix(":"), let port = Int(rest.dropFirst()), (1...65535).contains(port) else { return nil }
        self.port = port
    }
}

extension String {
    /// The text with `%XX` decoded; nil when that is not UTF-8 or not well-formed.
    fileprivate var percentDecoded: String? {
        guard contains("%") else { return self }
        var bytes: [UInt8] = []
        var rest = utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let digits = String(rest.prefix(2)), digits.utf8.count == 2, let value = UInt8(digits, radix: 16)
            else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
