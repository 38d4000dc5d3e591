import Crypto
import Glibc
import Reconcile

/// A repository that a commit names, rather than the configuration: where it is, and with which credentials it may be asked.
///
/// Whoever can push chooses the address, so the project's credentials go to the project's own server only, or to where
/// the configuration says.
struct ModuleRemote: Sendable, Hashable {
    let url: GitRemoteURL
    let access: GitAccess
    /// No key that ssh finds by itself is offered either.
    let isAnonymous: Bool

    /// The project's own repository.
    init(ofProject url: GitRemoteURL, _ access: GitAccess) {
        self.url = url
        self.access = access
        isAnonymous = false
    }

    /// - Parameter project: The project's own repository.
    init(_ url: GitRemoteURL, project: ModuleRemote, settings: ModuleSettings) {
        self.url = url
        let rule = settings.rules.filter { $0.covers(url) }.max { $0.parts.count < $1.parts.count }
        if let rule {
            var access = rule.access
            access.knownHosts = access.knownHosts ?? project.access.knownHosts
            self.access = access
            isAnonymous = false
        } else if url.hasSameOrigin(as: project.url) {
            access = project.access
            isAnonymous = false
        } else {
            var access = project.access
            access.sshKey = nil
            access.username = nil
            access.password = nil
            self.access = access
            isAnonymous = true
        }
    }

    /// The cache of the repository as seen with these credentials: what one project may see is no proof for another. The name
    /// cannot be made to be another's, because a commit chooses the address.
    func cache(in stateDirectory: String) -> CacheDirectory {
        let identity = [url.text, String(describing: access), String(isAnonymous)].joined(separator: "\0")
        let digest = SHA256.hash(data: Array(identity.utf8)).prefix(16).map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        let readable = url.cacheName.split(separator: "-").dropLast().joined(separator: "-").suffix(40)
            .drop { $0 == "." }
        return CacheDirectory(path: "\(stateDirectory)/git/modules/\(readable)-\(digest.joined())")
    }
}

// MARK: - Addresses

extension GitRemoteURL {
    /// Reads the address of a submodule as git does: what begins with `./` or `../` is relative to the repository that names it.
    ///
    /// - Parameters:
    ///   - parent: The repository whose `.gitmodules` it is.
    ///   - project: The project's own repository.
    /// - Throws: `GitError` of reason `invalidProject`.
    init(module text: String, of parent: GitRemoteURL, project: GitRemoteURL, place: String, name: String) throws {
        func refusal(_ why: String) -> GitError { GitModules.refusal(place, name, why) }
        let isRelative = text == "." || text == ".." || text.hasPrefix("./") || text.hasPrefix("../")
        let address = isRelative ? parent.text(appending: text) : text
        // `ext::sh -c …` is how git names a helper program.
        let helper = address?.firstRange(of: "::").flatMap { address?[..<$0.lowerBound] } ?? "["
        guard let address, !helper.utf8.allSatisfy({ Self.isAlphanumeric($0) || $0 == UInt8(ascii: "-") }) else {
            throw refusal("its url \"\(text)\" leads nowhere")
        }
        do { self = try GitRemoteURL(address) } catch let error as GitError {
            throw refusal(error.message)
        }
        switch transport {
        case .ssh, .https: break
        case .http:
            guard hasSameOrigin(as: project) else { throw refusal("its url is http, which anybody can listen to") }
        case .file:
            guard project.transport == .file, parent.transport == .file else {
                throw refusal("its url is a path of this host")
            }
            guard !path.split(separator: "/").contains("..") else { throw refusal("its url holds ..") }
            try checkOwner(sameAs: project, refusal)
        }
        guard transport == .file || Self.isHostWord(host), user.map(Self.isWord) ?? true else {
            throw refusal("its url \"\(description)\" names no host")
        }
    }

    /// A directory of this host is read with our rights, not with those of who pushed.
    private func checkOwner(sameAs project: GitRemoteURL, _ refusal: (String) -> GitError) throws {
        var ours = stat()
        var theirs = stat()
        guard stat(project.path, &ours) == 0, stat(path, &theirs) == 0 else { return }
        guard ours.st_uid == theirs.st_uid else {
            throw GitError(
                .permissions,
                refusal("\(path) does not belong to the owner of \(project.path)").message)
        }
    }

    /// The address with a relative one followed; nil when that leads out of the server.
    private func text(appending relative: String) -> String? {
        var base = text
        while base.hasSuffix("/"), base.count > 1 { base.removeLast() }
        var start = base.startIndex
        if let mark = base.firstRange(of: "://") {
            guard let slash = base[mark.upperBound...].firstIndex(of: "/") else { return nil }
            start = base.index(after: slash)
        } else if base.hasPrefix("/") {
            start = base.index(after: start)
        } else {
            guard let colon = (base.lastIndex(of: "]").map { base[$0...] } ?? base[...]).firstIndex(of: ":") else {
                return nil
            }
            start = base.index(after: colon)
            if base[start...].hasPrefix("/") { start = base.index(after: start) }
        }
        var components = base[start...].split(separator: "/").map(String.init)
        for part in relative.split(separator: "/") {
            switch part {
            case ".": continue
            case "..":
                guard components.popLast() != nil else { return nil }
            default: components.append(String(part))
            }
        }
        guard !components.isEmpty else { return nil }
        return base[..<start] + components.joined(separator: "/")
    }

    /// Whether it is the same server: transport, host and port.
    func hasSameOrigin(as other: GitRemoteURL) -> Bool {
        transport == other.transport && host.lowercased() == other.host.lowercased()
            && effectivePort == other.effectivePort
    }

    private var effectivePort: Int? {
        switch transport {
        case .ssh: port ?? 22
        case .http: port ?? 80
        case .https: port ?? 443
        case .file: nil
        }
    }

    /// The names that lead to the repository; `.git` at the end makes no difference. Empty for a path that a server might take
    /// for another one.
    var repositoryParts: [String] {
        var parts = path.split(separator: "/").map(String.init)
        guard !parts.contains(".."), !parts.contains("."), !path.contains("%"), !path.contains("\\") else { return [] }
        if let last = parts.last, last.hasSuffix(".git") { parts[parts.count - 1] = String(last.dropLast(4)) }
        return parts
    }

    /// A name or an address: nothing that ssh could take for an option or a token, or a shell for anything but a word.
    private static func isHostWord(_ text: String) -> Bool {
        !text.hasPrefix("-") && !text.isEmpty
            && text.utf8.allSatisfy { byte in
                isAlphanumeric(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-")
                    || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ":")
            }
    }

    private static func isWord(_ text: String) -> Bool {
        !text.hasPrefix("-")
            && text.utf8.allSatisfy { byte in
                isAlphanumeric(byte) || [".", "-", "_", "+", "@", "~"].contains { $0.utf8.first == byte }
            }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
