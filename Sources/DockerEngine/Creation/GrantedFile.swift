import Compose

/// A config or secret of a service: what it is, and where the container finds it.
struct GrantedFile: Sendable, Equatable {
    enum Source: Sendable, Equatable {
        /// A file on the host, mounted read-only.
        case host(path: String)
        /// Copied into the container before its first start.
        case content(String)
    }

    var source: Source
    /// Absolute path in the container.
    var target: String
    var mode: Int
    var uid: Int
    var gid: Int

    /// Secrets, then configs. Throws `EngineError` naming the one that cannot be granted.
    static func all(of service: Service, in project: Project) throws -> [GrantedFile] {
        try service.secrets.map { use in
            try granted(use, project.secrets[use.source], "secret", service) { target in
                target.map { $0.hasPrefix("/") ? $0 : "/run/secrets/\($0)" } ?? "/run/secrets/\(use.source)"
            }
        }
            + service.configs.map { use in
                try granted(use, project.configs[use.source], "config", service) { target in
                    target.map { $0.hasPrefix("/") ? $0 : "/\($0)" } ?? "/\(use.source)"
                }
            }
    }

    private static func granted(
        _ use: FileReference, _ object: FileObject?, _ kind: String, _ service: Service,
        target: (String?) -> String
    ) throws -> GrantedFile {
        func cannot(_ why: String) -> EngineError { .inexpressible(service.name, "\(kind)s", why) }
        guard let object else { throw cannot("the project has no \(kind) \(use.source)") }
        if object.external { throw cannot("\(kind) \(use.source) is external, which needs Swarm") }
        if object.driver != nil { throw cannot("\(kind) \(use.source) has a driver, which needs Swarm") }
        if object.templateDriver != nil {
            throw cannot("\(kind) \(use.source) has a template_driver, which needs Swarm")
        }
        func number(_ text: String?, _ name: String) throws -> Int {
            guard let text else { return 0 }
            guard let number = Int(text), number >= 0 else {
                throw cannot("\(name) of \(kind) \(use.source) is \(text), not a number")
            }
            return number
        }
        return GrantedFile(
            source: try source(of: object, use, kind, service, cannot), target: target(use.target),
            mode: use.mode ?? 0o444, uid: try number(use.uid, "uid"), gid: try number(use.gid, "gid"))
    }

    private static func source(
        of object: FileObject, _ use: FileReference, _ kind: String, _ service: Service,
        _ cannot: (String) -> EngineError
    ) throws -> Source {
        if let content = object.content {
            if service.readOnly {
                throw cannot("\(kind) \(use.source) must come from a file, since the service is read_only")
            }
            return .content(content)
        }
        if let variable = object.environment {
            throw cannot("environment variable \"\(variable)\" required by \(kind) \"\(use.source)\" is not set")
        }
        guard let file = object.file else { throw cannot("\(kind) \(use.source) has neither file nor content") }
        return .host(path: file)
    }

    /// The archive with the files that are copied in; nil when there is none. An empty value makes no file.
    static func archive(of files: [GrantedFile], service: String, modified: Int) throws -> [UInt8]? {
        var archive = TarArchive()
        for file in files {
            guard case .content(let content) = file.source, !content.isEmpty else { continue }
            do {
                try archive.add(
                    .init(path: file.target, mode: file.mode, uid: file.uid, gid: file.gid, modified: modified),
                    content: Array(content.utf8))
            } catch {
                throw EngineError.inexpressible(service, "configs or secrets", "\(file.target): \(error)")
            }
        }
        return archive.isEmpty ? nil : archive.finished()
    }
}
