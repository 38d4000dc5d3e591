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
        let component = /[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*/
        let parts = repository.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.allSatisfy({ $0.wholeMatch(of: component) != nil }) else { return false }
        if let tag, tag.wholeMatch(of: /[A-Za-z0-9_][A-Za-z0-9_.\-]{0,127}/) == nil { return false }
        if let digest, digest.wholeMatch(of: /[A-Za-z][A-Za-z0-9+._\-]*:[0-9a-fA-F]{32,}/) == nil { return false }
        return registry.wholeMatch(of: /(?:[A-Za-z0-9.\-]+|\[[0-9a-fA-F:]+\])(?::[0-9]+)?/) != nil
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
