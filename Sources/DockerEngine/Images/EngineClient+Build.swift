package import Compose
import Deploy
import FoundationEssentials
import Reconcile
import Synchronization

extension EngineClient {
    /// Builds with the engine's classic builder, which its API offers without a session beside it. Values of build
    /// arguments are masked in what is told.
    package func build(
        _ build: ImageBuild, files: FileAccess, modified: Int, log: @escaping @Sendable (String) -> Void
    ) async throws {
        let operation = "build image \(build.image)"
        let context = try BuildContext(of: build, files: files)
        let proxies = try credentials.proxyVariables(host: connection.endpoint.description)
        var request = EngineRequest.post("/build", to: operation).calling(.build, service: build.service)
        request.query = try BuildQuery(build, context, proxies: proxies).parameters
        let mentions = [context.dockerfileText] + build.args.values
        if let header = try await credentials.header(registriesNamedIn: mentions) {
            request.headers.append(("X-Registry-Config", header))
        }
        let mask = Mask(build.args.values)
        do {
            try await send(request, BuildArchive(context: context, modified: modified)) { log(mask.apply(to: $0)) }
        } catch var error as EngineError {
            error.detail = mask.apply(to: error.detail)
            throw error
        }
    }

    private func send(
        _ request: EngineRequest, _ archive: BuildArchive, _ log: @escaping @Sendable (String) -> Void
    ) async throws {
        let trouble = Mutex<(any Error)?>(nil)
        let idle = deadlines.buildIdle
        do {
            try await withIdleDeadline(idle) { touch in
                // The answer begins when the builder does; the idle deadline watches over the way to there.
                var request = request.within(.seconds(24 * 3600))
                var archive = archive
                archive.progress = touch
                archive.failed = { error in trouble.withLock { $0 = error } }
                request.upload = archive
                let stream = try await self.connection.open(request)
                do {
                    try await BuildOutput.follow(stream, touch: touch, log)
                } catch {
                    throw stream.broken(error, endpoint: self.connection.endpoint)
                }
            }
        } catch {
            // A file that could not be read is what broke the connection.
            if let cause = trouble.withLock({ $0 }), !(cause is CancellationError) { throw cause }
            guard error is DeadlineExceeded else { throw error }
            throw EngineError(
                .engineFailed, operation: request.operation,
                detail: "the builder said nothing for \(idle.components.seconds) s", service: request.service)
        }
    }
}

/// The parameters of `POST /build`.
struct BuildQuery {
    private struct Limit: Encodable {
        var name: String
        var soft: Int
        var hard: Int

        private enum CodingKeys: String, CodingKey {
            case name = "Name"
            case soft = "Soft"
            case hard = "Hard"
        }
    }

    private(set) var parameters: [(name: String, value: String)] = []

    /// `proxies` are the variables that Docker's configuration gives to builds; the build's own arguments win.
    init(_ build: ImageBuild, _ context: BuildContext, proxies: [String: String]) throws {
        for reference in [build.image] + build.tags { add("t", reference) }
        add("dockerfile", context.dockerfile)
        try add("buildargs", json: proxies.merging(build.args) { $1 })
        var labels = build.labels
        labels[ComposeLabels.watcherBuildHash] = build.fingerprint?.description
        try add("labels", json: labels)
        if !build.cacheFrom.isEmpty { try add("cachefrom", json: build.cacheFrom) }
        add("target", build.target)
        add("networkmode", build.network)
        for host in build.extraHosts { add("extrahosts", Self.host(host)) }
        add("isolation", build.isolation)
        add("platform", build.platform)
        if build.shmSize > 0 { add("shmsize", String(build.shmSize)) }
        let limits = build.ulimits.sorted { $0.key < $1.key }.map { name, limit in
            switch limit {
            case .single(let value): Limit(name: name, soft: value, hard: value)
            case .pair(let soft, let hard): Limit(name: name, soft: soft, hard: hard)
            }
        }
        if !limits.isEmpty { try add("ulimits", json: limits) }
        if build.noCache { add("nocache", "1") }
        if build.pull { add("pull", "1") }
        add("rm", "1")
        add("forcerm", "1")
    }

    private mutating func add(_ name: String, _ value: String?) {
        if let value, !value.isEmpty { parameters.append((name, value)) }
    }

    private mutating func add(_ name: String, json value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        add(name, String(decoding: try encoder.encode(value), as: UTF8.self))
    }

    /// `name=address` as the builder writes it, `name:address`.
    private static func host(_ text: String) -> String {
        guard let equals = text.firstIndex(of: "=") else { return text }
        return "\(text[..<equals]):\(text[text.index(after: equals)...])"
    }
}

/// Puts asterisks in the place of values that may be secrets.
struct Mask: Sendable {
    /// Shorter values hide too little and occur everywhere.
    private static let shortest = 8

    private let values: [String]

    init(_ values: some Sequence<String>) {
        let parts = values.flatMap { [$0] + $0.split(whereSeparator: \.isNewline).map(String.init) }
        self.values = Set(parts.filter { $0.utf8.count >= Self.shortest }).sorted { $0.utf8.count > $1.utf8.count }
    }

    func apply(to text: String) -> String { values.reduce(text) { $0.replacing($1, with: "***") } }
}
