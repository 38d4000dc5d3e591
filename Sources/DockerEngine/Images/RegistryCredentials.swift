import Compose
import FoundationEssentials
import Glibc
import Reconcile
import Subprocess
import SystemPackage

/// The credentials that `docker login` left behind: read from Docker's `config.json` and the helpers it names.
///
/// They go into one request header and nowhere else.
package struct RegistryCredentials: Sendable {
    /// `$DOCKER_CONFIG`, or else `.docker` in the home directory; nil when neither is known.
    package static func directory(environment: [String: String]) -> String? {
        if let directory = environment["DOCKER_CONFIG"], !directory.isEmpty { return directory }
        guard let home = environment["HOME"], !home.isEmpty else { return nil }
        return home + "/.docker"
    }

    /// As the engine wants it in `X-Registry-Auth`.
    private struct Header: Encodable {
        var username: String?
        var password: String?
        var identitytoken: String?
        var registrytoken: String?
        var serveraddress: String
    }

    private struct File: Decodable {
        struct Entry: Decodable {
            var auth: String?
            var username: String?
            var password: String?
            var identitytoken: String?
            var registrytoken: String?
        }

        struct Proxy: Decodable {
            var httpProxy: String?
            var httpsProxy: String?
            var ftpProxy: String?
            var noProxy: String?
            var allProxy: String?
        }

        var auths: [String: Entry]?
        var credsStore: String?
        var credHelpers: [String: String]?
        var proxies: [String: Proxy]?
    }

    /// The answer of a credential helper.
    private struct HelperAnswer: Decodable {
        var username: String
        var secret: String

        private enum CodingKeys: String, CodingKey {
            case username = "Username"
            case secret = "Secret"
        }
    }

    private let directory: String?
    private let deadline: Duration
    private let searchPath: String?

    /// `searchPath` is where helpers are looked for; nil takes the process's `PATH`.
    init(directory: String?, deadline: Duration, searchPath: String? = nil) {
        self.directory = directory
        self.deadline = deadline
        self.searchPath = searchPath
    }

    /// Docker Hub is known under a name from its early days.
    static func key(of registry: String) -> String {
        ["docker.io", "index.docker.io", "registry-1.docker.io"].contains(registry)
            ? "https://index.docker.io/v1/" : registry
    }

    /// The value of `X-Registry-Auth` for a registry (`docker.io`, `host:port`); nil when there are no credentials.
    ///
    /// Throws `EngineError` when the configuration or a helper cannot be used.
    func header(registry: String) async throws -> String? {
        guard let file = try load(), let found = try await login(registry, file) else { return nil }
        return try Self.encoded(found)
    }

    /// The value of `X-Registry-Config`, for builds: the logins of Docker Hub and of the registries whose names occur in the
    /// texts; nil when there are none.
    ///
    /// Throws `EngineError` when the configuration or a helper cannot be used.
    func header(registriesNamedIn texts: [String]) async throws -> String? {
        guard let file = try load() else { return nil }
        let known = Set((file.auths ?? [:]).keys).union((file.credHelpers ?? [:]).keys)
        let hub = Self.key(of: "docker.io")
        let named = Set(known.map { String(Self.host(of: $0)) }).filter { host in
            texts.contains { $0.contains(host) }
        }
        var logins: [String: Header] = [:]
        for registry in named.union(known.contains(hub) ? ["docker.io"] : []).sorted() {
            logins[Self.key(of: registry)] = try await login(registry, file)
        }
        return logins.isEmpty ? nil : try Self.encoded(logins)
    }

    private func login(_ registry: String, _ file: File) async throws -> Header? {
        let key = Self.key(of: registry)
        var header: Header?
        if let helper = file.credHelpers?[key] ?? file.credHelpers?[registry] ?? file.credsStore, !helper.isEmpty {
            header = try await ask(helper, for: key)
        }
        return try header ?? stored(file.auths ?? [:], key)
    }

    private static func encoded(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return urlSafe(try encoder.encode(value).base64EncodedString())
    }

    private static func urlSafe(_ text: String) -> String {
        String(text.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 })
    }

    /// The proxy variables that containers get by Docker's configuration, in both spellings.
    func proxyVariables(host: String) throws -> [String: String] {
        guard let proxies = try load()?.proxies, let proxy = proxies[host] ?? proxies["default"] else { return [:] }
        let values = [
            ("HTTP_PROXY", proxy.httpProxy), ("HTTPS_PROXY", proxy.httpsProxy), ("FTP_PROXY", proxy.ftpProxy),
            ("NO_PROXY", proxy.noProxy), ("ALL_PROXY", proxy.allProxy),
        ]
        var result: [String: String] = [:]
        for case (let name, let value?) in values where !value.isEmpty {
            result[name] = value
            result[name.lowercased()] = value
        }
        return result
    }

    private func load() throws -> File? {
        guard let directory else { return nil }
        let path = directory + "/config.json"
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        do {
            return try JSONDecoder().decode(File.self, from: try Data(contentsOf: URL(filePath: path)))
        } catch is DecodingError {
            // What the decoder says may quote the file.
            throw Self.unusable(path, "it is not the JSON that Docker writes")
        } catch {
            throw Self.unusable(path, "it cannot be read")
        }
    }

    private static func unusable(_ path: String, _ why: String) -> EngineError {
        EngineError(
            .invalidConfiguration, operation: "read registry credentials from \(path)", detail: why,
            advice: "Repair the file, or set DOCKER_CONFIG to a directory with a good config.json.")
    }

    private func stored(_ auths: [String: File.Entry], _ key: String) throws -> Header? {
        let entry =
            auths[key] ?? auths.sorted { $0.key < $1.key }.first { Self.host(of: $0.key) == Self.host(of: key) }?.value
        guard let entry else { return nil }
        var header = Header(
            username: entry.username, password: entry.password, identitytoken: entry.identitytoken,
            registrytoken: entry.registrytoken, serveraddress: key)
        if let auth = entry.auth, !auth.isEmpty {
            guard let data = Data(base64Encoded: auth),
                let colon = String(decoding: data, as: UTF8.self).firstIndex(of: ":")
            else { throw Self.unusable("\(directory ?? "")/config.json", "the entry for \(key) is damaged") }
            let text = String(decoding: data, as: UTF8.self)
            header.username = String(text[..<colon])
            header.password = String(text[text.index(after: colon)...].prefix { $0 != "\0" })
        }
        if header.identitytoken?.isEmpty == false {
            header.username = nil
            header.password = nil
        }
        let hasSomething = [header.username, header.identitytoken, header.registrytoken].contains {
            $0?.isEmpty == false
        }
        return hasSomething ? header : nil
    }

    /// Without scheme and path.
    private static func host(of key: String) -> Substring {
        var rest = key[...]
        for scheme in ["https://", "http://"] where rest.hasPrefix(scheme) { rest = rest.dropFirst(scheme.count) }
        return rest.prefix { $0 != "/" }
    }

    /// The reading end of a stream that holds the text, which is short, and then ends. A helper that ends without reading it
    /// then is its own affair: writing to it later would end this process with SIGPIPE. A pair of sockets, because a pipe
    /// cannot be made close-on-exec in one call here: a process started meanwhile would inherit it and keep it open.
    private static func holding(_ text: String) throws -> FileDescriptor {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw Errno(rawValue: errno) }
        let (reading, writing) = (FileDescriptor(rawValue: ends[0]), FileDescriptor(rawValue: ends[1]))
        do {
            try writing.closeAfter { _ = try writing.writeAll(text.utf8) }
        } catch {
            try? reading.close()
            throw error
        }
        return reading
    }

    /// Runs `docker-credential-<helper> get`; nil when it knows nothing about the registry.
    private func ask(_ helper: String, for key: String) async throws -> Header? {
        func failed(_ why: String) -> EngineError {
            EngineError(
                .registryAuthenticationFailed, operation: "ask docker-credential-\(helper) about \(key)", detail: why,
                advice: "Run `docker login` again as the user that runs watcher, or change Docker's config.json.")
        }
        guard helper.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }) else {
            throw failed("that is no name for a helper")
        }
        let result: (status: TerminationStatus, output: String)
        do {
            result = try await withDeadline(deadline) {
                var environment = Subprocess.Environment.inherit
                if let searchPath { environment = environment.updating(["PATH": searchPath]) }
                let run = try await Subprocess.run(
                    .name("docker-credential-\(helper)"), arguments: ["get"], environment: environment,
                    input: .fileDescriptor(try Self.holding(key), closeAfterSpawningProcess: true),
                    output: .string(limit: 1 << 20), error: .discarded)
                return (run.terminationStatus, run.standardOutput)
            }
        } catch is DeadlineExceeded {
            throw failed("it did not answer within \(deadline.components.seconds) s")
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw failed("it cannot be run; is it installed?")
        }
        guard result.status.isSuccess else {
            if result.output.contains("credentials not found") { return nil }
            throw failed("it failed (\(result.status))")
        }
        guard let answer = try? JSONDecoder().decode(HelperAnswer.self, from: Data(result.output.utf8)) else {
            throw failed("its answer cannot be read")
        }
        if answer.username == "<token>" { return Header(identitytoken: answer.secret, serveraddress: key) }
        return Header(username: answer.username, password: answer.secret, serveraddress: key)
    }
}
