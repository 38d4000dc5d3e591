import NIOCore
import Reconcile
import Testing
import Trust
import WatcherTestSupport

@testable import DockerEngine

@Suite struct EngineErrorTests {
    static let answers: [(EngineError.Call, Int, String, Reason)] = [
        (
            .start, 500,
            "driver failed programming external connectivity on endpoint a: Bind for 127.0.0.1:80 failed: port is already allocated",
            .portTaken
        ),
        (
            .start, 500, "failed to bind host port for 0.0.0.0:80:172.17.0.2:80/tcp: address already in use",
            .portTaken
        ),
        (.create, 409, "Conflict. The container name \"/a\" is already in use by container \"b\".", .nameConflict),
        (.rename, 409, "Conflict. The container name \"/a\" is already in use", .nameConflict),
        (
            .create, 500,
            "container create: the container name \"a\" is already in use by b. You have to remove that container to be able to reuse that name: that name is already in use",
            .nameConflict
        ),
        (
            .rename, 500, "renaming container a: UNIQUE constraint failed: ContainerConfig.Name", .nameConflict
        ),
        (.create, 404, "No such image: nginx:9", .imageNotFound),
        (
            .create, 400, "invalid mount config for type \"bind\": bind source path does not exist: /x",
            .invalidContainer
        ),
        (
            .start, 400,
            "failed to create shim task: OCI runtime create failed: exec: \"nope\": executable file not found in $PATH",
            .invalidContainer
        ),
        (.start, 500, "error while creating mount source path '/x': mkdir /x: no space left on device", .diskFull),
        (.start, 404, "network shop_default not found", .engineFailed),
        (
            .start, 500, "Invalid address 10.9.0.9: It does not belong to any of this network's subnets",
            .invalidContainer
        ),
        (.other, 403, "error while removing network: network has active endpoints", .engineFailed),
        (.pull, 404, "manifest for nginx:9 not found: manifest unknown: manifest unknown", .imageNotFound),
        (
            .pull, 404, "pull access denied for x, repository does not exist or may require 'docker login'",
            .imageNotFound
        ),
        (.pull, 500, "Get https://r/v2/: no basic auth credentials", .registryAuthenticationFailed),
        (.pull, 500, "unauthorized: authentication required", .registryAuthenticationFailed),
        (.pull, 429, "toomanyrequests: You have reached your pull rate limit", .rateLimited),
        (.pull, 500, "Get https://r/v2/: dial tcp: lookup r: no such host", .registryUnreachable),
        (
            .pull, 500, "Get \"http://127.0.0.1:5001/v2/\": dial tcp 127.0.0.1:5001: connect: connection refused",
            .registryUnreachable
        ),
        (.pull, 200, "write /var/lib/docker/tmp/x: no space left on device", .diskFull),
        (
            .pull, 404,
            "pull access denied for x, repository does not exist or may require 'docker login': denied: no access",
            .registryAuthenticationFailed
        ),
        (.pull, 500, "error parsing HTTP 429 response body: invalid character '<': \"<html>\"", .rateLimited),
        (.pull, 500, "received unexpected HTTP status: 403 Forbidden", .registryAuthenticationFailed),
        (.pull, 500, "received unexpected HTTP status: 503 Service Unavailable", .registryUnreachable),
        (.pull, 500, "something else", .engineFailed),
        (.build, 400, "dockerfile parse error line 2: unknown instruction: NO", .buildFailed),
        (.build, 500, "failed to reach build target x in Dockerfile", .buildFailed),
        (.build, 500, "something else", .engineFailed),
    ]

