import FoundationEssentials

/// A way to the private engine that ends at the Nth request which changes something: that request is passed on or not,
/// but neither its answer nor any later request comes through. Whoever asked waits until it is killed.
package struct EngineGate: Sendable {
    package enum Place: Sendable, CaseIterable, CustomStringConvertible {
        /// The engine never hears of the request.
        case before
        /// The engine has carried it out, and nobody is told.
        case after

        package var description: String { self == .before ? "before" : "after" }
    }

    /// `unix://…`, for `engine.host`.
    package let host: String
    private let mark: String
    private let scenario: Scenario

    init(in scenario: Scenario, request number: Int, _ place: Place) async throws {
        self.scenario = scenario
        let directory = "\(scenario.directory)/gate"
        mark = "\(directory)/reached"
        let script = try scenario.write(Self.program, to: "\(directory)/gate.py")
        let socket = "\(directory)/engine.sock"
        host = "unix://\(socket)"
        let started = try await scenario.run(
            "sh",
            [
                "-c", #"setsid python3 "$@" </dev/null >"$1.log" 2>&1 & echo $!"#, "sh", script, socket,
                try TestEnvironment.dockerSocket(), "\(number)", "\(place)", mark,
            ]
        ).expecting(0)
        let id = String(started.output.prefix { $0.isNumber })
        scenario.atEnd("stop the gate") { try await scenario.run("kill", ["-KILL", id]).expecting(0) }
        try await scenario.waitForFile(socket)
    }

    /// Returns when the request is where the gate ends.
    package func reached() async throws { try await scenario.waitForFile(mark) }

    private static let program = #"""
        import os, re, socket, sys, threading

        path, engine, number, place, mark = sys.argv[1:6]
        gate = threading.Lock()
        count = 0
        closed = False
        changing = re.compile(rb"(POST|PUT|DELETE) ")

        def judge(data):
            # Whether this piece goes on to the engine, and whether the answer to it is the last thing that happens.
            global count, closed
            with gate:
                if not changing.match(data):
                    return True, False
                if closed:
                    return False, False
                count += 1
                closed = count == int(number)
                return not closed or place == "after", closed

        def reached():
            os.close(os.open(mark, os.O_CREAT | os.O_WRONLY))

        def answers(upstream, client, held):
            while data := upstream.recv(65536):
                if held.is_set():
                    return reached()
                client.sendall(data)
            client.shutdown(socket.SHUT_WR)

        def serve(client):
            upstream = socket.socket(socket.AF_UNIX)
            upstream.connect(engine)
            held = threading.Event()
            threading.Thread(target=answers, args=(upstream, client, held), daemon=True).start()
            while data := client.recv(65536):
                passes, isLast = judge(data)
                if isLast:
                    held.set()
                    if not passes:
                        reached()
                if not passes:
                    return
                upstream.sendall(data)
            upstream.shutdown(socket.SHUT_WR)

        def guarded(client):
            try:
                serve(client)
            except OSError:
                pass

        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(64)
        while True:
            client, _ = listener.accept()
            threading.Thread(target=guarded, args=(client,), daemon=True).start()
        """#
}

extension Scenario {
    /// A way to the engine that ends at its `number`th request which changes something.
    package func engineGate(request number: Int, _ place: EngineGate.Place) async throws -> EngineGate {
        try await EngineGate(in: self, request: number, place)
    }

    /// Waits until the file is there.
    fileprivate func waitForFile(_ path: String) async throws {
        try await run(
            "sh", ["-c", #"until test -e "$1"; do sleep 0.02; done"#, "sh", path], deadline: .seconds(120)
        ).expecting(0)
    }
}
