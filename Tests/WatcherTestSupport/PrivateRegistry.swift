import FoundationEssentials
import Synchronization

/// A real `docker-registry` with TLS and a login, in the network of the private engine; it ends with its scenario.
package struct PrivateRegistry: Sendable {
    package static let user = "ada"
    /// Different in every scenario, to be looked for where it must not be.
    package let password: String
    /// `192.0.2.1:port`: an address of the engine's own loopback that it does not take for loopback, so that it insists on
    /// TLS and on the registry's certificate, which it is told to trust.
    package let address: String
    private let scenario: Scenario

    init(in scenario: Scenario) async throws {
        self.scenario = scenario
        let port = EnginePorts.next()
        address = "192.0.2.1:\(port)"
        password = "pw-\(scenario.id)-secret"
        let directory = "\(scenario.directory)/registry"
        let logins = try await scenario.run("htpasswd", ["-Bbn", Self.user, password]).expecting(0)
        try scenario.write(logins.output, to: "\(directory)/htpasswd")
        try await scenario.run(
            "openssl",
            [
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=registry", "-addext",
                "subjectAltName=IP:192.0.2.1", "-keyout", "\(directory)/key.pem", "-out", "\(directory)/cert.pem",
            ]
        ).expecting(0)
        try scenario.write(
            """
            version: 0.1
            log: {level: warn}
            http: {addr: "\(address)", tls: {certificate: "\(directory)/cert.pem", key: "\(directory)/key.pem"}}
            storage: {filesystem: {rootdirectory: "\(directory)/data"}, delete: {enabled: true}}
            auth: {htpasswd: {realm: tests, path: "\(directory)/htpasswd"}}

            """, to: "\(directory)/config.yml")
        let inside = try TestEnvironment.inEngineNetwork()
        let trust = #"""
            ip address replace 192.0.2.1/32 dev lo
            mkdir -p "$1/etc/certs.d/$2" && cp "$3" "$1/etc/certs.d/$2/ca.crt"
            """#
        try await scenario.run(
            inside[0],
            Array(inside.dropFirst()) + ["sh", "-ec", trust, "sh", inside[2], address, "\(directory)/cert.pem"]
        ).expecting(0)
        try await scenario.startInEngineNetwork(
            "registry", ["docker-registry", "serve", "\(directory)/config.yml"], untilAnswers: "https://\(address)/v2/")
    }

    /// Gives the local image a name in this registry, pushes it there and returns the name.
    @discardableResult
    package func push(_ image: String, as name: String) async throws -> String {
        let (repository, tag) = ("\(address)/\(name)", "1")
        try await scenario.engine.request(
            "POST", "/images/\(image)/tag", query: ["repo": repository, "tag": tag])
        let login = #"{"username":"\#(Self.user)","password":"\#(password)","serveraddress":"\#(address)"}"#
        let header = Data(login.utf8).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
        let answer = try await scenario.run(
            "curl",
            [
                "--silent", "--show-error", "--noproxy", "*", "--unix-socket", try TestEnvironment.dockerSocket(), "-X",
                "POST", "-H", "X-Registry-Auth: \(header)", "http://docker/images/\(repository)/push?tag=\(tag)",
            ]
        ).expecting(0)
        guard !answer.output.contains("errorDetail") else { throw UnexpectedResult(description: answer.output) }
        return "\(repository):\(tag)"
    }

    /// Writes a Docker configuration with this text and returns its directory. `LOGIN` in it stands for the login as
    /// `docker login` writes it.
    package func dockerConfiguration(_ text: String) throws -> String {
        let login = Data("\(Self.user):\(password)".utf8).base64EncodedString()
        let path = try scenario.write(
            text.replacing("LOGIN", with: login), to: "docker-\(UUID().uuidString)/config.json", mode: 0o600)
        return String(path.dropLast("/config.json".count))
    }
}

/// What stands before the engine's registry and lets through whoever has traded an identity token for an access token.
package struct TokenRegistry: Sendable {
    /// The token it trades; different in every scenario.
    package let token: String
    /// `127.0.0.1:port`
    package let address: String

    init(in scenario: Scenario) async throws {
        let port = EnginePorts.next()
        address = "127.0.0.1:\(port)"
        token = "id-\(scenario.id)-secret"
        let script = try scenario.write(Self.program, to: "tokens/server.py")
        try await scenario.startInEngineNetwork(
            "tokens", ["python3", script, "\(port)", try TestEnvironment.registry(), token],
            untilAnswers: "http://\(address)/v2/")
    }

    private static let program = #"""
        import http.client, http.server, json, sys, urllib.parse

        port, registry, token = int(sys.argv[1]), sys.argv[2], sys.argv[3]

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments):
                pass

            def answer(self, status, headers, body):
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                if not any(name.lower() == "content-length" for name, _ in headers):
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def do_POST(self):
                form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                good = form.get("grant_type") == ["refresh_token"] and form.get("refresh_token") == [token]
                body = {"access_token": "good", "expires_in": 300} if good else {"details": "unknown token"}
                self.answer(200 if good else 401, [("Content-Type", "application/json")], json.dumps(body).encode())

            def do_GET(self):
                if self.headers.get("Authorization") != "Bearer good":
                    realm = f'Bearer realm="http://127.0.0.1:{port}/token",service="tests",scope="repository:x:pull"'
                    body = b'{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}'
                    self.answer(401, [("Www-Authenticate", realm), ("Content-Type", "application/json")], body)
                    return
                upstream = http.client.HTTPConnection(registry)
                accept = {"Accept": ", ".join(self.headers.get_all("Accept", []))}
                upstream.request(self.command, self.path, headers=accept)
                answer = upstream.getresponse()
                kept = [h for h in answer.getheaders() if h[0].lower() not in ("transfer-encoding", "connection")]
                self.answer(answer.status, kept, answer.read())

            do_HEAD = do_GET

        http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
        """#
}

/// A server in the network of the private engine that answers every request for a repository with one status.
package struct RefusingRegistry: Sendable {
    /// `127.0.0.1:port`
    package let address: String

    init(in scenario: Scenario) async throws {
        let port = EnginePorts.next()
        address = "127.0.0.1:\(port)"
        let script = try scenario.write(Self.program, to: "refusing/server.py")
        try await scenario.startInEngineNetwork(
            "refusing", ["python3", script, "\(port)"], untilAnswers: "http://\(address)/v2/")
    }

    /// The first part of the repository's name is the status; `html-429` answers with a page instead of JSON.
    private static let program = #"""
        import http.server, re, sys

        CODES = {401: "UNAUTHORIZED", 403: "DENIED", 404: "NAME_UNKNOWN", 429: "TOOMANYREQUESTS", 503: "UNAVAILABLE"}

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments):
                pass

            def do_GET(self):
                wanted = re.match(r"/v2/(html-)?(\d+)/", self.path)
                status = int(wanted.group(2)) if wanted else 200
                body = b"{}"
                if wanted and wanted.group(1):
                    body = b"<html>no</html>"
                elif wanted:
                    body = b'{"errors":[{"code":"%s","message":"as asked"}]}' % CODES[status].encode()
                self.send_response(status)
                self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
                self.send_header("Content-Type", "text/html" if body[:1] == b"<" else "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_HEAD = do_GET

        http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
        """#
}

/// Ports in the network of the private engine, which nobody else uses.
private enum EnginePorts {
    private static let last = Mutex(6000)

    static func next() -> Int {
        last.withLock { port in
            port += 1
            return port
        }
    }
}

extension Scenario {
    /// A registry with TLS and a login.
    package func privateRegistry() async throws -> PrivateRegistry { try await PrivateRegistry(in: self) }

    /// A registry that wants an identity token.
    package func tokenRegistry() async throws -> TokenRegistry { try await TokenRegistry(in: self) }

    /// A registry that refuses.
    package func refusingRegistry() async throws -> RefusingRegistry { try await RefusingRegistry(in: self) }

    /// Starts a server where the engine finds it; it ends with the scenario.
    fileprivate func startInEngineNetwork(_ name: String, _ command: [String], untilAnswers url: String) async throws {
        let prefix = try TestEnvironment.inEngineNetwork()
        let inside = prefix.joined(separator: " ")
        // Started by a shell of the engine's network that tells the server's id.
        let started = try await run(
            prefix[0],
            Array(prefix.dropFirst()) + [
                "sh", "-c", #"log=$1; shift; setsid "$@" </dev/null >"$log" 2>&1 & echo $!"#, "sh",
                "\(directory)/\(name).log",
            ] + command
        ).expecting(0)
        let id = String(started.output.prefix { $0.isNumber })
        atEnd("stop \(name)") {
            try await self.run(prefix[0], Array(prefix.dropFirst()) + ["kill", "-KILL", id]).expecting(0)
        }
        try await run(
            prefix[0],
            Array(prefix.dropFirst()) + [
                "curl", "--silent", "--insecure", "--noproxy", "*", "--output", "/dev/null", "--retry", "60",
                "--retry-connrefused", "--retry-delay", "1", url,
            ], deadline: .seconds(120)
        ).expecting(0)
        note("\(name) answers at \(url), started by \(inside)")
    }
}