    /// What Docker 20.10 answers to real commits, word for word; all but the network's are the commit's fault.
    static let refusals: [(EngineError.Call, Int, String, Reason)] = [
        (.start, 404, "No such container: nosuch", .invalidContainer),
        (.start, 500, "address 02:42:ac:11:00: invalid MAC address", .invalidContainer),
        (.create, 400, "No such container: nosuch", .invalidContainer),
        (
            .start, 500,
            "error while creating mount source path '/sys/nope': mkdir /sys/nope: operation not permitted",
            .invalidContainer
        ),
        (
            .start, 500,
            "failed to initialize logging driver: dial tcp 127.0.0.1:24224: connect: connection refused",
            .invalidContainer
        ),
        (
            .start, 500,
            "failed to initialize logging driver: gelf: cannot connect to GELF endpoint: 127.0.0.1:1 dial tcp 127.0.0.1:1: connect: connection refused",
            .invalidContainer
        ),
        (
            .start, 500,
            "failed to initialize logging driver: dial unix /run/fluent.sock: connect: no such file or directory",
            .invalidContainer
        ),
        (
            .start, 500, "failed to initialize logging driver: journald is not enabled on this host", .invalidContainer
        ),
        (
            .create, 400, "error looking up logging plugin nosuchlog: plugin \"nosuchlog\" not found", .invalidContainer
        ),
        (.start, 500, "invalid device cgroup rule format: 'nonsense'", .invalidContainer),
        (
            .create, 500, "--storage-opt is supported only for overlay over xfs with 'pquota' mount option",
            .invalidContainer
        ),
        (.create, 500, "Unknown option nope", .invalidContainer),
        (.create, 400, "Unknown runtime specified nosuch", .invalidContainer),
        (
            .start, 400,
            "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: open /proc/sys/net/nosuch: no such file or directory: unknown",
            .invalidContainer
        ),
        (
            .start, 500,
            "Decoding seccomp profile failed: invalid character 'b' looking for beginning of object key string",
            .invalidContainer
        ),
        (
            .start, 500,
            "error while mounting volume '/data/volumes/v2/_data': failed to mount local volume: mount :/x:/data/volumes/v2/_data, data: addr=127.0.0.1: no such device",
            .invalidContainer
        ),
        (
            .start, 500,
            "driver failed programming external connectivity on endpoint lab6 (77d6a8b4ce94): Error starting userland proxy: listen tcp4 192.0.2.9:5556: bind: cannot assign requested address",
            .invalidContainer
        ),
        (
            .start, 500,
            "driver failed programming external connectivity on endpoint lab4 (d3994ffa7b7e): Error starting userland proxy: listen tcp4 0.0.0.0:5555: bind: address already in use",
            .portTaken
        ),
        // Whose it is decides what has the address.
        (.start, 403, "Address already in use", .invalidContainer),
        (.start, 500, "something that nobody has seen before", .invalidContainer),
        (.create, 400, "something that nobody has seen before", .invalidContainer),
    ]

    /// What an engine says that is being ended, that has lost containerd, or whose host is at fault.
    static let hosts: [(EngineError.Call, Int, String, Reason)] = [
        (.start, 503, "unavailable", .engineRestarted),
        (.start, 500, "the daemon is shutting down", .engineRestarted),
        (.create, 500, "context canceled", .engineRestarted),
        (.start, 500, "failed to create shim task: context deadline exceeded", .engineRestarted),
        (
            .start, 500,
            "connection error: desc = \"transport: Error while dialing: dial unix /run/containerd/containerd.sock: connect: connection refused\"",
            .engineRestarted
        ),
        (
            .start, 500, "dial unix /run/containerd/containerd.sock: connect: no such file or directory",
            .engineRestarted
        ),
        (
            .start, 500, "failed to create shim task: rpc error: code = Unavailable desc = transport is closing",
            .engineRestarted
        ),
        (.start, 500, "ttrpc: closed: unknown", .engineRestarted),
        (.start, 500, "error reading from server: EOF: unavailable", .engineRestarted),
        (.other, 500, "error reading from server: EOF: unavailable", .engineRestarted),
        (.rename, 500, "the daemon is shutting down", .engineRestarted),
        (
            .start, 500,
            "driver failed programming external connectivity on endpoint a: (iptables failed: iptables --wait -t nat -A DOCKER: No chain/target/match by that name.",
            .engineFailed
        ),
        (
            .start, 409, "container is marked for removal and cannot be started", .engineFailed
        ),
        (.create, 403, "authorization denied by plugin opa: no", .engineFailed),
        (.other, 403, "Pool overlaps with other one on this address space", .engineFailed),
    ]

    @Test(arguments: answers + refusals + hosts)
    func `an answer is classified`(_ call: EngineError.Call, _ status: Int, _ text: String, _ reason: Reason) {
        #expect(EngineError.reason(status: status, message: text, call: call) == reason)
    }

    @Test func `a container that somebody removed before its start is not the commit's fault`() {
        let id = String(repeating: "ab", count: 32)
        let reason = EngineError.reason(
            status: 404, message: "No such container: \(id)", call: .start, path: "/containers/\(id)/start")
        #expect(reason == .engineFailed)
    }

