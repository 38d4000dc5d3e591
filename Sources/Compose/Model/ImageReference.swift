import YAML

/// A reference to an image, taken apart and completed as the Docker Engine does.
package struct ImageReference: Sendable, Hashable, CustomStringConvertible {
    /// Host and port of the registry; `docker.io` is Docker Hub.
    package var registry: String
    /// The repository's path at the registry: `library/nginx`.
    package var repository: String
    /// nil only when a digest is given without a tag.
    package var tag: String?
    /// `sha256:…`
    package var digest: String?

    /// nil when the text is no valid reference; a bare image id is none.
    package init?(_ text: String) {
        var rest = text[...]
        if let at = rest.firstIndex(of: "@") {
            digest = String(rest[rest.index(after: at)...])
            rest = rest[..<at]
        }
        let lastSlash = rest.lastIndex(of: "/") ?? rest.startIndex
        if let colon = rest[lastSlash...].firstIndex(of: ":") {
            tag = String(rest[rest.index(after: colon)...])
            rest = rest[..<colon]
        }
        (registry, repository) = Self.divide(rest)
        if tag == nil, digest == nil { tag = "latest" }
        guard isValid else { return nil }
    }

    /// The first part is a registry when it looks like a host; what is left of Docker Hub's is completed.
    private static func divide(_ name: Substring) -> (registry: String, repository: String) {
        var registry = "docker.io"
        var repository = name
        if let slash = name.firstIndex(of: "/") {
            let host = name[..<slash]
            if host == "localhost" || host.contains(where: { $0 == "." || $0 == ":" || $0.isUppercase }) {
                registry = host == "index.docker.io" ? "docker.io" : String(host)
                repository = name[name.index(after: slash)...]
            }
        }
        if registry == "docker.io", !repository.contains("/") { return (registry, "library/" + repository) }
        return (registry, String(repository))
    }

    private var isValid: Bool {
        let parts = repository.split(separator: "/", omittingEmptySubsequences: false)
        return parts.allSatisfy(Self.isPathComponent) && tag.map(Self.isTag) ?? true
            && digest.map(Self.isDigest) ?? true && Self.isRegistry(registry)
    }

    /// Lowercase words and numbers with `.`, `_`, `__` or any number of `-` between them.
    private static func isPathComponent(_ text: Substring) -> Bool {
        func isWord(_ byte: UInt8) -> Bool { byte.isASCIILowercase || byte.isASCIIDigit }
        var scanner = ByteScanner(text)
        while true {
            guard scanner.skipAll(isWord) > 0 else { return false }
            if scanner.isAtEnd { return true }
            if scanner.skip(".") { continue }
            guard scanner.skipAll(limit: 2, { $0 == 0x5F }) > 0 || scanner.skipAll({ $0 == 0x2D }) > 0 else {
                return false
            }
        }
    }

    /// `[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}`
    private static func isTag(_ text: String) -> Bool {
        func isWord(_ byte: UInt8) -> Bool { byte.isASCIILetter || byte.isASCIIDigit || byte == 0x5F }
        var scanner = ByteScanner(text)
        guard scanner.skip(isWord) else { return false }
        _ = scanner.skipAll(limit: 127) { isWord($0) || $0 == 0x2E || $0 == 0x2D }
        return scanner.isAtEnd
    }

    /// `[A-Za-z][A-Za-z0-9+._-]*:[0-9a-fA-F]{32,}`
    private static func isDigest(_ text: String) -> Bool {
        var scanner = ByteScanner(text)
        guard scanner.skip(\.isASCIILetter) else { return false }
        _ = scanner.skipAll { $0.isASCIILetter || $0.isASCIIDigit || [0x2B, 0x2E, 0x5F, 0x2D].contains($0) }
        return scanner.skip(":") && scanner.skipAll(\.isASCIIHexDigit) >= 32 && scanner.isAtEnd
    }

    /// A host name or an IPv6 address in brackets, and perhaps a port.
    private static func isRegistry(_ text: String) -> Bool {
        var scanner = ByteScanner(text)
        if scanner.skip("[") {
            guard scanner.skipAll({ $0.isASCIIHexDigit || $0 == 0x3A }) > 0, scanner.skip("]") else { return false }
        } else {
            let length = scanner.skipAll { $0.isASCIILetter || $0.isASCIIDigit || $0 == 0x2E || $0 == 0x2D }
            if length == 0 { return false }
        }
        if scanner.skip(":"), scanner.skipAll(\.isASCIIDigit) == 0 { return false }
        return scanner.isAtEnd
    }

    /// Whether the image is on Docker Hub.
    package var isOnDockerHub: Bool { registry == "docker.io" }

    /// The reference in full: `docker.io/library/nginx:latest`.
    package var description: String {
        "\(registry)/\(repository)" + (tag.map { ":" + $0 } ?? "") + (digest.map { "@" + $0 } ?? "")
    }

    /// The reference as the engine shows it to people: without what Docker Hub's defaults add.
    package var familiarName: String {
        guard isOnDockerHub else { return description }
        let official = repository.hasPrefix("library/") && repository.split(separator: "/").count == 2
        let name = official ? String(repository.dropFirst("library/".count)) : repository
        return name + (tag.map { ":" + $0 } ?? "") + (digest.map { "@" + $0 } ?? "")
    }
}
