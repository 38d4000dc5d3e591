internal import Crypto

/// Which versioned files a service uses and what is in them: why it is recreated although its YAML did not change.
///
/// The identities come from `FileAccess.contentID`, so they are Git's own object ids; inline contents are hashed here.
package struct ContentFingerprint: Sendable, Equatable {
    /// Identity of the content by path relative to the checkout, or by `configs.NAME` and `secrets.NAME`.
    package var contents: [String: String]

    /// The service's bind mounts, configs, secrets and seccomp profiles, as far as they are versioned. What its image is built from is not
    /// part of it (see `BuildFingerprint`): that changes the image. Nor are env files: their values are configuration, and a
    /// comment in them changes nothing that runs.
    ///
    /// - Throws: `FileAccessError` for a path that leaves the checkout.
    package init(of service: Service, in project: Project, checkout: String, files: FileAccess) throws {
        var contents: [String: String] = [:]
        func add(_ path: String) throws {
            guard path == checkout || path.hasPrefix(checkout + "/"), let id = try files.contentID(path) else { return }
            contents[path == checkout ? "." : String(path.dropFirst(checkout.count + 1))] = id
        }
        for mount in service.volumes where mount.kind == .bind {
            if let source = mount.source { try add(source) }
        }
        for profile in service.securityOpt.compactMap(project.seccompProfile) { try add(profile) }
        for (kind, references, objects) in [
            ("configs", service.configs, project.configs), ("secrets", service.secrets, project.secrets),
        ] {
            for reference in references {
                guard let object = objects[reference.source] else { continue }
                let inline = object.content ?? object.environment.flatMap { project.environment[$0] }
                if let file = object.file {
                    try add(file)
                } else if let inline {
                    contents["\(kind).\(reference.source)"] = Self.digest(inline)
                }
            }
        }
        self.contents = contents
    }

    /// One hash over everything, the value of the `watcher.content-hash` label; nil for a service that uses no such file.
    package var hash: String? {
        guard !contents.isEmpty else { return nil }
        return Self.digest(contents.keys.sorted().map { "\($0)\0\(contents[$0] ?? "")\n" }.joined())
    }

    /// SHA-256, in hexadecimal digits.
    static func digest(_ text: String) -> String {
        SHA256.hash(data: Array(text.utf8)).map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }
}