    @Test(arguments: [(503, Reason.engineUnreachable), (502, .engineUnreachable), (403, .engineFailed)])
    func `what a proxy before the engine answers blames nobody's commit`(_ status: Int, _ reason: Reason) async throws {
        let proxy = try ScriptedEngine { line in
            line.contains("/_ping")
                ? ScriptedEngine.answer("OK", headers: ["Api-Version: 1.41"])
                : ScriptedEngine.answer("<html>no</html>", status: "\(status) No")
        }
        defer { proxy.end() }
        let client = EngineClient(endpoint: try EngineEndpoint(proxy.host), dockerConfigDirectory: nil)
        let error = await #expect(throws: EngineError.self) {
            try await client.connection.send(.post("/containers/create", to: "create").calling(.create))
        }
        #expect(error?.reason == reason)
        await client.shutdown()
    }

    @Test(arguments: [
        (
            "driver failed on endpoint a (8c8d23941fbc441706e1ce35727c2c817663fb51c981d3444315f441f85efcbc): x",
            "driver failed on endpoint a (8c8d23941fbc): x"
        ),
        (
            "No such image: sha256:8c8d23941fbc441706e1ce35727c2c817663fb51c981d3444315f441f85efcbc",
            "No such image: sha256:8c8d23941fbc"
        ),
        (
            "nginx@sha256:8c8d23941fbc441706e1ce35727c2c817663fb51c981d3444315f441f85efcbc: not found",
            "nginx@sha256:8c8d23941fbc441706e1ce35727c2c817663fb51c981d3444315f441f85efcbc: not found"
        ),
    ])
    func `ids are cut to what the engine shows, digests of references stay`(_ text: String, _ short: String) {
        #expect(EngineError(.engineFailed, operation: "x", detail: text).detail == short)
    }

    @Test(arguments: [
        (Int32(2), "no such socket", "systemctl start docker"), (13, "not permitted", "docker"),
        (111, "refused", "not running"),
    ])
    func `each way not to reach the engine has its own advice`(_ code: Int32, _ detail: String, _ advice: String) throws
    {
        let endpoint = try EngineEndpoint("unix:///run/x.sock")
        let said = ConnectionFailure.explain(
            IOError(errnoCode: code, reason: "connect"), endpoint: endpoint, deadline: .seconds(1))
        #expect(said.detail.contains(detail) && said.detail.contains("unix:///run/x.sock"))
        #expect(said.advice.contains(advice))
    }

    @Test(arguments: [
        (
            "sslError([Error: 268435581 error:1000007d:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED at x.cc:3])",
            "is not trusted", "engine.tls.ca"
        ),
        (
            "sslError([Error: 1 error:10000412:SSL routines:OPENSSL_internal:SSLV3_ALERT_BAD_CERTIFICATE at x.cc:491])",
            "does not accept our certificate", "engine.tls.cert"
        ),
        (
            "handshakeFailed(sslError([Error: 1 error:100000f7:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER at x]))",
            "does not speak TLS", "the port"
        ),
    ])
    func `trouble with TLS is put into words`(_ text: String, _ detail: String, _ advice: String) throws {
        struct Trouble: Error, CustomStringConvertible { var description: String }
        let endpoint = try EngineEndpoint("tcp://h:1", tls: .init())
        let said = ConnectionFailure.explain(Trouble(description: text), endpoint: endpoint, deadline: .zero)
        #expect(said.detail.contains(detail) && said.detail.contains("tcp://h:1") && !said.detail.contains("x.cc"))
        #expect(said.advice.contains(advice))
    }

    @Test func `a message names the operation, in detail the call and its status, without control characters`() {
        let error = EngineError(
            .nameConflict, operation: "create container a", request: "POST /v1.41/containers/create", status: 409,
            detail: "in \u{1B}[1muse")
        #expect(error.message == "cannot create container a: in use")
        #expect(
            error.detailedMessage == "cannot create container a: in use (POST /v1.41/containers/create: status 409)")
    }
}

