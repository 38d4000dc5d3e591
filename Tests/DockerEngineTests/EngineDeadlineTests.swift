import Compose
import Deploy
import FoundationEssentials
import Glibc
import Reconcile
import Testing
import WatcherTestSupport

@testable import DockerEngine

/// Against sockets that answer late, in part, or never.
@Suite(.timeLimit(.minutes(15))) struct EngineDeadlineTests {
    private static let ping = ScriptedEngine.answer("OK", headers: ["Api-Version: 1.41"])
    private static let container = ScriptedEngine.answer(
        """
        {"Id": "abc", "Name": "/shop-web-1", "State": {"Status": "created"}, "Config": {"StopTimeout": 0, "Labels":
        {"com.docker.compose.project": "shop", "com.docker.compose.service": "web"}}}
        """)

    /// A client of an engine that answers so, all of whose deadlines are short.
    private func with(
        _ answers: @escaping @Sendable (String) -> String?,
        _ body: @escaping @Sendable (EngineClient) async throws -> Void
    ) async throws {
        let engine = try ScriptedEngine(answers)
        defer { engine.end() }
        var deadlines = EngineDeadlines(call: .seconds(3))
        deadlines.create = deadlines.call
        deadlines.stopMargin = deadlines.call
        deadlines.hook = deadlines.call
        deadlines.pullIdle = deadlines.call
        deadlines.pullRetry = .zero
        deadlines.eventsIdle = deadlines.call
        let client = EngineClient(
            endpoint: try EngineEndpoint(engine.host), dockerConfigDirectory: nil, deadlines: deadlines)
        let result = await Task { try await body(client) }.result
        await client.shutdown()
        try result.get()
    }

    /// A call, and how an error tells what was being done.
    struct Call: Sendable, CustomTestStringConvertible {
        var operation: String
        /// What the engine does answer, by a part of the request; everything else is met with silence.
        var answered: [String: String] = [:]
        var make: @Sendable (EngineClient) async throws -> Void
        var testDescription: String { operation }

        func answer(_ request: String, otherwise: String?) -> String? {
            if request.hasSuffix("/_ping") { return ping }
            if let found = answered.first(where: { request.contains($0.key) }) { return found.value }
            return isInspection(request) && !operation.hasPrefix("inspect") ? container : otherwise
        }
    }

    private static let id = ContainerID(hex: "abc")

    private static func performing(
        _ operation: Operation<ContainerID>, _ text: String, answered: [String: String] = [:]
    ) -> Call {
        Call(operation: text, answered: answered) { client in
            _ = try await client.perform(operation)
        }
    }

    private static func pulling(_ text: String, isPeriodic: Bool = false, answered: [String: String] = [:]) -> Call {
        Call(operation: text, answered: answered) { client in
            var pull = Plan.ImagePull(
                reference: "docker.io/library/busybox:1", platform: nil, services: ["web"], isRequired: true)
            pull.isPeriodic = isPeriodic
            try await client.pull(pull) { _ in }
        }
    }

    private static let none = ScriptedEngine.answer("[]")
    private static let empty = ScriptedEngine.answer("{}")
    private static let created = ScriptedEngine.answer(#"{"Id": "abc"}"#, status: "201 Created")

    private static let reads: [Call] = [
        Call(operation: "ask the engine for its version") { _ = try await $0.info() },
        Call(operation: "list the containers of shop") { _ = try await $0.observe(ObservationQuery(project: "shop")) },
        Call(operation: "list the networks of shop", answered: ["/containers/json": none, "/volumes": empty]) {
            _ = try await $0.observe(ObservationQuery(project: "shop"))
        },
        Call(operation: "list the volumes of shop", answered: ["/containers/json": none, "/networks": none]) {
            _ = try await $0.observe(ObservationQuery(project: "shop"))
        },
        Call(
            operation: "inspect image busybox:1",
            answered: ["/containers/json": none, "/networks": none, "/volumes": empty]
        ) {
            _ = try await $0.observe(ObservationQuery(project: "shop", images: ["busybox:1"]))
        },
        Call(operation: "inspect container abc") { _ = try await $0.container(id) },
        Call(operation: "follow the events of shop") { for try await _ in try await $0.events(project: "shop") {} },
        Call(operation: "read the log of shop-web-1") { _ = try await $0.lastLines(of: id, count: 3) },
        Call(operation: "read the log of shop-web-1") { for try await _ in try await $0.logs(of: id) {} },
        Call(operation: "read the log of shop-web-1") { client in
            var lines = try await client.lines(of: id, LogReading())
            while try await lines?.next() != nil {}
        },
    ]

    private static let changes: [Call] = [
        pulling("pull image docker.io/library/busybox:1"),
        pulling("note the time of the pull of", isPeriodic: true, answered: ["/images/create": empty]),
        Call(operation: "create container shop-web-1") {
            _ = try await $0.perform(.create(try sampleCreation(of: sampleProject())))
        },
        performing(.connect(id, Endpoint(network: "shop_other", aliases: [])), "connect container shop-web-1 to"),
        performing(.start(id), "start container shop-web-1"),
        performing(.copyFiles(id, [file]), "copy configs and secrets into container shop-web-1"),
        performing(.runHook(id, hook), "run the post_start hook of service web"),
        performing(.tagImage(id: "sha256:abc", reference: "web:1"), "tag an image as web:1"),
        performing(.untagImage(reference: "web:1"), "remove image web:1"),
        performing(.stop(id), "stop container shop-web-1"),
        performing(.remove(id, volumes: false), "remove container abc"),
        performing(
            .remove(id, volumes: false), "remove container abc",
            answered: [
                "DELETE": ScriptedEngine.answer(
                    #"{"message": "removal of container abc is already in progress"}"#, status: "409 Conflict")
            ]),
        performing(.rename(id, to: "new"), "rename container abc to new"),
        performing(.unpause(id), "unpause container abc"),
        performing(
            .createNetwork(.init(Network(name: "shop_default"), key: "default", in: sampleProject())),
            "create network shop_default"),
        performing(.removeNetwork(id: "n", name: "shop_old"), "remove network shop_old"),
        performing(
            .createVolume(.init(Volume(name: "shop_data"), key: "data", in: sampleProject())),
            "create volume shop_data"),
        performing(.removeVolume(name: "shop_old"), "remove volume shop_old"),
        performing(.disconnect(id, networkID: "n"), "disconnect container abc"),
    ]

    static let calls = reads + changes

    private static let file = GrantedFile(source: .content("text"), target: "/c", mode: 0o444, uid: 0, gid: 0)
    private static let hook = HookRun(.postStart, Hook(), service: "web")

    private static func isInspection(_ request: String) -> Bool { request.hasSuffix("/containers/abc/json") }

    @Test(arguments: calls)
    func `a call that is never answered ends at its deadline and says what it was`(_ call: Call) async throws {
        try await with { request in
            call.answer(request, otherwise: nil)
        } _: { client in
            let error = try await #require(throws: EngineError.self) { try await call.make(client) }
            #expect(error.message.hasPrefix("cannot \(call.operation)"), "\(error)")
            #expect(error.reason == .engineUnreachable && error.detail.contains("3 s"), "\(error)")
            #expect(error.request != nil && !error.advice.isEmpty)
        }
    }

    @Test(arguments: calls)
    func `an answer that stops in its middle ends at its deadline`(_ call: Call) async throws {
        try await with { request in
            call.answer(request, otherwise: ScriptedEngine.partOfAnswer("{"))
        } _: { client in
            let error = try await #require(throws: EngineError.self) { try await call.make(client) }
            #expect(error.message.hasPrefix("cannot \(call.operation)"), "\(error)")
            #expect([.engineUnreachable, .registryUnreachable].contains(error.reason), "\(error)")
            #expect(error.detail.contains("3 s") && !error.advice.isEmpty, "\(error)")
        }
    }

    @Test(arguments: [nil, ScriptedEngine.partOfAnswer("\u{1}")])
    func `a hook that never ends is the service's fault`(_ answer: String?) async throws {
        let call = Self.performing(
            .runHook(Self.id, Self.hook), "run the post_start hook of service web",
            answered: ["/abc/exec": Self.created])
        try await with { request in
            call.answer(request, otherwise: answer)
        } _: { client in
            let error = try await #require(throws: EngineError.self) { try await call.make(client) }
            #expect(error.message.hasPrefix("cannot \(call.operation)") && error.service == "web", "\(error)")
            #expect(error.reason == (answer == nil ? .engineUnreachable : .exitedNonZero), "\(error)")
            #expect(error.detail.contains("3 s"), "\(error)")
        }
    }

    @Test func `what the engine does not tell in time of containers that ended or run is not known`() async throws {
        let ended = Self.container.replacing(
            #""State": {"Status": "created"}"#,
            with: #""State": {"Status": "exited", "ExitCode": 0, "StartedAt": "2026-01-01T00:00:00Z"}"#)
        let body = String(ended[(ended.firstRange(of: "\r\n\r\n")?.upperBound ?? ended.startIndex)...])
        try await with { request in
            if request.hasSuffix("/_ping") { return Self.ping }
            if Self.isInspection(request) { return ScriptedEngine.answer(body) }
            if request.contains("/containers/json") { return ScriptedEngine.answer(#"[{"Id": "abc"}]"#) }
            if request.contains("/networks") { return Self.none }
            return request.contains("/volumes") ? Self.empty : nil
        } _: { client in
            let state = try await client.observe(ObservationQuery(project: "shop"))
            #expect(state.containers.map(\.state) == [.exited] && state.containers.first?.endedByItself == nil)
            #expect(try await client.usage(of: [Self.id]) == [:])
        }
    }

    @Test func `a greeting that is never answered ends at the deadline`() async throws {
        try await with { _ in
            nil
        } _: { client in
            let error = try await #require(throws: EngineError.self) {
                _ = try await client.observe(ObservationQuery(project: "shop"))
            }
            #expect(error.message.hasPrefix("cannot reach the engine: no answer from the engine at unix:///tmp/"))
            #expect(error.advice.contains("overloaded or stuck"))
        }
    }

    @Test func `a greeting over TLS that is never answered ends at the deadline`() async throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { plain in
                bind(listener, plain, length) == 0 && listen(listener, 8) == 0
                    && getsockname(listener, plain, &length) == 0
            }
        }
        #expect(bound)
        let client = EngineClient(
            endpoint: try EngineEndpoint("tcp://127.0.0.1:\(UInt16(bigEndian: address.sin_port))", tls: .init()),
            dockerConfigDirectory: nil, deadlines: EngineDeadlines(call: .milliseconds(300)))
        let error = try await #require(throws: EngineError.self) { _ = try await client.info() }
        #expect(error.reason == .engineUnreachable && error.detail.contains("no answer"), "\(error)")
        await client.shutdown()
    }

    @Test func `a container that is followed may be silent for long`() async throws {
        let frame = "\u{1}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{3}hi\n"
        try await with { request in
            if request.hasSuffix("/_ping") { return Self.ping }
            return Self.isInspection(request) ? Self.container : ScriptedEngine.partOfAnswer(frame)
        } _: { client in
            var options = LogOptions()
            options.follows = true
            let (stream, continuation) = AsyncStream.makeStream(of: String.self)
            let reading = Task {
                for try await line in try await client.logs(of: Self.id, options: options) {
                    continuation.yield(line.text)
                }
                continuation.finish()
            }
            var lines = stream.makeAsyncIterator()
            #expect(await lines.next() == "hi")
            // Longer than anything else may take.
            let late = Task {
                try await Task.sleep(for: .seconds(5))
                continuation.yield("still open")
            }
            #expect(await lines.next() == "still open")
            try await late.value
            reading.cancel()
        }
    }
}

/// Which version is spoken.
@Suite(.timeLimit(.minutes(15))) struct EngineNegotiationTests {
    private func requests(
        offering headers: [String], version: String = "{}",
        _ body: @escaping @Sendable (EngineClient) async throws -> Void
    ) async throws -> [String] {
        let engine = try ScriptedEngine { request in
            if request.hasSuffix("/_ping") { return ScriptedEngine.answer("OK", headers: headers) }
            return ScriptedEngine.answer(request.hasSuffix("/version") ? version : "[]")
        }
        defer { engine.end() }
        let client = EngineClient(endpoint: try EngineEndpoint(engine.host), dockerConfigDirectory: nil)
        let result = await Task { try await body(client) }.result
        await client.shutdown()
        try result.get()
        return engine.requests
    }

    @Test(arguments: [
        ("1.41", "{}", "1.41"), ("1.51", "{}", "1.51"), ("1.54", #"{"MinAPIVersion": "1.44"}"#, "1.51"),
        ("1.60", #"{"MinAPIVersion": "1.55"}"#, "1.55"), ("1.60", "{}", "1.51"),
    ])
    func `an engine is spoken to in a version it has`(_ offered: String, _ answer: String, _ spoken: String)
        async throws
    {
        let requests = try await requests(offering: ["Api-Version: \(offered)"], version: answer) { client in
            let info = try await client.info()
            #expect(info.spokenVersion == spoken)
        }
        #expect(requests.last == "GET /v\(spoken)/version")
    }

    @Test func `an engine that is too old is refused with what it speaks and what is needed`() async throws {
        _ = try await requests(offering: ["Api-Version: 1.40"]) { client in
            let error = try await #require(throws: EngineError.self) { _ = try await client.info() }
            #expect(error.reason == .engineFailed)
            #expect(error.message.contains("it speaks API 1.40, and watcher needs 1.41 or newer"))
            #expect(error.advice == "Update the engine to Docker 20.10 or newer.")
        }
    }

    @Test func `what is no engine is told apart`() async throws {
        _ = try await requests(offering: []) { client in
            let error = try await #require(throws: EngineError.self) { _ = try await client.info() }
            #expect(error.message.contains("is it a Docker Engine?") && error.advice.contains("engine.host"))
        }
    }

    @Test func `Podman is recognised`() async throws {
        _ = try await requests(offering: ["Api-Version: 1.44", "Libpod-Api-Version: 5.8.6"]) { client in
            let traits = try await client.connection.traits()
            #expect(traits == EngineTraits(version: APIVersion(1, 44), isPodman: true))
        }
    }
}