@Suite struct EngineEndpointTests {
    @Test func `a socket and a host become URLs`() throws {
        #expect(
            try EngineEndpoint("unix:///var/run/docker.sock").urlPrefix() == "http+unix://%2Fvar%2Frun%2Fdocker.sock")
        #expect(try EngineEndpoint("tcp://db.example").urlPrefix() == "http://db.example:2375")
        #expect(try EngineEndpoint("tcp://[::1]:99", tls: .init(authority: "/ca")).urlPrefix() == "https://[::1]:99")
        #expect(try EngineEndpoint("tcp://h/", tls: .init()).urlPrefix() == "https://h:2376")
        #expect(try EngineEndpoint("ssh://h").urlPrefix(tunnel: "/t/s") == "http+unix://%2Ft%2Fs")
    }

    @Test(arguments: [
        "unix://relative", "tcp://", "tcp://h:0", "tcp://h:99999", "tcp://h/path", "tcp://user@h", "ssh://",
        "ssh://h:0",
        "ssh://-oProxyCommand=x", "ssh://a:b@h", "ssh://a b@h", "ssh://h;x",
        "/var/run/docker.sock",
        "fd://", "tcp://a:b:c", "",
    ])
    func `anything else is refused`(_ text: String) throws {
        let error = try #require(throws: EngineError.self) { try EngineEndpoint(text) }
        #expect(error.reason == .invalidConfiguration)
    }

    @Test(arguments: [
        ("h", [], "-- h docker system dial-stdio"),
        ("ada@h.example:2222", ["-p 2222", "-l ada"], "-- h.example docker system dial-stdio"),
        ("[fd00::7]:22/", ["-p 22"], "-- fd00::7 docker system dial-stdio"),
        ("h/run/it's.sock", [], "-- h docker --host 'unix:///run/it'\\''s.sock' system dial-stdio"),
    ])
    func `an engine behind ssh is dialled as docker does it, with its host key verified`(
        _ text: String, _ options: [String], _ end: String
    ) throws {
        let destination = try #require(SSHDestination(text))
        let access = EngineEndpoint.SSHAccess(key: "/k/id", knownHosts: "/k/known 100%")
        let line = destination.arguments(access).joined(separator: " ")
        for option in options + [
            "StrictHostKeyChecking=yes", "BatchMode=yes", "-i /k/id", "UserKnownHostsFile=\"/k/known 100%%\"",
            "GlobalKnownHostsFile=/dev/null", "NoHostAuthenticationForLocalhost=no", "VerifyHostKeyDNS=no",
        ] { #expect(line.contains(option), "\(line)") }
        #expect(line.hasSuffix(end), "\(line)")
    }

    @Test(arguments: [
        ("Host key verification failed.", Reason.hostKeyUnknown, "`ssh-keygen -lf /etc/ssh/"),
        (
            "@@@@\nWARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!\nOffending key in x:1", .hostKeyChanged,
            "watcher never accepts a changed key"
        ),
        ("ada@h: Permission denied (publickey).", .authenticationFailed, "engine.ssh_key"),
        ("sh: 1: docker: not found", .engineUnreachable, "Install Docker's command line"),
        (
            "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock",
            .engineUnreachable, "group that owns its socket"
        ),
        ("ssh: connect to host h port 22: Connection refused", .engineUnreachable, "Try it by hand: ssh h docker"),
        ("", .engineUnreachable, "Try it by hand"),
    ])
    func `what ssh says is put into a reason and advice`(_ said: String, _ reason: Reason, _ advice: String) throws {
        let destination = try #require(SSHDestination("h"))
        let failure = destination.failure(said: said, status: "exited(255)", .init(knownHosts: "/k/known")) { _ in
            HostKeyFinding(host: "h", port: nil, knownHosts: "/k/known")
        }
        #expect(failure.reason == reason && failure.advice.contains(advice), "\(failure)")
        let last = said.isEmpty ? "exited(255)" : String(said.split(separator: "\n").last ?? "")
        let isHostKey = [.hostKeyUnknown, .hostKeyChanged].contains(reason)
        #expect(failure.detail.contains(isHostKey ? "the host key of h" : last))
    }

    @Test(arguments: ["tcp://ada:secret@h:2375", "ssh://ada:secret@h", "https://ada:secret@h/?token=secret"])
    func `a refused address does not repeat a password`(_ text: String) throws {
        let error = try #require(throws: EngineError.self) { try EngineEndpoint(text) }
        #expect(!error.description.contains("secret"), "\(error)")
    }

    @Test func `both sides agree on the newest version they share`() {
        #expect(APIVersion.spoken(engine: APIVersion(1, 41), minimum: nil) == APIVersion(1, 41))
        #expect(APIVersion.spoken(engine: APIVersion(1, 47), minimum: nil) == APIVersion(1, 47))
        #expect(APIVersion.spoken(engine: APIVersion(1, 60), minimum: APIVersion(1, 44)) == .newest)
        #expect(APIVersion.spoken(engine: APIVersion(1, 60), minimum: APIVersion(1, 55)) == APIVersion(1, 55))
        #expect(APIVersion.spoken(engine: APIVersion(1, 40), minimum: nil) == nil)
    }

    @Test(arguments: [
        ("2026-11-21T05:00:00.123456789Z", 1_795_237_200_123), ("2026-11-21T05:00:00Z", 1_795_237_200_000),
        ("2026-11-21T06:00:00.5+01:00", 1_795_237_200_500), ("2026-11-20T23:30:00.98-05:30", 1_795_237_200_980),
        ("2024-02-29T23:59:59.999999999Z", 1_709_251_199_999), ("1970-01-01T00:00:00Z", 0),
    ])
    func `times are read to the millisecond`(_ text: String, _ milliseconds: Int) {
        #expect(EngineTime.milliseconds(text) == milliseconds)
    }

    @Test(arguments: [
        "0001-01-01T00:00:00Z", "", "2026-11-21", "2026-11-21T05:00:00", "2026-11-21T05:00:00.Zulu",
        "2026-13-21T05:00:00Z", "yesterday",
    ])
    func `what is no time is none`(_ text: String) {
        #expect(EngineTime.milliseconds(text) == nil)
    }
}
